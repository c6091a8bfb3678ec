#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the peers, then compares the built programs with them. Further arguments go to pytest.
# Usage: tests/interop/run.sh BUILD_DIR [PYTEST_ARGUMENT...]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(cd "${1:?usage: tests/interop/run.sh BUILD_DIR [PYTEST_ARGUMENT...]}" && pwd)
shift
"$here/install_peers.sh" "$build"
export PJ_BUILD=$build PYTHONDONTWRITEBYTECODE=1 MLX_DISABLE_COMPILE=1
# The files that are compared take gigabytes; they stay only when something differs.
"$build/interop/venv/bin/python" -m pytest -p no:cacheprovider --basetemp "$build/interop/files" \
  --tb=short "$here" "$@"
rm -rf "$build/interop/files"
