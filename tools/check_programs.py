#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the size and the libraries of each built program, and fails where one breaks its promise.

llama-pajamas-run stays under 12 MB without symbols, needs no library of the job service or of
downloads, and links nothing of the pipeline.

usage: check_programs.py BUILD_DIR
"""

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Promise:
    max_bytes: int
    forbidden_libraries: tuple[str, ...]  # of the system, as "libNAME."
    forbidden_layers: tuple[str, ...]     # of lib/


PROMISES = {
    "llama-pajamas-run": Promise(
        12_000_000, ("libcurl", "libsqlite", "libhiredis"),
        ("pipeline", "quantize", "hub", "calibrate", "evaluate"),
    ),
    "llama-pajamas-quant": Promise(20_000_000, (), ()),
}


def stripped_bytes(program: Path) -> int:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / program.name
        shutil.copy(program, copy)
        subprocess.run(["strip", str(copy)], check=True)
        return copy.stat().st_size


def needed_libraries(program: Path) -> list[str]:
    """All of them, also those that libraries need."""
    listing = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=True)
    return sorted(line.split()[0].split("/")[-1] for line in listing.stdout.splitlines())


def linked_layers(build: Path, program: str) -> set[str]:
    """Layers of lib/ whose library is on the link line."""
    query = subprocess.run(["ninja", "-C", str(build), "-t", "query", f"bin/{program}"],
                           capture_output=True, text=True, check=True)
    return set(re.findall(r"libpajamas_([a-z_]+)\.a", query.stdout))


def broken_promises(name: str, promise: Promise, size: int, libraries: list[str],
                    layers: set[str]) -> list[str]:
    problems = []
    if size > promise.max_bytes:
        problems.append(f"{name}: {size} bytes without symbols, at most {promise.max_bytes}")
    for library in libraries:
        if library.startswith(promise.forbidden_libraries):
            problems.append(f"{name}: needs {library}, which it must not")
    for layer in sorted(layers & set(promise.forbidden_layers)):
        problems.append(f"{name}: links the layer {layer}, which it must not")
    return problems


def main() -> int:
    build = Path(sys.argv[1])
    problems = []
    for name, promise in PROMISES.items():
        program = build / "bin" / name
        size, libraries = stripped_bytes(program), needed_libraries(program)
        layers = linked_layers(build, name)
        if not layers:
            problems.append(f"{name}: ninja tells no layer it links; the check sees nothing")
        print(f"{name}: {size / 1e6:.2f} MB stripped; needs {', '.join(libraries)}")
        problems += broken_promises(name, promise, size, libraries, layers)
    for problem in problems:
        print(f"check_programs: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
