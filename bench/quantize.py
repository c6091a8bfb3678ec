#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed and memory of `convert` against llama.cpp's llama_model_quantize on the same weights.

The model has the shapes of Llama 3.2 1B in BF16 and is made once. Ours starts from the safetensors
folder; the peer starts from an F16 (or BF16) GGUF of the same weights, which it needs. Ours is the
wall time of the whole process, with fsync and validation of what was written; the peer's is its
call alone. Runs of the two alternate, and each time is the least of --rounds.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from report import Case, print_table, write_report

BENCH_DIR = Path(__file__).resolve().parent

# Type -> how many times faster than the peer it must be.
SPEED_TARGETS = {
    "Q4_K_M": 8.0, "Q6_K": 8.0, "Q2_K": 6.0, "Q3_K_M": 6.0, "Q5_K_M": 6.0, "Q4_0": 3.0, "Q8_0": 2.0,
}
ONE_PASS_TYPES = ("Q4_K_M", "Q5_K_M", "Q8_0")
ONE_PASS_TARGET = 0.95
SCALING_TARGET = 1.8
PEAK_RSS_TARGET_MB = 600.0


@dataclass
class Run:
    seconds: float
    cpu_seconds: float  # of all threads; hardly moves when other work shares the machine
    peak_rss_mb: float


@dataclass
class Best:
    """The least of several runs, kept per name."""

    runs: dict[str, list[Run]] = field(default_factory=dict)

    def add(self, name: str, run: Run) -> None:
        self.runs.setdefault(name, []).append(run)
        print(f"  {name:28} {run.seconds:7.2f} s  {run.cpu_seconds:7.2f} s CPU"
              f"  {run.peak_rss_mb:7.0f} MB", flush=True)

    def seconds(self, name: str) -> float:
        return min(run.seconds for run in self.runs[name])

    def cpu_seconds(self, name: str) -> float:
        return min(run.cpu_seconds for run in self.runs[name])

    def peak_rss_mb(self, prefix: str) -> float:
        return max(
            run.peak_rss_mb for name, runs in self.runs.items() if name.startswith(prefix)
            for run in runs
        )


def run_measured(command: list[str]) -> tuple[Run, str]:
    """Runs to the end; time, peak resident memory and standard output."""
    os.sync()  # what an earlier run left to write must not slow this one
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=output, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        output.seek(0)
        errors.seek(0)
        if status != 0:
            sys.exit(f"quantize.py: {' '.join(command)} failed:\n{errors.read()}")
        cpu_seconds = usage.ru_utime + usage.ru_stime
        return Run(seconds, cpu_seconds, usage.ru_maxrss * 1024 / 1e6), output.read()


class Bench:
    def __init__(self, arguments: argparse.Namespace):
        self.build: Path = arguments.build
        self.peers: Path = arguments.peers
        self.folder = self.build / "bench"
        self.model = self.folder / "model"
        self.out = self.folder / "out"
        self.best = Best()

    def prepare(self) -> None:
        if not (self.model / "config.json").exists():
            print("making the model (2.5 GB) ...", flush=True)
            run_measured([str(self.build / "bin/make_bench_model"), str(self.model)])
        if not self.peer_source("F16").exists() or not self.peer_source("BF16").exists():
            print("making the peer's F16 and BF16 sources ...", flush=True)
            self.convert("peer_source", ["F16", "BF16"], os.cpu_count() or 1, keep=True)

    def peer_source(self, type_name: str) -> Path:
        return self.folder / "peer_source/gguf" / f"model-{type_name.lower()}.gguf"

    def convert(self, name: str, types: list[str], threads: int, keep: bool = False) -> Run:
        output = self.folder / name
        shutil.rmtree(output, ignore_errors=True)
        run, _ = run_measured([
            str(self.build / "bin/llama-pajamas-quant"), "convert", str(self.model), "--output",
            str(output), "--name", "model", "--formats", "gguf", "--gguf-types", ",".join(types),
            "--threads", str(threads),
        ])
        if not keep:
            shutil.rmtree(output)
        return run

    def ours(self, types: list[str], threads: int) -> None:
        self.best.add(f"ours {'+'.join(types)} t{threads}", self.convert("out", types, threads))

    def peer(self, type_name: str, threads: int, source: str) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        target = self.out / "peer.gguf"
        run, output = run_measured([
            sys.executable, str(BENCH_DIR / "llama_quantize.py"), str(self.peers),
            str(self.peer_source(source)), str(target), type_name, str(threads),
        ])
        run.seconds = float(output.split()[-1])
        shutil.rmtree(self.out)
        self.best.add(f"peer {type_name} t{threads} {source}", run)


def measure(bench: Bench, types: list[str], threads: int, rounds: int) -> None:
    for number in range(1, rounds + 1):
        print(f"round {number} of {rounds}", flush=True)
        for type_name in types:
            bench.ours([type_name], threads)
            bench.peer(type_name, threads, "F16")
            if type_name in ("Q4_K_M", "Q8_0"):
                bench.peer(type_name, threads, "BF16")
            if threads > 1 and "_K" in type_name:
                bench.ours([type_name], 1)
        if set(ONE_PASS_TYPES) <= set(types):
            bench.ours(list(ONE_PASS_TYPES), threads)


def collect(best: Best, types: list[str], threads: int) -> list[Case]:
    cases = []
    for type_name in types:
        ours = best.seconds(f"ours {type_name} t{threads}")
        for source in ("F16", "BF16"):
            name = f"peer {type_name} t{threads} {source}"
            if name in best.runs:
                target = f">= {SPEED_TARGETS[type_name]:g}" if source == "F16" else ""
                peer = best.seconds(name)
                cases.append(
                    Case(f"{type_name}, peer from {source}", ours, peer, "s", peer / ours, target)
                )
    for type_name in types:
        ours = best.cpu_seconds(f"ours {type_name} t{threads}")
        peer = best.cpu_seconds(f"peer {type_name} t{threads} F16")
        cases.append(Case(f"{type_name}, CPU time, peer from F16", ours, peer, "s", peer / ours, ""))
    if set(ONE_PASS_TYPES) <= set(types):
        together = best.seconds(f"ours {'+'.join(ONE_PASS_TYPES)} t{threads}")
        alone = sum(best.seconds(f"ours {name} t{threads}") for name in ONE_PASS_TYPES)
        cases.append(Case(f"{'+'.join(ONE_PASS_TYPES)} in one pass, peer: three runs of ours",
                          together, alone, "s", together / alone, f"<= {ONE_PASS_TARGET}"))
    for type_name in types:
        if f"ours {type_name} t1" in best.runs and threads > 1:
            many, one = (best.seconds(f"ours {type_name} t{count}") for count in (threads, 1))
            target = f">= {SCALING_TARGET}" if threads == 2 else ""
            cases.append(Case(f"{type_name}, peer: ours with 1 thread", many, one, "s", one / many,
                              target))
    peak, peer_peak = best.peak_rss_mb("ours"), best.peak_rss_mb("peer")
    cases.append(Case("peak RSS, ratio to 600 MB", peak, peer_peak, "MB",
                      peak / PEAK_RSS_TARGET_MB, "<= 1"))
    return cases


def file_system_of(folder: Path) -> str:
    listing = subprocess.run(["df", "--output=source,fstype,avail", "-B1G", str(folder)],
                             capture_output=True, text=True, check=True)
    device, kind, free = listing.stdout.splitlines()[1].split()
    return f"{device} {kind}, {free} GB free"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=Path("build"), help="build folder")
    parser.add_argument("--peers", type=Path, help="folder with libllama*.so")
    parser.add_argument("--types", default=",".join(SPEED_TARGETS), help="comma-separated")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--rounds", type=int, default=2, help="each time is the least of these")
    arguments = parser.parse_args()
    if arguments.peers is None:
        arguments.peers = (
            arguments.build / "interop/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64"
        )
    types = arguments.types.split(",")
    unknown = [name for name in types if name not in SPEED_TARGETS]
    if unknown:
        sys.exit(f"quantize.py: no target for {unknown}, known: {', '.join(SPEED_TARGETS)}")

    bench = Bench(arguments)
    bench.prepare()
    measure(bench, types, arguments.threads, arguments.rounds)
    cases = collect(bench.best, types, arguments.threads)
    print()
    print_table(cases)
    write_report(bench.folder / "quantize.json", cases, {
        "threads": arguments.threads,
        "rounds": arguments.rounds,
        "disk": file_system_of(bench.folder),
    })
    return 0


if __name__ == "__main__":
    sys.exit(main())
