#!/bin/sh
# Creates a virtual environment from the first Python >= 3.11 that can make one.
# Usage: make_venv.sh FOLDER; PYTHON=/path/to/python chooses the interpreter.
set -u
folder=$1
new_enough='import sys; raise SystemExit(sys.version_info < (3, 11))'
found=
for candidate in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14}; do
    "$candidate" -c "$new_enough" >/dev/null 2>&1 || continue
    found=${found:-$candidate}
    "$candidate" -m venv "$folder" >/dev/null 2>&1 && exit 0
    rm -rf "$folder"
done
if [ -z "$found" ]; then
    echo "klosed needs Python 3.11 or newer and found none. Install one, or set PYTHON=/path/to/python." >&2
    exit 1
fi
# Debian ships Python without the module that puts pip into a new environment.
if command -v uv >/dev/null 2>&1; then
    uv venv --quiet --seed --python "$found" "$folder" && exit 0
fi
if command -v apt-get >/dev/null 2>&1; then
    as_root=
    if [ "$(id -u)" -ne 0 ]; then as_root='sudo -n'; fi
    echo "This Python cannot make virtual environments; installing Debian's python3-venv for it." >&2
    export DEBIAN_FRONTEND=noninteractive
    { $as_root apt-get install -y -qq python3-venv ||
        { $as_root apt-get update -qq && $as_root apt-get install -y -qq python3-venv; }; } >/dev/null 2>&1
    for candidate in /usr/bin/python3 "$found"; do
        "$candidate" -c "$new_enough" >/dev/null 2>&1 || continue
        "$candidate" -m venv "$folder" >/dev/null 2>&1 && exit 0
        rm -rf "$folder"
    done
fi
echo "$found cannot make virtual environments. On Debian: sudo apt-get install python3-venv, then run make again." >&2
exit 1
