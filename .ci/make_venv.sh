#!/bin/sh
# Makes a virtual environment with Python 3.11 or newer:  make_venv.sh DIRECTORY [PYTHON]
set -eu
directory=$1
wanted=${2:-}

fits() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

for python in ${wanted:-python3 python3.13 python3.12 python3.11 python}; do
    if fits "$python"; then
        if "$python" -m venv "$directory"; then
            exit 0
        fi
        rm -rf "$directory"
        echo "$python cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv" >&2
        exit 1
    fi
done

if [ -n "$wanted" ]; then
    echo "PYTHON=$wanted is not Python 3.11 or newer." >&2
else
    echo "Footnote needs Python 3.11 or newer; found: $(python3 --version 2>&1 || echo none)." >&2
    echo "Install it, or name it: make demo PYTHON=/path/to/python3.12" >&2
fi
exit 1
