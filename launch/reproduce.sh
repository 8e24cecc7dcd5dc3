#!/usr/bin/env bash
# The experiments of configs/README.md again: trains what is not trained yet, goes on
# with what was interrupted, and prints the tables. Needs both data sets:
#     jaxad data prepare mnist; jaxad data prepare fashion_mnist
# Run folders: ${RUNS:-runs}/<experiment>. About four hours on two cores.
set -eu

# shellcheck source=launch/venv.sh
. "$(dirname "${BASH_SOURCE[0]}")/venv.sh" test

runs=${RUNS:-runs}
folder=configs/mnist_salt_pepper
models="linear linear_contaminated linear_ssim deep cae cae_clean"
severe=() hard=()
for name in $models; do
    .venv/bin/jaxad train "$folder/$name.py" --resume --out "$runs/$name"
    noise=()
    if [ "$name" = cae ]; then noise=(--corrupt.level 0.01); fi
    .venv/bin/jaxad train "$folder/$name.py" --resume --out "$runs/${name}_hard" \
        --name "${name}_hard" --data.protocol.corruption.level 0.01 ${noise[@]+"${noise[@]}"}
    severe+=("$runs/$name")
    hard+=("$runs/${name}_hard")
done
# The identity needs a wider bottleneck (14x14x16) than the experiments have.
wide=()
for name in cae cae_clean; do
    .venv/bin/jaxad train "$folder/$name.py" --resume --out "$runs/${name}_wide" \
        --name "${name}_wide" --model.channels 16 --train.epochs 3 --baselines.names
    wide+=("$runs/${name}_wide")
done
printf '\n## Severe: 50 %% of the pixels\n\n'
.venv/bin/jaxad report --markdown "${severe[@]}"
printf '\n## Hard: 1 %% of the pixels\n\n'
.venv/bin/jaxad report --markdown "${hard[@]}"
printf '\n## Wide bottleneck, severe\n\n'
.venv/bin/jaxad report --markdown "${wide[@]}"

for name in cae fashion_normal; do
    .venv/bin/jaxad train "configs/mnist_vs_fashion/$name.py" --resume --out "$runs/vs_$name"
    printf '\n## MNIST and Fashion-MNIST: %s\n\n' "$name"
    .venv/bin/jaxad report --markdown "$runs/vs_$name"
done
sweeps="mnist_digits_grid/grid one_class/mnist one_class/fashion leave_one_out/latent_size"
sweeps="$sweeps leave_one_out/vae_latent_size sem/tables sem/denoisers"
for name in $sweeps; do
    folder=$runs/sweep_${name//\//_}
    .venv/bin/jaxad sweep "configs/$name.py" --resume --out "$folder"
    printf '\n## %s\n\n' "$name"
    .venv/bin/jaxad report --markdown "$folder"
done

textures=$runs/textures
if [ ! -d "$textures" ]; then .venv/bin/jaxad data textures "$textures"; fi
inspect=(--resume --data.root "$textures" --data.size 96)
for name in kd_cae ni_cae; do
    folder=$runs/sweep_$name
    .venv/bin/jaxad sweep "configs/mvtec/$name.py" "${inspect[@]}" --out "$folder" \
        --grid data.category=brick,grass,gravel
    printf '\n## %s\n\n' "$name"
    .venv/bin/jaxad report --markdown "$folder"
done
for name in draem cnn dcgan; do
    own=("${inspect[@]}")
    if [ "$name" = dcgan ]; then own+=(--data.size 64); fi
    folders=()
    for category in brick grass gravel; do
        folders+=("$runs/${name}_$category")
        .venv/bin/jaxad train "configs/mvtec/$name.py" "${own[@]}" \
            --data.category "$category" --out "${folders[-1]}"
    done
    printf '\n## %s\n\n' "$name"
    .venv/bin/jaxad report --markdown "${folders[@]}"
done

folders=()
for seed in 0 1 2; do
    folders+=("$runs/elpv_draem_$seed")
    .venv/bin/jaxad train configs/elpv/draem.py --resume --seed "$seed" \
        --out "${folders[-1]}"
done
for name in ae cnn; do
    folders+=("$runs/elpv_$name")
    .venv/bin/jaxad train "configs/elpv/$name.py" --resume --out "${folders[-1]}"
done
printf '\n## Solar cells\n\n'
.venv/bin/jaxad report --markdown "${folders[@]}"

hard=(--data.protocol.corruption.level 0.01 --baselines.names --resume)
folders=()
for precision in float32 bfloat16; do
    folders+=("$runs/deep_$precision" "$runs/cae_$precision")
    .venv/bin/jaxad train configs/mnist_salt_pepper/deep.py "${hard[@]}" \
        --train.precision "$precision" --out "$runs/deep_$precision"
    .venv/bin/jaxad train configs/mnist_salt_pepper/cae.py "${hard[@]}" \
        --corrupt.level 0.01 --train.epochs 3 \
        --train.precision "$precision" --out "$runs/cae_$precision"
done
printf '\n## bfloat16\n\n'
.venv/bin/jaxad report --markdown "${folders[@]}"
