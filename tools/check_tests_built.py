#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that no test is left out of the build or of ctest.

Every *_test.cc is compiled (compile_commands.json, alone or included by a file that compiles
several together), every test case in it is known to ctest, and every tests/**/*_test.py is run by
some ctest test.
"""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from source_tree import all_files, blank_literals, parse_root

TEST_MACRO = re.compile(r"^\s*(TEST|TEST_F|TEST_P|TYPED_TEST|TYPED_TEST_P)\(\s*(\w+)\s*,\s*(\w+)",
                        re.MULTILINE)
INCLUDED_SOURCE = re.compile(r'^#include "([^"]+\.cc)"', re.MULTILINE)
TESTED_FOLDERS = ("lib", "cli", "tests", "fuzz", "bench")


def compiled_sources(build: Path) -> set[Path]:
    """Absolute paths; of files that are compiled together, each."""
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    sources = {(Path(entry["directory"]) / entry["file"]).resolve() for entry in entries}
    for joined in [path for path in sources if path.parent.name == "Unity"]:
        included = INCLUDED_SOURCE.findall(joined.read_text(encoding="utf-8"))
        sources.update(Path(source).resolve() for source in included)
    return sources


@dataclass
class BuiltTests:
    """What a build folder knows."""

    sources: set[Path]  # compiled files, absolute
    names: set[str]  # of ctest tests
    commands: list[list[str]]  # of ctest tests

    @staticmethod
    def read(build: Path) -> "BuiltTests":
        listing = subprocess.run(
            ["ctest", "--test-dir", str(build), "--show-only=json-v1"],
            check=True, capture_output=True, text=True,
        )
        tests = json.loads(listing.stdout)["tests"]
        return BuiltTests(
            sources=compiled_sources(build),
            names={test["name"] for test in tests},
            commands=[test.get("command", []) for test in tests],
        )


def case_is_known(macro: str, suite: str, case: str, names: set[str]) -> bool:
    if case.startswith("DISABLED_") or suite.startswith("DISABLED_"):
        return False
    plain = f"{suite}.{case}"
    if macro in ("TEST", "TEST_F"):
        return plain in names
    if macro == "TEST_P":  # Prefix/Suite.Case/parameter; the prefix may be empty
        pattern = re.compile(rf"(?:.*/)?{re.escape(plain)}/")
    else:  # Suite/type.Case
        pattern = re.compile(rf"(?:.*/)?{suite}/[^.]*\.{case}(?!\w)")
    return any(pattern.match(name) for name in names)


def check(root: Path, built: BuiltTests) -> list[str]:
    problems = []
    tested = [path for path in all_files(root) if path.relative_to(root).parts[0] in TESTED_FOLDERS]
    for path in tested:
        place = path.relative_to(root)
        if path.name.endswith("_test.py"):
            if not any(argument.endswith(str(place)) for c in built.commands for argument in c):
                problems.append(f"{place}: no ctest test runs it")
        if not path.name.endswith("_test.cc"):
            continue
        if path.resolve() not in built.sources:
            problems.append(f"{place}: not compiled")
            continue
        text = blank_literals(path.read_text(encoding="utf-8"))
        cases = TEST_MACRO.findall(text)
        if not cases:
            problems.append(f"{place}: has no test case")
        for macro, suite, case in cases:
            if not case_is_known(macro, suite, case, built.names):
                problems.append(f"{place}: ctest does not know {suite}.{case}")
    return problems


def main() -> int:
    parser = parse_root(__doc__)
    parser.add_argument("build", type=Path, help="build folder")
    arguments = parser.parse_args()
    built = BuiltTests.read(arguments.build)
    problems = check(arguments.root, built)
    for problem in problems:
        print(f"check_tests_built: {problem}", file=sys.stderr)
    if not problems:
        print(f"check_tests_built: none of {len(built.names)} tests is left out")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
