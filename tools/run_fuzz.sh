#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs each fuzz target of a build folder for some seconds, starting from its committed corpus.
# New inputs go to BUILD/corpus/TARGET; a crash leaves its input in BUILD/crashes and fails.
# Usage: tools/run_fuzz.sh BUILD SECONDS
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=$1
seconds=$2
mkdir -p "$build/crashes"
shopt -s nullglob
targets=("$build"/bin/*_fuzz)
if [[ ${#targets[@]} -eq 0 ]]; then
  echo "run_fuzz: no *_fuzz program in $build/bin" >&2
  exit 1
fi
for target in "${targets[@]}"; do
  name=$(basename "$target" _fuzz)
  mkdir -p "$build/corpus/$name"
  seeds=()
  [[ -d "fuzz/corpus/$name" ]] && seeds=("fuzz/corpus/$name")
  echo "== $name, $seconds s"
  log="$build/crashes/$name.log"
  status=0
  "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$build/crashes/$name-" "$build/corpus/$name" "${seeds[@]}" \
    >"$log" 2>&1 || status=$?
  grep -E 'stat::|ERROR|SUMMARY|Test unit written' "$log" || true
  if [[ $status -ne 0 ]]; then
    echo "run_fuzz: $name failed; see $log" >&2
    exit 1
  fi
done
