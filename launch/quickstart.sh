#!/usr/bin/env bash
# From nothing to pictures: installs jaxad into .venv and trains the embedded default.
# Run it again at any time; a finished run is kept, an interrupted one goes on.
# Options are passed on: bash launch/quickstart.sh --train.epochs 3 --out runs/short
set -eu

# shellcheck source=launch/venv.sh
. "$(dirname "${BASH_SOURCE[0]}")/venv.sh" ""

.venv/bin/jaxad train --resume "$@"
