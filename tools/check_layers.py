#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the includes against lib/LAYERS.

A layer includes itself and the layers its line names, written as "layer/file.h"; the file must be
there. Nothing in lib/ includes a front end. Front ends may include every layer.
"""

import re
import sys
from pathlib import Path

from source_tree import cpp_files, parse_root

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
FRONT_ENDS = ("cli", "studio", "python")


def read_layers(path: Path) -> tuple[dict[str, set[str]], list[str]]:
    """Layer -> layers it may use, and what is wrong with the file itself."""
    layers: dict[str, set[str]] = {}
    problems = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        match = re.fullmatch(r"([a-z_]+):((?:\s+[a-z_]+)*)", line)
        if not match:
            problems.append(f"{path.name}:{number}: not of the form 'layer: layer layer': {line}")
            continue
        name, allowed = match.group(1), set(match.group(2).split())
        # A line uses only lines above it, so the layers cannot form a cycle.
        for unknown in sorted(allowed - layers.keys()):
            problems.append(f"{path.name}:{number}: {name} uses {unknown}, which no line above has")
        if name in layers:
            problems.append(f"{path.name}:{number}: {name} is there twice")
        layers[name] = allowed
    return layers, problems


def include_problem(
    root: Path, source: Path, target: str, layers: dict[str, set[str]]
) -> str | None:
    place = source.relative_to(root)
    layer = place.parts[1]
    first = target.split("/")[0]
    if first in FRONT_ENDS:
        return f'{place}: includes "{target}"; lib/ never includes a front end'
    if first not in layers:
        return f'{place}: includes "{target}", expected "layer/file.h" with a layer of lib/LAYERS'
    if first != layer and first not in layers[layer]:
        return f'{place}: includes "{target}", but {layer} may not use {first} (lib/LAYERS)'
    if not (root / "lib" / target).is_file():
        return f'{place}: includes "{target}", but there is no lib/{target}'
    return None


def check(root: Path) -> list[str]:
    layers, problems = read_layers(root / "lib" / "LAYERS")
    for folder in sorted(path for path in (root / "lib").iterdir() if path.is_dir()):
        if folder.name not in layers:
            problems.append(f"lib/{folder.name}: no line in lib/LAYERS")
            continue
        for source in cpp_files(folder):
            for target in INCLUDE.findall(source.read_text(encoding="utf-8")):
                problem = include_problem(root, source, target, layers)
                if problem:
                    problems.append(problem)
    return problems


def main() -> int:
    problems = check(parse_root(__doc__).parse_args().root)
    for problem in problems:
        print(f"check_layers: {problem}", file=sys.stderr)
    if not problems:
        print("check_layers: every include follows lib/LAYERS")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
