#!/bin/sh
# Resolve envs/*.in into the complete pins of envs/*.txt. Maintainers run it after a change of an .in file.
set -e
cd "$(dirname "$0")"
compile() { uv pip compile --quiet --no-annotate --no-header --python-version 3.11 --python-platform x86_64-manylinux_2_28 "$@"; }
links=${PIP_FIND_LINKS:+--find-links $PIP_FIND_LINKS}
compile workflow.in -o workflow.txt
compile $links training-cpu.in -o training-cpu.txt
compile $links --override overrides.txt generation-cpu.in -o generation-cpu.txt
compile training-cuda.in -o training-cuda.txt
compile generation-cuda.in -o generation-cuda.txt
