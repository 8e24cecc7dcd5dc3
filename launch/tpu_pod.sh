#!/usr/bin/env bash
# A run or a sweep on all workers of a Cloud TPU VM (a slice of a pod), from a machine
# with gcloud:
#
#     bash launch/tpu_pod.sh NAME ZONE FOLDER train configs/mnist_salt_pepper/cae.py \
#         --out /shared/runs/cae
#
# FOLDER: of the repository on each worker, with .venv in it (launch/quickstart.sh makes
# one; then .venv/bin/pip install -e '.[tpu]'). --out: on a file system that all workers
# share (Filestore, GCS by gcsfuse). The workers find each other by themselves. Start it
# again to go on where it stopped: --resume is passed.
set -eu

if [ "$#" -lt 4 ]; then
    echo "usage: bash ${BASH_SOURCE[0]} NAME ZONE FOLDER train|sweep ..." >&2
    exit 2
fi
name=$1 zone=$2 folder=$3
shift 3
command=$(printf '%q ' cd "$folder")"&& "$(printf '%q ' .venv/bin/jaxad "$@" --resume)

exec gcloud compute tpus tpu-vm ssh "$name" --zone="$zone" --worker=all \
    --command="$command"
