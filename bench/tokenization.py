#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed of encoding English text against the PyPI `tokenizers` library (Rust), both on one thread.

Each tokenizer encodes the same books, without special tokens: whole, and in pieces of about 10 kB,
which suits the peer better. The peer opens the same files; a folder with only vocab.json and
merges.txt is put together for it. Rounds of the two alternate in processes of their own, and each
time is the least of all rounds. Both must give the same number of tokens.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from report import Case, print_table, write_report

TARGET = ">= 1"
PIECE_BYTES = 10_000
# What is measured, and the folder of it.
TOKENIZERS = {
    "GPT-2": "gpt2", "Llama 3": "llama3.2-bpe", "Qwen 2.5": "qwen2.5", "SmolLM2": "smollm2",
    "Mistral (SentencePiece)": "mistral", "Phi-3 (SentencePiece)": "phi-3-mini",
    "T5 (Unigram)": "t5-small", "BERT (WordPiece)": "bert-base-uncased",
}
CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SPLITS = {
    "llama3.2-bpe": CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + TAIL,
    "qwen2.5": CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + TAIL,
}


def open_peer(folder: Path):
    from tokenizers import BertWordPieceTokenizer, Regex, Tokenizer, models, normalizers
    from tokenizers import pre_tokenizers as cut

    if (folder / "tokenizer.json").exists():
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    if (folder / "vocab.txt").exists():
        return BertWordPieceTokenizer(str(folder / "vocab.txt"))
    pattern = SPLITS.get(folder.name)
    model = models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt"))
    model.ignore_merges = "llama3" in folder.name
    tokenizer = Tokenizer(model)
    steps = [cut.ByteLevel(add_prefix_space=False, use_regex=pattern is None)]
    if pattern:
        steps.insert(0, cut.Split(Regex(pattern), "isolated"))
    tokenizer.pre_tokenizer = cut.Sequence(steps)
    if folder.name.startswith("qwen"):
        tokenizer.normalizer = normalizers.NFC()
    return tokenizer


def measure_peer(folder: Path, rounds: int, files: list[str]) -> None:
    """Runs in a process of its own; prints as tokenize_bench does."""
    tokenizer = open_peer(folder)
    texts = [Path(file).read_bytes().decode() for file in files]
    # The variant for batches leaves out the offsets, which ours does not make either.
    encode = getattr(tokenizer, "encode_batch_fast", tokenizer.encode_batch)
    least, tokens = 1e300, 0
    for _ in range(rounds):
        started = time.perf_counter()
        encodings = encode(texts, add_special_tokens=False)
        least = min(least, time.perf_counter() - started)
        tokens = sum(len(encoding.ids) for encoding in encodings)
    print(sum(os.path.getsize(file) for file in files), tokens, f"{least:.6f}")


def ask(command: list[str]) -> tuple[int, int, float]:
    environment = {**os.environ, "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        sys.exit(f"tokenization.py: {' '.join(command[:4])} ... failed:\n{done.stderr}")
    size, tokens, seconds = done.stdout.split()
    return int(size), int(tokens), float(seconds)


def write_texts(source: Path, target: Path, max_bytes: float) -> dict[str, list[str]]:
    """Books of at most so many bytes as UTF-8 (some are in Latin-1), whole and in pieces."""
    whole, pieces = [], []
    for book in sorted(source.glob("*.txt")):
        data = book.read_bytes()
        if len(data) > max_bytes:
            continue
        max_bytes -= len(data)
        try:
            data.decode()
        except UnicodeDecodeError:
            data = data.decode("latin-1").encode()
        lines = data.splitlines(keepends=True)
        whole.append(str(target / book.name))
        Path(whole[-1]).write_bytes(data)
        while lines:
            piece = b""
            while lines and len(piece) < PIECE_BYTES:
                piece += lines.pop(0)
            pieces.append(str(target / f"{book.stem}-{len(pieces)}.txt"))
            Path(pieces[-1]).write_bytes(piece)
    return {"books": whole, "pieces": pieces}


def measure(name: str, tokenizer: Path, files: list[str], arguments) -> Case:
    ours, peer = [], []
    for _ in range(2):
        common = [str(tokenizer), str(arguments.rounds), *files]
        ours.append(ask([str(arguments.build / "bin/tokenize_bench"), *common]))
        peer.append(ask([sys.executable, __file__, "--peer", *common]))
    if ours[0][1] != peer[0][1]:
        sys.exit(f"tokenization.py: {name}: {ours[0][1]} tokens, the peer has {peer[0][1]}")
    size = ours[0][0] / 1e6
    seconds = [min(run[2] for run in runs) for runs in (ours, peer)]
    return Case(name, size / seconds[0], size / seconds[1], "MB/s", seconds[1] / seconds[0], TARGET)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=Path("build"), help="build folder")
    parser.add_argument("--tokenizers", type=Path,
                        default=Path("../shared/data/tokenizers"), help="folder of tokenizers")
    parser.add_argument("--text", type=Path, default=Path("../shared/data/text/nltk-gutenberg"))
    parser.add_argument("--only", default="", help="comma-separated folders")
    parser.add_argument("--megabytes", type=float, default=2, help="of text")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--peer", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        measure_peer(Path(arguments.peer[0]), int(arguments.peer[1]), arguments.peer[2:])
        return 0
    only = arguments.only.split(",") if arguments.only else list(TOKENIZERS.values())
    cases = []
    with tempfile.TemporaryDirectory() as folder:
        texts = write_texts(arguments.text, Path(folder), arguments.megabytes * 1e6)
        for name, directory in TOKENIZERS.items():
            tokenizer = arguments.tokenizers / directory
            if directory not in only or not tokenizer.exists():
                continue
            for kind, files in texts.items():
                cases.append(measure(f"{name}, {kind}", tokenizer, files, arguments))
                print_table(cases[-1:])
    print()
    print_table(cases)
    write_report(arguments.build / "bench/tokenize.json", cases, {"threads": 1})
    return 0


if __name__ == "__main__":
    sys.exit(main())
