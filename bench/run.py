#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed of `llama-pajamas-run` against llama.cpp's own library on the same GGUF files.

The models have the shapes of Llama 3.2 1B and of a mixture of 64 experts, with seeded weights; they
are made once. Ours is what `llama-pajamas-run benchmark` reports, the peer's are timed calls of
llama_decode, with equal threads, batches of 512 and flash attention. Runs of the two alternate, and
each line is that of the --rounds with the median ratio.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from report import Case, Rounds, print_table, run_json, write_report

BENCH_DIR = Path(__file__).resolve().parent

# Type -> how many times the peer's prompt speed ours must be.
PROMPT_TARGETS = {"Q4_K_M": 2.2, "Q6_K": 4.0, "Q8_0": 2.0, "Q4_0": 2.0, "BF16": 2.0}
GENERATION_TARGET = 1.15
BANDWIDTH_TARGET = 0.9  # of a plain read loop's
EXPERTS_PROMPT_TARGET = 2.0
DEEP_CONTEXT = 8192
DEEP_TARGET = 0.8  # of the speed at a short context
LOAD_TARGET_SECONDS = 1.5
PROMPT_TOKENS = 512
GENERATED_TOKENS = 64


class Bench:
    def __init__(self, arguments: argparse.Namespace):
        self.build: Path = arguments.build
        self.peers: Path = arguments.peers
        self.threads: int = arguments.threads
        self.folder = self.build / "bench"
        self.rounds = Rounds()

    def model(self, kind: str, type_name: str) -> Path:
        """The GGUF file of a type; all that miss are made on the first call."""
        path = self.folder / f"{kind}_gguf" / "gguf" / f"model-{type_name.lower()}.gguf"
        if path.exists():
            return path
        source = self.folder / kind
        if not (source / "config.json").exists():
            print(f"making the source of {kind} ...", flush=True)
            options = ["--experts", "64"] if kind == "experts" else []
            subprocess.run([str(self.build / "bin/make_bench_model"), str(source), *options],
                           check=True)
        types = ["Q4_K_M"] if kind == "experts" else list(PROMPT_TARGETS)
        print(f"converting {kind} to {', '.join(types)} ...", flush=True)
        subprocess.run([str(self.build / "bin/llama-pajamas-quant"), "convert", str(source),
                        "--output", str(self.folder / f"{kind}_gguf"), "--name", "model",
                        "--formats", "gguf", "--gguf-types", ",".join(types), "--quiet"],
                       check=True, stdout=subprocess.DEVNULL)
        return path

    def measure(self, name: str, path: Path, prompt: int, generated: int, depth: int,
                kv_type: str) -> None:
        numbers = [str(number) for number in (prompt, generated, depth)]
        ours = run_json([
            str(self.build / "bin/llama-pajamas-run"), "benchmark", str(path), "--threads",
            str(self.threads), "--prompt-tokens", numbers[0], "--generated-tokens", numbers[1],
            "--depth", numbers[2], "--kv-type", kv_type, "--json",
        ])
        peer = run_json([
            sys.executable, str(BENCH_DIR / "llama_speed.py"), str(self.peers), str(path),
            str(self.threads), *numbers, kv_type,
        ])
        self.rounds.add(f"ours {name}", ours)
        self.rounds.add(f"peer {name}", peer)
        for who, answer in (("ours", ours), ("peer", peer)):
            speeds = "  ".join(f"{key.split('_')[0]} {answer[key]:8.1f} tok/s" for key in
                               ("prompt_tokens_per_second", "generated_tokens_per_second")
                               if key in answer)
            print(f"  {who} {name:16} load {answer['load_seconds']:5.2f} s  {speeds}", flush=True)


def collect(rounds: Rounds, types: list[str]) -> list[Case]:
    cases = []
    generation = "generated_tokens_per_second"

    def add(label: str, unit: str, target: str, ours: tuple[str, str],
            peer: tuple[str, str]) -> None:
        values = rounds.pair(ours, peer)
        cases.append(Case(label, *values, unit, values[0] / values[1], target))

    def add_speed(label: str, name: str, key: str, target: str) -> None:
        add(label, "tok/s", target, (f"ours {name}", key), (f"peer {name}", key))

    for name in types:
        add_speed(f"{name}, prompt of {PROMPT_TOKENS}", name, "prompt_tokens_per_second",
                  f">= {PROMPT_TARGETS[name]:g}")
    for name in types:
        add_speed(f"{name}, generation", name, generation, f">= {GENERATION_TARGET}")
    for name in types:
        add(f"{name}, weights read while generating, peer: plain read loop", "GB/s",
            f">= {BANDWIDTH_TARGET}", (f"ours {name}", "weights_gb_per_second"),
            (f"ours {name}", "read_gb_per_second"))
    for name in types:
        if rounds.least(f"ours {name}", "int8_gops") == 0:
            continue  # no int8 dot products here, so no peak either
        add(f"{name}, prompt, peer: int8 peak", "GOPS", "", (f"ours {name}", "prompt_gops"),
            (f"ours {name}", "int8_gops"))
    if "ours experts" in rounds:
        add_speed("64 experts Q4_K_M, prompt", "experts", "prompt_tokens_per_second",
                  f">= {EXPERTS_PROMPT_TARGET:g}")
        add_speed("64 experts Q4_K_M, generation", "experts", generation, "")
    if "ours deep" in rounds:
        add(f"Q4_K_M, Q8_0 cache, {DEEP_CONTEXT} tokens deep, peer: ours at 1", "tok/s",
            f">= {DEEP_TARGET}", ("ours deep", generation), ("ours shallow", generation))
        add_speed(f"Q4_K_M, Q8_0 cache, generation {DEEP_CONTEXT} deep", "deep", generation, "")
    if "Q4_K_M" in types:
        load = rounds.least("ours Q4_K_M", "load_seconds")
        cases.append(Case(f"Q4_K_M, load, ratio to {LOAD_TARGET_SECONDS} s", load,
                          rounds.least("peer Q4_K_M", "load_seconds"), "s",
                          load / LOAD_TARGET_SECONDS, "<= 1"))
    return cases


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=Path("build"), help="build folder")
    parser.add_argument("--peers", type=Path, help="folder with libllama*.so")
    parser.add_argument("--types", default=",".join(PROMPT_TARGETS), help="comma-separated")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--rounds", type=int, default=3,
                        help="each line is the round with the median ratio")
    parser.add_argument("--short", action="store_true",
                        help="leave out the experts and the deep context")
    arguments = parser.parse_args()
    if arguments.peers is None:
        arguments.peers = (
            arguments.build / "interop/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64"
        )
    types = arguments.types.split(",")
    unknown = [name for name in types if name not in PROMPT_TARGETS]
    if unknown:
        sys.exit(f"run.py: no target for {unknown}, known: {', '.join(PROMPT_TARGETS)}")

    bench = Bench(arguments)
    for number in range(1, arguments.rounds + 1):
        print(f"round {number} of {arguments.rounds}", flush=True)
        for name in types:
            bench.measure(name, bench.model("model", name), PROMPT_TOKENS, GENERATED_TOKENS, 0,
                          "f16")
        if not arguments.short:
            bench.measure("experts", bench.model("experts", "Q4_K_M"), PROMPT_TOKENS,
                          GENERATED_TOKENS, 0, "f16")
            deep_model = bench.model("model", "Q4_K_M")
            bench.measure("shallow", deep_model, 0, GENERATED_TOKENS, 0, "q8_0")
            bench.measure("deep", deep_model, 0, GENERATED_TOKENS // 2, DEEP_CONTEXT, "q8_0")
    cases = collect(bench.rounds, types)
    print()
    print_table(cases)
    write_report(bench.folder / "run.json", cases,
                 {"threads": arguments.threads, "rounds": arguments.rounds})
    return 0


if __name__ == "__main__":
    sys.exit(main())
