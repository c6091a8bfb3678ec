#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed of `llama-pajamas-quant validate` against llama-perplexity's loop on the same GGUF file.

The model has the shapes of Llama 3.2 1B with seeded weights; it is made once. Ours is what `validate`
reports: tokens read over the time of the scoring passes, with logits of the second half of each
window, log-softmax and sums. The peer is llama_decode of its prebuilt library driven as
llama-perplexity does (windows of 512, four of them in a batch of 2048, logits of the second half);
only the decoding is timed, not the log-softmax that llama-perplexity computes behind it, which favours
the peer. Equal threads and the same tokens. Runs alternate; each speed is the best of --rounds.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from report import Case, print_table, run_json, write_report

BENCH_DIR = Path(__file__).resolve().parent

TYPES = ("Q4_K_M", "Q6_K", "Q8_0")
TARGET = 2.0
CONTEXT = 512
BATCH = 2048


class Bench:
    def __init__(self, arguments: argparse.Namespace):
        self.build: Path = arguments.build
        self.peers: Path = arguments.peers
        self.threads: int = arguments.threads
        self.chunks: int = arguments.chunks
        self.types: list[str] = arguments.types.split(",")
        self.folder = self.build / "bench"
        self.best: dict[str, float] = {}

    def model(self, type_name: str) -> Path:
        """The GGUF file of a type; all that miss are made on the first call."""
        folder = self.folder / "model_gguf"
        path = folder / "gguf" / f"model-{type_name.lower()}.gguf"
        if path.exists():
            return path
        source = self.folder / "model"
        if not (source / "config.json").exists():
            print("making the source (2.5 GB) ...", flush=True)
            subprocess.run([str(self.build / "bin/make_bench_model"), str(source)], check=True)
        print(f"converting to {', '.join(self.types)} ...", flush=True)
        subprocess.run([str(self.build / "bin/llama-pajamas-quant"), "convert", str(source),
                        "--output", str(folder), "--name", "model", "--formats", "gguf",
                        "--gguf-types", ",".join(self.types), "--quiet"],
                       check=True, stdout=subprocess.DEVNULL)
        return path

    def keep_best(self, name: str, speed: float) -> None:
        self.best[name] = max(self.best.get(name, 0.0), speed)
        print(f"  {name:16} {speed:8.1f} tok/s", flush=True)

    def measure(self, type_name: str) -> None:
        path = self.model(type_name)
        ours = run_json([
            str(self.build / "bin/llama-pajamas-quant"), "validate", "--quantized", str(path),
            "--metrics", "perplexity", "--context", str(CONTEXT), "--chunks", str(self.chunks),
            "--threads", str(self.threads), "--output", str(self.folder / "validate"), "--json",
            "--quiet",
        ])
        self.keep_best(f"ours {type_name}", ours["quantized"][0]["tokens_per_second"])
        peer = run_json([sys.executable, str(BENCH_DIR / "llama_windows_speed.py"),
                         str(self.peers), str(path), str(self.threads), str(CONTEXT), str(BATCH),
                         str(self.chunks)])
        self.keep_best(f"peer {type_name}", peer["tokens_per_second"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=Path("build"), help="build folder")
    parser.add_argument("--peers", type=Path, help="folder with libllama*.so")
    parser.add_argument("--types", default=",".join(TYPES), help="comma-separated")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--chunks", type=int, default=8, help="windows of a run")
    parser.add_argument("--rounds", type=int, default=2, help="each speed is the best of these")
    arguments = parser.parse_args()
    if arguments.peers is None:
        arguments.peers = (
            arguments.build / "interop/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64"
        )
    bench = Bench(arguments)
    for number in range(1, arguments.rounds + 1):
        print(f"round {number} of {arguments.rounds}", flush=True)
        for type_name in bench.types:
            bench.measure(type_name)
    cases = []
    for type_name in bench.types:
        ours, peer = bench.best[f"ours {type_name}"], bench.best[f"peer {type_name}"]
        cases.append(Case(f"{type_name}, perplexity, windows of {CONTEXT}", ours, peer, "tok/s",
                          ours / peer, f">= {TARGET:g}"))
    print()
    print_table(cases)
    write_report(bench.folder / "validate.json", cases,
                 {"threads": arguments.threads, "rounds": arguments.rounds,
                  "chunks": arguments.chunks})
    return 0


if __name__ == "__main__":
    sys.exit(main())
