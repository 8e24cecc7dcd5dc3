#!/usr/bin/env bash
# Format, lint and types, in .venv. Nothing is changed.
set -eu

# shellcheck source=launch/venv.sh
. "$(dirname "${BASH_SOURCE[0]}")/venv.sh" test

# ruff does not read setup.cfg. RUF002 and RUF003 refuse the field's own signs (x, -).
rules=E,F,I,B,UP,SIM,RUF,C4,PT
.venv/bin/ruff format --check --target-version py311 .
.venv/bin/ruff check --target-version py311 --select $rules --ignore RUF002,RUF003 .
.venv/bin/mypy
