#!/usr/bin/env bash
# A run or a sweep under SLURM, from the folder of the repository:
#
#     sbatch --nodes=2 --ntasks-per-node=4 --gpus-per-task=1 launch/slurm.sh \
#         train configs/mnist_salt_pepper/cae.py --out runs/cae
#
# One task for each GPU, or one for each node. The processes find each other by SLURM's
# own variables. Before the time limit, and when preempted, SLURM sends SIGTERM: the run
# saves, ends with code 75, and is put into the queue again, where it goes on.
#SBATCH --job-name=jaxad
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --signal=TERM@180
#SBATCH --requeue
#SBATCH --open-mode=append
set -u

# A batch script runs as a copy elsewhere.
cd "${SLURM_SUBMIT_DIR:-$(dirname "${BASH_SOURCE[0]}")/..}" || exit
PATH=$PWD/.venv/bin:$PATH
told=
trap 'told=1' TERM # the run is told as well, and this script has to outlive it

# Where a task fails, JAX's runtime ends the others; srun would cut those that still save.
srun --kill-on-bad-exit=0 jaxad "$@" --resume &
step=$!
wait "$step"
code=$?
# A signal ends the wait and not the step.
while kill -0 "$step" 2>/dev/null; do
    wait "$step"
    code=$?
done
# 143: the signal came before there was anything to save.
if [ "$code" -eq 75 ] || { [ -n "$told" ] && [ "$code" -eq 143 ]; }; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
