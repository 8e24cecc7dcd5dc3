#!/usr/bin/env bash
# The fast test suite, in .venv. Options are passed on to pytest:
# bash launch/test.sh tests/test_config.py -k json
set -eu

# shellcheck source=launch/venv.sh
. "$(dirname "${BASH_SOURCE[0]}")/venv.sh" test

# Two processes: most of the time goes into compiling, which uses one core.
.venv/bin/python -m pytest -n 2 --dist loadfile "$@"
