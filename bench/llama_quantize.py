#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Quantizes one GGUF file with llama.cpp's own library: the peer of `make bench-quantize`.

usage: llama_quantize.py LIBRARY_DIR INPUT.gguf OUTPUT.gguf TYPE THREADS

LIBRARY_DIR holds the shared libraries of npm's @node-llama-cpp/linux-x64. Prints the seconds that
llama_model_quantize took; loading the libraries is not counted.
"""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "interop"))
import llama_cpp  # noqa: E402


def main() -> int:
    folder, source, target, type_name, threads = sys.argv[1:]
    # The library logs every tensor; the speed of whatever reads that must not count.
    standard_error = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    library = llama_cpp.Library(folder)
    request = {"input": source, "output": target, "type": type_name, "threads": int(threads)}
    started = time.monotonic()
    try:
        llama_cpp.op_quantize(library, request)
    except RuntimeError as error:
        os.dup2(standard_error, 2)
        print(f"llama_quantize.py: {error}", file=sys.stderr)
        return 1
    print(f"{time.monotonic() - started:.3f}", flush=True)
    os._exit(0)  # the library's own exit handlers have nothing to save


if __name__ == "__main__":
    sys.exit(main())
