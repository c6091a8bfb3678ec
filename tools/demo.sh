#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Converts the bundled example model to several GGUF types in one pass and shows what came out.
# Usage: tools/demo.sh OUTPUT_DIR
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
output=$1
quant=build/bin/llama-pajamas-quant

shopt -s nullglob
configs=(examples/*/config.json)
if [[ ${#configs[@]} -eq 0 ]]; then
  echo "demo.sh: no model in examples/" >&2
  exit 1
fi
model=$(dirname "${configs[0]}")

show() {
  echo
  echo "\$ $*"
  "$@"
}

# A demo starts from nothing, so that each run shows the same.
rm -rf "$output"
show "$quant" convert "$model" --output "$output" --formats gguf --gguf-types Q4_K_M,Q6_K,Q8_0
files=("$output"/gguf/*q4_k_m.gguf)
show "$quant" info "${files[0]}"
show "$quant" verify "$output"
show find "$output" -type f -printf '%10s  %P\n'
