# SPDX-License-Identifier: Apache-2.0
"""llama-perplexity's loop over the prebuilt library: windows of a text through llama_decode.

Windows of n_ctx tokens stand side by side, n_batch / n_ctx of them in one call; the first token of
each is the beginning-of-text token where the vocabulary adds one, and logits are asked for from the
middle on. Used by llama_cpp.py (op "windows") and by bench/validate.py.
"""

import ctypes
import time

import numpy as np

INT32, INT8 = ctypes.c_int32, ctypes.c_int8
POINTER = ctypes.c_void_p


class WindowBatch:
    """A llama_batch for up to `sequences` windows of n_ctx tokens."""

    def __init__(self, library, n_ctx, sequences):
        count = n_ctx * sequences
        self.n_ctx = n_ctx
        self.token = (INT32 * count)()
        self.pos = (INT32 * count)(*(place for _ in range(sequences) for place in range(n_ctx)))
        self.n_seq_id = (INT32 * count)(*[1] * count)
        self.ids = [(INT32 * 1)(sequence) for sequence in range(sequences)]
        self.seq_id = (POINTER * count)(
            *(ctypes.addressof(self.ids[at // n_ctx]) for at in range(count))
        )
        wanted = [int(place >= n_ctx // 2) for place in range(n_ctx)]
        self.logits = (INT8 * count)(*wanted * sequences)
        self.batch = library.llama_batch_get_one(self.token, count)
        for member in ("pos", "n_seq_id", "seq_id", "logits"):
            setattr(self.batch, member, ctypes.cast(getattr(self, member), POINTER))

    def fill(self, windows):
        for at, token in enumerate(token for window in windows for token in window):
            self.token[at] = token
        self.batch.n_tokens = self.n_ctx * len(windows)


def make_context(library, model, n_ctx, sequences, n_ubatch, threads, flash_attention=None):
    params = library.llama_context_default_params()
    params.n_ctx = params.n_batch = n_ctx * sequences
    params.n_ubatch = min(n_ubatch, n_ctx * sequences)
    params.n_seq_max = sequences
    params.n_threads = params.n_threads_batch = threads
    if flash_attention is not None:
        params.flash_attn_type = flash_attention
    context = library.llama_init_from_model(model, params)
    if not context:
        raise RuntimeError("llama.cpp makes no context")
    return context


def read_windows(library, model, tokens, n_ctx):
    """The windows of the tokens, each with the token it begins with."""
    vocab = library.llama_model_get_vocab(model)
    bos = library.llama_vocab_bos(vocab) if library.llama_vocab_get_add_bos(vocab) else None
    windows = []
    for first in range(0, len(tokens) - n_ctx + 1, n_ctx):
        window = list(tokens[first : first + n_ctx])
        if bos is not None:
            window[0] = bos
        windows.append(window)
    return windows


def decode_windows(library, model, context, windows, n_ctx, sequences, on_logits):
    """Calls on_logits(window number, logits of the positions from the middle on); gives the seconds
    spent in llama_decode and in waiting for its results."""
    size = library.llama_vocab_n_tokens(library.llama_model_get_vocab(model))
    batch = WindowBatch(library, n_ctx, sequences)
    first, seconds = n_ctx // 2, 0.0
    for start in range(0, len(windows), sequences):
        together = windows[start : start + sequences]
        begin = time.monotonic()
        library.llama_memory_clear(library.llama_get_memory(context), True)
        batch.fill(together)
        code = library.llama_decode(context, batch.batch)
        if code != 0:
            raise RuntimeError(f"llama_decode returned {code}")
        library.llama_get_logits_ith(context, first)  # waits for the results
        seconds += time.monotonic() - begin
        for number in range(len(together)):
            # Rows that were asked for lie one after another.
            begin_row = library.llama_get_logits_ith(context, number * n_ctx + first)
            rows = np.ctypeslib.as_array(begin_row, (n_ctx - first, size))
            on_logits(start + number, rows)
    return seconds


def log_probabilities(logits):
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True).astype(np.float64)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
