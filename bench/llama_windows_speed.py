#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed of llama-perplexity's loop over llama.cpp's own library: the peer of `make bench-validate`.

usage: llama_windows_speed.py LIBRARY_DIR MODEL.gguf THREADS CONTEXT BATCH WINDOWS

Only llama_decode and waiting for its logits are timed, with micro-batches of 512 and flash
attention. Prints {"tokens_per_second"}.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "interop"))
import llama_cpp  # noqa: E402
import llama_windows  # noqa: E402

FLASH_ATTENTION_ON = 1
MICRO_BATCH = 512


def measure(library, path: str, threads: int, n_ctx: int, n_batch: int, count: int) -> float:
    model = library.load(path, vocab_only=False)
    size = library.llama_vocab_n_tokens(library.llama_model_get_vocab(model))
    sequences = max(1, n_batch // n_ctx)
    # Arbitrary ids: speed does not depend on them.
    windows = [[(7919 * (n_ctx * number + place) + 11) % (size - 512) for place in range(n_ctx)]
               for number in range(count)]
    context = llama_windows.make_context(library, model, n_ctx, sequences, MICRO_BATCH, threads,
                                         FLASH_ATTENTION_ON)

    def run(some) -> float:
        return llama_windows.decode_windows(library, model, context, some, n_ctx, sequences,
                                            lambda number, rows: None)

    run([window[:] for window in windows[:1]])  # warm-up: touches all weights
    return len(windows) * n_ctx / run(windows)


def main() -> int:
    folder, model, threads, n_ctx, n_batch, count = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    null = os.open(os.devnull, os.O_WRONLY)
    standard_error = os.dup(2)
    os.dup2(null, 1)
    os.dup2(null, 2)
    try:
        speed = measure(llama_cpp.Library(folder), model, int(threads), int(n_ctx), int(n_batch),
                        int(count))
    except RuntimeError as error:
        os.dup2(standard_error, 2)
        print(f"llama_windows_speed.py: {error}", file=sys.stderr)
        return 1
    print(json.dumps({"tokens_per_second": speed}), file=answers, flush=True)
    os._exit(0)  # the library's own exit handlers have nothing to save


if __name__ == "__main__":
    sys.exit(main())
