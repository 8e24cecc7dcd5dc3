# shellcheck shell=bash
# Makes .venv beside this folder and installs jaxad into it. Sourced by the other
# scripts, after `set -eu`, with the extras to install: `. venv.sh test`.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

find_python() {
    local name
    for name in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
        if [ -n "$name" ] && command -v "$name" >/dev/null && "$name" -c \
            'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
        if [ -n "${PYTHON:-}" ]; then
            break
        fi
    done
    echo "jaxad needs Python 3.11 or newer: install it, or set PYTHON to its path" >&2
    return 1
}

if [ ! -x .venv/bin/python ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    echo "making .venv with $python"
    "$python" -m venv --clear .venv
fi

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
wanted=".${1:+[$1]}"
# The stamp says what was installed last; a changed setup.cfg is installed anew.
stamp=".venv/jaxad-installed${1:+-$1}"
if [ ! -f "$stamp" ] || [ setup.cfg -nt "$stamp" ]; then
    echo "installing jaxad${1:+ with extra $1} into .venv"
    .venv/bin/python -m pip install --quiet --editable "$wanted"
    touch "$stamp"
fi
