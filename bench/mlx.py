#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed of an MLX folder against a GGUF file of the same size, both in `llama-pajamas-run`.

The model has the shapes of Llama 3.2 1B with seeded weights, and is the one of bench/run.py. Every
matrix is of one type on either side (--pure). Runs of the two alternate, and each line is that of
the --rounds with the median ratio.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from report import Case, Rounds, print_table, run_json, write_report

# name: MLX options, the GGUF type of about as many bits per weight.
PAIRS = {
    "2bit g64 (2.5)": (["--precision", "2bit"], "Q2_K"),
    "3bit g64 (3.5)": (["--precision", "3bit"], "Q3_K_S"),
    "mxfp4 (4.25)": (["--precision", "mxfp4"], "IQ4_XS"),
    "nvfp4 (4.5)": (["--precision", "nvfp4"], "Q4_K_S"),
    "4bit g64 (4.5)": (["--precision", "4bit"], "Q4_K_S"),
    "4bit g32 (5.0)": (["--precision", "4bit", "--mlx-group-size", "32"], "Q4_1"),
    "5bit g64 (5.5)": (["--precision", "5bit"], "Q5_K_S"),
    "6bit g64 (6.5)": (["--precision", "6bit"], "Q6_K"),
    "mxfp8 (8.25)": (["--precision", "mxfp8"], "Q8_0"),
    "8bit g64 (8.5)": (["--precision", "8bit"], "Q8_0"),
}
TARGET = ">= 0.9"
PROMPT_TOKENS = 512
GENERATED_TOKENS = 32


class Models:
    """The two conversions of a pair; what is missing is made on first use."""

    def __init__(self, build: Path):
        self.build = build
        self.source = build / "bench/model"

    def convert(self, output: Path, *options: str) -> None:
        if not (self.source / "config.json").exists():
            print("making the source ...", flush=True)
            subprocess.run([str(self.build / "bin/make_bench_model"), str(self.source)], check=True)
        print(f"converting: {' '.join(options)} ...", flush=True)
        subprocess.run([str(self.build / "bin/llama-pajamas-quant"), "convert", str(self.source),
                        "--output", str(output), "--name", "model", "--quiet", *options],
                       check=True, stdout=subprocess.DEVNULL)

    def mlx(self, name: str) -> Path:
        folder = self.build / "bench" / f"mlx_{name.split(' (')[0].replace(' ', '_')}"
        if not (folder / "manifest.json").exists():
            self.convert(folder, "--formats", "mlx", *PAIRS[name][0])
        return folder / "mlx"

    def gguf(self, type_name: str) -> Path:
        folder = self.build / "bench" / f"pure_{type_name.lower()}"
        if not (folder / "manifest.json").exists():
            self.convert(folder, "--formats", "gguf", "--gguf-types", type_name, "--pure")
        return folder / "gguf" / f"model-{type_name.lower()}.gguf"


def measure(arguments: argparse.Namespace, rounds: Rounds, prefix: str, path: Path) -> None:
    answer = run_json([
        str(arguments.build / "bin/llama-pajamas-run"), "benchmark", str(path), "--threads",
        str(arguments.threads), "--prompt-tokens", str(PROMPT_TOKENS), "--generated-tokens",
        str(GENERATED_TOKENS), "--json",
    ])
    rounds.add(prefix, answer)
    print(f"  {prefix:24} prompt {answer['prompt_tokens_per_second']:8.1f} tok/s  generated "
          f"{answer['generated_tokens_per_second']:7.1f} tok/s  "
          f"{answer['peak_rss_bytes'] / 1e6:6.0f} MB", flush=True)


def collect(rounds: Rounds, names: list[str]) -> list[Case]:
    cases = []
    for kind, key in (("prompt", "prompt_tokens_per_second"),
                      ("generation", "generated_tokens_per_second")):
        for name in names:
            ours, peer = rounds.pair((f"mlx {name}", key), (f"gguf {name}", key))
            cases.append(Case(f"{name} against {PAIRS[name][1]}, {kind}", ours, peer, "tok/s",
                              ours / peer, TARGET))
    return cases


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=Path("build"), help="build folder")
    parser.add_argument("--only", default="", help="pairs whose name has one of these parts, comma-separated")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--rounds", type=int, default=3,
                        help="each line is the round with the median ratio")
    arguments = parser.parse_args()
    parts = arguments.only.split(",")
    names = [name for name in PAIRS if any(part in name for part in parts)]
    if not names:
        sys.exit(f"mlx.py: no pair has '{arguments.only}' in its name; they are {list(PAIRS)}")
    models, rounds = Models(arguments.build), Rounds()
    for number in range(1, arguments.rounds + 1):
        print(f"round {number} of {arguments.rounds}", flush=True)
        for name in names:
            measure(arguments, rounds, f"mlx {name}", models.mlx(name))
            measure(arguments, rounds, f"gguf {name}", models.gguf(PAIRS[name][1]))
    cases = collect(rounds, names)
    print()
    print_table(cases)
    write_report(arguments.build / "bench/mlx.json", cases,
                 {"threads": arguments.threads, "rounds": arguments.rounds})
    return 0


if __name__ == "__main__":
    sys.exit(main())
