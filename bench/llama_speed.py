#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed of llama.cpp's own library on one GGUF file: the peer of `make bench-run`.

usage: llama_speed.py LIBRARY_DIR MODEL.gguf THREADS PROMPT_TOKENS GENERATED_TOKENS DEPTH KV_TYPE

Evaluates a prompt of PROMPT_TOKENS in batches of 512, then generates GENERATED_TOKENS one by one
behind DEPTH tokens of context. Both through llama_decode, after a warm-up. Token ids are arbitrary,
since speed does not depend on them. KV_TYPE is f16 or q8_0. Prints one JSON object:
{"load_seconds", "prompt_tokens_per_second", "generated_tokens_per_second"}.
"""

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "interop"))
import llama_cpp  # noqa: E402

BATCH = 512
KV_TYPES = {"f16": 1, "q8_0": 8}
FLASH_ATTENTION_ON = 1


def decode(library, context, tokens: list[int]) -> None:
    for first in range(0, len(tokens), BATCH):
        part = tokens[first : first + BATCH]
        array = (llama_cpp.INT32 * len(part))(*part)
        code = library.llama_decode(context, library.llama_batch_get_one(array, len(part)))
        if code != 0:
            raise RuntimeError(f"llama_decode returned {code}")
    library.llama_get_logits_ith(context, -1)  # waits for the result


def measure(library, model_path: str, threads: int, prompt: int, generated: int, depth: int,
            kv_type: str) -> dict:
    params = library.llama_model_default_params()
    started = time.monotonic()
    model = library.llama_model_load_from_file(model_path.encode(), params)
    if not model:
        raise RuntimeError(f"llama.cpp does not load {model_path}")
    load_seconds = time.monotonic() - started
    size = library.llama_vocab_n_tokens(library.llama_model_get_vocab(model))
    options = library.llama_context_default_params()
    options.n_ctx = max(prompt, depth + generated) + 64
    options.n_batch = options.n_ubatch = BATCH
    options.n_threads = options.n_threads_batch = threads
    options.flash_attn_type = FLASH_ATTENTION_ON
    options.type_k = options.type_v = KV_TYPES[kv_type]
    context = library.llama_init_from_model(model, options)
    if not context:
        raise RuntimeError(f"llama.cpp makes no context for {model_path}")
    memory = library.llama_get_memory(context)
    tokens = [(7919 * index + 11) % (size - 512) for index in range(max(prompt, depth, 1))]

    decode(library, context, tokens[: max(prompt, 32)])  # touches all weights and buffers
    answer = {"load_seconds": load_seconds}
    if prompt > 0:
        library.llama_memory_clear(memory, True)
        started = time.monotonic()
        decode(library, context, tokens[:prompt])
        answer["prompt_tokens_per_second"] = prompt / (time.monotonic() - started)
    if generated > 0:
        library.llama_memory_clear(memory, True)
        decode(library, context, tokens[: max(depth, 1)])
        started = time.monotonic()
        for index in range(generated):
            decode(library, context, [(104729 * index + 5) % (size - 512)])
        answer["generated_tokens_per_second"] = generated / (time.monotonic() - started)
    return answer


def main() -> int:
    folder, model, threads, prompt, generated, depth, kv_type = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    null = os.open(os.devnull, os.O_WRONLY)
    standard_error = os.dup(2)
    os.dup2(null, 1)
    os.dup2(null, 2)
    try:
        answer = measure(llama_cpp.Library(folder), model, int(threads), int(prompt),
                         int(generated), int(depth), kv_type)
    except RuntimeError as error:
        os.dup2(standard_error, 2)
        print(f"llama_speed.py: {error}", file=sys.stderr)
        return 1
    print(json.dumps(answer), file=answers, flush=True)
    os._exit(0)  # the library's own exit handlers have nothing to save


if __name__ == "__main__":
    sys.exit(main())
