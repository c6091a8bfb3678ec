# SPDX-License-Identifier: Apache-2.0
"""llama-perplexity's KL base file, read and written from a description of its layout alone.

"_logits_", int32 n_ctx, n_vocab, n_chunk, int32 tokens[n_chunk * n_ctx]; then for each chunk the
n_ctx - 1 - n_ctx // 2 scored positions, each a row of uint16: two floats (scale, lowest
log-probability) and a code per token, padded to an even number.
"""

import dataclasses

import numpy as np


@dataclasses.dataclass
class KlBase:
    n_ctx: int
    n_vocab: int
    tokens: np.ndarray  # n_chunk, n_ctx
    log_probabilities: np.ndarray  # n_chunk, scored positions, n_vocab


def scored(n_ctx):
    return n_ctx - 1 - n_ctx // 2


def row_words(n_vocab):
    return 2 * ((n_vocab + 1) // 2) + 4


def read(path):
    data = path.read_bytes()
    assert data[:8] == b"_logits_"
    n_ctx, n_vocab, n_chunk = np.frombuffer(data, "<i4", 3, 8)
    tokens = np.frombuffer(data, "<i4", n_chunk * n_ctx, 20).reshape(n_chunk, n_ctx)
    words = np.frombuffer(data, "<u2", offset=20 + 4 * n_chunk * n_ctx)
    rows = words.reshape(n_chunk, scored(n_ctx), row_words(n_vocab))
    floats = rows[:, :, :4].copy().view("<f4")
    codes = rows[:, :, 4 : 4 + n_vocab].astype(np.float32)
    return KlBase(n_ctx, n_vocab, tokens, floats[:, :, :1] * codes + floats[:, :, 1:])


def write(path, tokens, logits):
    """tokens: n_chunk, n_ctx; logits: n_chunk, scored positions, n_vocab."""
    n_chunk, n_ctx = tokens.shape
    n_vocab = logits.shape[2]
    highest = logits.max(axis=2, keepdims=True).astype(np.float64)
    lowest = np.maximum(logits.min(axis=2, keepdims=True), highest - 16)
    scale = (highest - lowest) / 65535
    log_sum = np.log(np.exp(logits - highest).sum(axis=2, keepdims=True))
    rows = np.zeros((n_chunk, scored(n_ctx), row_words(n_vocab)), "<u2")
    head = np.concatenate([scale, lowest - highest - log_sum], axis=2)
    rows[:, :, :4] = head.astype("<f4").view("<u2")
    rows[:, :, 4 : 4 + n_vocab] = np.rint(np.maximum(logits - lowest, 0) / scale)
    header = np.array([n_ctx, n_vocab, n_chunk], "<i4")
    path.write_bytes(
        b"_logits_" + header.tobytes() + tokens.astype("<i4").tobytes() + rows.tobytes()
    )
