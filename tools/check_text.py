#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what every source says and what none may say.

- The SPDX line stands first (after #! in programs).
- A TODO carries an issue number: TODO(#12).
- Preprocessor conditions stand only where the machine differs; see MAY_HAVE_CONDITIONS.
- A NOLINT names its check and gives a reason: NOLINT(check): why.
- No path of one machine and no package registry's host, in any text file.
"""

import re
import sys
from pathlib import Path

from source_tree import CPP_SUFFIXES, all_files, parse_root

SPDX = "SPDX-License-Identifier: Apache-2.0"
SPDX_SUFFIXES = CPP_SUFFIXES | {".inc", ".py", ".sh", ".cmake", ".mjs", ".js", ".ts"}
SPDX_NAMES = {"CMakeLists.txt", "Makefile", "run"}

# The instruction set decides what the first two say; target_* open and close the regions that are
# compiled for one instruction set; no_* are the stubs of parts that are not built.
MAY_HAVE_CONDITIONS = re.compile(
    r"lib/base/(platform\.h|cpu_features\.cc)|lib/kernels/(.*/)?target_[^/]*|(.*/)?no_[^/]*\.cc"
)
CONDITION = re.compile(r"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif)\b", re.MULTILINE)
TODO = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))")
NOLINT = re.compile(r"\bNOLINT(?:NEXTLINE|BEGIN)?\b(?!\([\w.,* -]+\):\s*\w)")

FORBIDDEN = (
    (re.compile(r"(?<![\w.~$})/-])/(?:work|root|home)/\w"), "a path of one machine"),
    (re.compile(r"(?<![\w.~$})/-])/tmp/\w"), "a path of one machine (use the temporary folder)"),
    (
        re.compile(r"\b(?:registry\.npmjs|registry\.yarnpkg|pypi|pythonhosted|deb\.debian)\.org\b"),
        "a registry's host",
    ),
    (re.compile(r'"resolved":\s*"https?:'), "a registry's address (omit resolved URLs)"),
)


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def lacks_spdx(path: Path, text: str) -> bool:
    if path.suffix not in SPDX_SUFFIXES and path.name not in SPDX_NAMES:
        return False
    lines = text.splitlines()
    first = lines[1:2] if lines and lines[0].startswith("#!") else lines[:1]
    return bool(text) and not (first and SPDX in first[0])


def check_file(place: str, path: Path, text: str) -> list[str]:
    problems = []
    if lacks_spdx(path, text):
        problems.append(f"{place}:1: the first line is not '{SPDX}'")
    if path.suffix in CPP_SUFFIXES:
        if not MAY_HAVE_CONDITIONS.fullmatch(place):
            for match in CONDITION.finditer(text):
                problems.append(f"{place}:{line_of(text, match.start())}: #{match.group(1)} here")
        for match in NOLINT.finditer(text):
            problems.append(f"{place}:{line_of(text, match.start())}: NOLINT without a reason")
    if path.suffix in SPDX_SUFFIXES:
        for match in TODO.finditer(text):
            problems.append(
                f"{place}:{line_of(text, match.start())}: {match.group(1)} without (#issue)"
            )
    for pattern, what in FORBIDDEN:
        for match in pattern.finditer(text):
            problems.append(
                f"{place}:{line_of(text, match.start())}: {what}: {match.group(0).strip()}"
            )
    return problems


def check(root: Path, exempt: set[str] | None = None) -> list[str]:
    problems = []
    for path in all_files(root):
        place = path.relative_to(root).as_posix()
        if exempt and place in exempt:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # weights, archives: not text
        problems.extend(check_file(place, path, text))
    return problems


# These two spell out what they look for.
OWN_FILES = {"tools/check_text.py", "tests/tools/test_checks.py"}


def main() -> int:
    problems = check(parse_root(__doc__.splitlines()[0]).parse_args().root, OWN_FILES)
    for problem in problems:
        print(f"check_text: {problem}", file=sys.stderr)
    if not problems:
        print("check_text: all texts are clean")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
