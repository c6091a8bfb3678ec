# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: running the programs, and small models to run them on.

The models are Llama-shaped folders with seeded random weights; the tokenizer has one token per
byte. ctest sets PAJAMAS_BIN_DIR; by hand the tests look into build/bin.
"""

import hashlib
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
BIN_DIR = Path(os.environ.get("PAJAMAS_BIN_DIR", REPOSITORY / "build/bin"))
QUANT = BIN_DIR / "llama-pajamas-quant"

# Exit codes of lib/base/error.h.
INVALID_ARGUMENT, NOT_FOUND, INVALID_DATA, UNSUPPORTED, NO_SPACE, CONFLICT = 2, 4, 5, 6, 8, 9
QUALITY_GATE, CANCELLED = 3, 130

RUN_TIMEOUT_S = 600  # ends what hangs; sanitizers make some runs take minutes


@dataclass(frozen=True)
class Shape:
    hidden: int = 256
    ffn: int = 512
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    vocab: int = 512

    def tensors(self) -> dict[str, tuple[int, ...]]:
        kv = self.hidden // self.heads * self.kv_heads
        shapes: dict[str, tuple[int, ...]] = {
            "model.embed_tokens.weight": (self.vocab, self.hidden),
            "model.norm.weight": (self.hidden,),
        }
        for layer in range(self.layers):
            prefix = f"model.layers.{layer}."
            shapes |= {
                prefix + "input_layernorm.weight": (self.hidden,),
                prefix + "post_attention_layernorm.weight": (self.hidden,),
                prefix + "self_attn.q_proj.weight": (self.hidden, self.hidden),
                prefix + "self_attn.k_proj.weight": (kv, self.hidden),
                prefix + "self_attn.v_proj.weight": (kv, self.hidden),
                prefix + "self_attn.o_proj.weight": (self.hidden, self.hidden),
                prefix + "mlp.gate_proj.weight": (self.ffn, self.hidden),
                prefix + "mlp.up_proj.weight": (self.ffn, self.hidden),
                prefix + "mlp.down_proj.weight": (self.hidden, self.ffn),
            }
        return shapes

    def config(self) -> dict:
        return {
            "architectures": ["LlamaForCausalLM"], "model_type": "llama",
            "hidden_size": self.hidden, "intermediate_size": self.ffn,
            "num_hidden_layers": self.layers, "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads, "vocab_size": self.vocab,
            "max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
            "hidden_act": "silu", "tie_word_embeddings": True, "torch_dtype": "bfloat16",
            "bos_token_id": 256, "eos_token_id": 257,
        }


# Large enough that a conversion takes a good part of a second.
MEDIUM = Shape(hidden=1024, ffn=4096, layers=2, heads=16, kv_heads=4, vocab=4096)

# The high byte of a BF16 value: any sign, magnitude between 2^-8 and 2^-6.
_HIGH_BYTES = bytes((byte & 0x80) | 0x3C for byte in range(256))


def random_bf16(generator: random.Random, count: int) -> bytearray:
    values = bytearray(generator.randbytes(2 * count))
    values[1::2] = values[1::2].translate(_HIGH_BYTES)
    return values


def write_safetensors(path: Path, shapes: dict[str, tuple[int, ...]], seed: int) -> None:
    """All tensors as BF16; a seed of None leaves the data a hole that reads as zeros."""
    header, offset = {}, 0
    for name, shape in shapes.items():
        size = 2 * _elems(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    generator = random.Random(seed)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        if seed is None:
            file.truncate(8 + len(text) + offset)
            return
        for shape in shapes.values():
            file.write(random_bf16(generator, _elems(shape)))


def _elems(shape: tuple[int, ...]) -> int:
    product = 1
    for dim in shape:
        product *= dim
    return product


def byte_tokenizer() -> dict:
    printable = [b for b in range(256) if 0x21 <= b <= 0x7E or 0xA1 <= b <= 0xAC or b >= 0xAE]
    characters, following = {}, 0x100
    for byte in range(256):
        if byte in printable:
            characters[byte] = chr(byte)
        else:
            characters[byte] = chr(following)
            following += 1
    special = [
        {"id": 256 + index, "content": content, "special": True, "single_word": False,
         "lstrip": False, "rstrip": False, "normalized": False}
        for index, content in enumerate(("<s>", "</s>"))
    ]
    return {
        "version": "1.0", "added_tokens": special, "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True},
        "post_processor": None, "decoder": {"type": "ByteLevel"},
        "model": {"type": "BPE", "vocab": {characters[b]: b for b in range(256)}, "merges": []},
    }


def write_model(folder: Path, shape: Shape = Shape(), seed: int | None = 1) -> Path:
    folder.mkdir(parents=True)
    write_safetensors(folder / "model.safetensors", shape.tensors(), seed)
    (folder / "config.json").write_text(json.dumps(shape.config()))
    (folder / "tokenizer.json").write_text(json.dumps(byte_tokenizer()))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"bos_token": "<s>", "eos_token": "</s>"})
    )
    return folder


def tensor_offset(safetensors: Path, name: str) -> int:
    """Where a tensor's first byte is in the file."""
    with safetensors.open("rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        return 8 + length + json.loads(file.read(length))[name]["data_offsets"][0]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def final_files(output: Path) -> dict[str, str]:
    """Every file of an output folder but the unfinished work: place -> SHA-256."""
    return {
        path.relative_to(output).as_posix(): sha256(path)
        for path in sorted(output.rglob("*"))
        if path.is_file() and ".pajamas" not in path.parts
    }


def published_files(output: Path) -> dict[str, str]:
    """What readers of the formats open: GGUF files, and all of an MLX folder."""
    return {place: digest for place, digest in final_files(output).items()
            if place.endswith(".gguf") or place.startswith("mlx/")}


class EndToEndTest(unittest.TestCase):
    """A temporary folder, and the program to run in it."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pajamas-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    @staticmethod
    def convert_command(model: Path, output: Path, types: str, *options: str) -> list[str]:
        """`types`: GGUF types, and after a colon an MLX precision, "Q4_K_M,Q8_0:4bit"."""
        wanted = (["--formats", "gguf,mlx", "--precision", types] if ":" in types
                  else ["--formats", "gguf", "--gguf-types", types])
        return [str(QUANT), "convert", str(model), "--output", str(output), "--name", "m",
                *wanted, *options]

    @staticmethod
    def environment(**variables: str) -> dict[str, str]:
        return {**os.environ, **variables}

    def run_quant(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
        return subprocess.run([str(QUANT), *arguments], capture_output=True, text=True,
                              timeout=RUN_TIMEOUT_S, env=self.environment(**variables),
                              check=False)

    def convert(self, model: Path, output: Path, types: str, *options: str,
                **variables: str) -> subprocess.CompletedProcess:
        command = self.convert_command(model, output, types, *options)
        return self.run_quant(*command[1:], **variables)

    def convert_well(self, model: Path, output: Path, types: str, *options: str,
                     **variables: str) -> dict[str, str]:
        """Converts, demands success, and gives the published files with their hashes."""
        result = self.convert(model, output, types, *options, **variables)
        self.assertEqual(result.returncode, 0, result.stderr)
        return published_files(output)

    def assert_refused(self, result: subprocess.CompletedProcess, code: int, *words: str) -> None:
        self.assertEqual(result.returncode, code, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)


# ctest shows a test program that exits with this as skipped.
ALL_SKIPPED = 77


def main() -> None:
    """Runs the tests of the calling program."""
    if not QUANT.exists():
        sys.exit(f"no {QUANT}; build it first, or set PAJAMAS_BIN_DIR")
    result = unittest.main(exit=False).result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(ALL_SKIPPED if len(result.skipped) == result.testsRun else 0)
