#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian 12 packages of the named groups, only when some are missing.
# Usage: tools/install_deps.sh GROUP...    groups: build lint fuzz interop
# As another user than root it installs nothing: it prints the command and fails.
set -euo pipefail

# What each group needs. A name with a colon is PACKAGE:COMMAND: any provider of the command will
# do (Node.js often comes from elsewhere than Debian).
group_packages() {
  case "$1" in
    build)
      echo make:make g++:g++ cmake:cmake ninja-build:ninja ccache:ccache pkg-config:pkg-config \
        python3:python3 libfmt-dev nlohmann-json3-dev libcli11-dev libssl-dev libonig-dev \
        libutf8proc-dev libboost1.81-dev libgtest-dev libgmock-dev
      ;;
    lint) echo clang-format-19:clang-format-19 clang-tidy-19:clang-tidy-19 ;;
    fuzz) echo clang-19:clang-19 libclang-rt-19-dev ;;
    interop) echo ca-certificates python3:python3 python3-venv npm:npm curl:curl chromium:chromium ;;
    *)
      echo "install_deps.sh: unknown group '$1', expected build, lint, fuzz or interop" >&2
      exit 2
      ;;
  esac
}

is_installed() {
  [[ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

if [[ $# -eq 0 ]]; then
  echo "usage: tools/install_deps.sh GROUP...   (build lint fuzz interop)" >&2
  exit 2
fi

missing=()
for group in "$@"; do
  packages=$(group_packages "$group")
  for entry in $packages; do
    package=${entry%%:*}
    if [[ "$entry" == *:* ]]; then
      command -v "${entry#*:}" >/dev/null || missing+=("$package")
    elif ! is_installed "$package"; then
      missing+=("$package")
    fi
  done
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "install_deps.sh: this is not Debian; install what provides: ${missing[*]}" >&2
  exit 1
fi
if [[ $(id -u) -ne 0 ]]; then
  echo "install_deps.sh: missing packages; as root run:" >&2
  echo "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
echo "Installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -y -q --no-install-recommends "${missing[@]}"
