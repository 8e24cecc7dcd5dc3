#!/usr/bin/env bash
# Runs all notebooks headless, in .venv, and fails where one breaks a rule of
# launch/notebooks.py. With --write, their outputs are kept. Names choose some:
#     bash launch/notebooks.sh --write notebooks/01_first_run.ipynb
set -eu

# shellcheck source=launch/venv.sh
. "$(dirname "${BASH_SOURCE[0]}")/venv.sh" test

.venv/bin/python launch/notebooks.py "$@"
