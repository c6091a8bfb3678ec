#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Says which C++ sources are not in the house format (.clang-format); --fix rewrites them.
# --root DIR looks at another tree.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mode=(--dry-run -Werror)
while [[ $# -gt 0 ]]; do
  case "$1" in
    --fix) mode=(-i) ;;
    --root)
      shift
      cd "$1"
      ;;
    *)
      echo "usage: tools/check_format.sh [--fix] [--root DIR]" >&2
      exit 2
      ;;
  esac
  shift
done

folders=()
for folder in include lib cli studio tests fuzz bench examples; do
  [[ -d "$folder" ]] && folders+=("$folder")
done
sources() {
  find "${folders[@]}" -name node_modules -prune -o \( -name '*.cc' -o -name '*.h' \) -type f -print0
}
if ! output=$(sources | xargs -0 -r -n 16 -P "$(nproc)" clang-format-19 "${mode[@]}" 2>&1); then
  grep -E '^[^ ].*: error: ' <<<"$output" | cut -d: -f1,2 | sort -u -t: -k1,1 -k2,2n |
    sed 's/^/check_format: not formatted: /' >&2
  echo "check_format: run 'make format'" >&2
  exit 1
fi
echo "check_format: all sources are formatted"
