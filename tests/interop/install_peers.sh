#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the peers of the live comparisons: the Python packages of requirements.txt and the npm
# packages of package.json.
# Usage: tests/interop/install_peers.sh BUILD_DIR They land in BUILD_DIR/interop/venv and
# BUILD_DIR/interop/node_modules. A stamp holds what was asked for, so a second run is instant, and
# a changed version installs anew. Any failure to install is an error.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [[ $# -ne 1 ]]; then
  echo "usage: tests/interop/install_peers.sh BUILD_DIR" >&2
  exit 2
fi
mkdir -p "$1/interop"
target=$(cd "$1/interop" && pwd)

# install STAMP WANTED_FILE COMMAND...: runs the command unless it ran for just this content before.
install_once() {
  local stamp=$target/$1 wanted=$2
  shift 2
  if [[ -f "$stamp" ]] && cmp -s "$stamp" "$wanted"; then
    return
  fi
  rm -f "$stamp"
  "$@"
  cp "$wanted" "$stamp"
}

python_packages() {
  rm -rf "$target/venv"
  python3 -m venv "$target/venv"
  "$target/venv/bin/pip" install --quiet --disable-pip-version-check --no-input \
    --requirement "$here/requirements.txt"
}

npm_packages() {
  rm -rf "$target/node_modules"
  cp "$here/package.json" "$target/package.json"
  # Optional packages are builds for machines and GPUs that are not used here, gigabytes of them.
  npm install --prefix "$target" --ignore-scripts --omit=optional --no-package-lock --no-audit \
    --no-fund --loglevel=error
}

install_once python.stamp "$here/requirements.txt" python_packages
install_once npm.stamp "$here/package.json" npm_packages
