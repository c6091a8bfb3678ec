# SPDX-License-Identifier: Apache-2.0
"""What the comparisons of sampling and grammars share: a small vocabulary, and the probe."""

import json
import subprocess

import gguf

WORDS = [
    "a", "b", "ab", "abc", "the", "then", " the", " ", "  ", "\n", "\n\n", ":", ": ", '"', '":',
    '", "', "{", "}", "{}", '{"', '"}', "[", "]", "[[", "]]", "],[", ",", ", ", "1", "12", "0",
    "-", ".", "e", "true", "false", "null", "tr", "\\", '\\"', "\\n", "*", "é", "日本", "日", "😀",
    "(", ")", "()", "+", "x", "y", "z", "A", "B", "C", "Z", "az", "09", "_", "word word",
]
UNKNOWN, BEGIN, END = 0, 1, 2
FIRST_BYTE = 3
FIRST_WORD = FIRST_BYTE + 256
PIECES = [b"", b"", b""] + [bytes([byte]) for byte in range(256)] + [w.encode() for w in WORDS]


def token_of(text):
    """The word of this text, else the byte."""
    data = text if isinstance(text, bytes) else text.encode()
    found = [i for i in range(FIRST_WORD, len(PIECES)) if PIECES[i] == data]
    return found[0] if found else PIECES.index(data)


def byte_tokens(text):
    return [FIRST_BYTE + byte for byte in text.encode()]


def write_vocabulary(path):
    """A model file without tensors, as far as the loader wants it for its vocabulary."""
    writer = gguf.GGUFWriter(path, "llama")
    for key in ("context_length", "embedding_length", "block_count", "feed_forward_length"):
        writer.add_uint32(f"llama.{key}", 32)
    writer.add_uint32("llama.attention.head_count", 1)
    writer.add_float32("llama.attention.layer_norm_rms_epsilon", 1e-5)
    kinds = gguf.TokenType
    texts = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    types = [kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL] + [kinds.BYTE] * 256
    texts += [word.replace(" ", "\u2581") for word in WORDS]
    types += [kinds.NORMAL] * len(WORDS)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(texts)
    writer.add_token_scores([-float(i) for i in range(len(texts))])
    writer.add_token_types(types)
    writer.add_unk_token_id(UNKNOWN)
    writer.add_bos_token_id(BEGIN)
    writer.add_eos_token_id(END)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


class Probe:
    """The program sampling_probe: one answer, or one {"error"}, for each request."""

    def __init__(self, program):
        self.program = program

    def ask_all(self, requests):
        common = {"pieces": [piece.hex() for piece in PIECES], "ends": [END]}
        lines = "".join(json.dumps({**common, **request}) + "\n" for request in requests)
        done = subprocess.run(
            [str(self.program)], input=lines.encode(), capture_output=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        replies = [json.loads(line) for line in done.stdout.decode().splitlines()]
        assert len(replies) == len(requests)
        return replies

    def ask(self, **request):
        (reply,) = self.ask_all([request])
        assert "error" not in reply, reply["error"]
        return reply["answer"]
