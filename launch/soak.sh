#!/usr/bin/env bash
# The long tests, in .venv: many kills, full experiments. About an hour on two cores.
# JAXAD_DATA_SOURCE names the folder that holds mnist/.
set -eu

# shellcheck source=launch/venv.sh
. "$(dirname "${BASH_SOURCE[0]}")/venv.sh" test

.venv/bin/python -m pytest -m soak "$@"
