#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy (.clang-tidy) on all sources of a build folder, or on the named files. The folder has
# to be configured (not built) without PAJAMAS_UNITY, so that it knows how each file is compiled.
# Usage: tools/run_tidy.sh BUILD [FILE...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=$1
shift
if grep -q '/Unity/unity_' "$build/compile_commands.json"; then
  echo "run_tidy: $build compiles several files together (PAJAMAS_UNITY=ON), expected a folder" \
    "that compiles each alone; run cmake --preset dev and pass build/presets/dev" >&2
  exit 2
fi
files=("$@")
if [[ ${#files[@]} -eq 0 ]]; then
  mapfile -t files < <(find lib cli -name '*.cc' -not -name '*_test.cc' | sort)
fi
printf '%s\0' "${files[@]}" |
  xargs -0 -n 1 -P "$(nproc)" clang-tidy-19 -p "$build" --quiet --warnings-as-errors='*'
echo "run_tidy: ${#files[@]} files are clean"
