# SPDX-License-Identifier: Apache-2.0
"""The files a check looks at, and a view of C++ text with comments and literals blanked out.

Shared by the check_*.py programs beside it. Every check takes the root of a tree, so that
tests/tools/test_checks.py can run it on small bad trees.
"""

import argparse
import re
from pathlib import Path

# Folders that hold nothing of ours: build results, downloaded packages, version control.
SKIPPED_FOLDERS = {"build", "node_modules", "__pycache__", ".git", ".venv", ".cache"}
CPP_SUFFIXES = {".cc", ".h"}


def repository_root() -> Path:
    return Path(__file__).resolve().parent.parent


def parse_root(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", type=Path, default=repository_root(), help="tree to check")
    return parser


def all_files(root: Path) -> list[Path]:
    """Every regular file below root that is not in a skipped folder, sorted."""
    found = []
    for path in sorted(root.iterdir()):
        if path.is_symlink():
            continue
        if path.is_dir():
            if path.name not in SKIPPED_FOLDERS:
                found.extend(all_files(path))
        elif path.is_file():
            found.append(path)
    return found


def cpp_files(root: Path) -> list[Path]:
    return [path for path in all_files(root) if path.suffix in CPP_SUFFIXES]


_TOKENS = re.compile(
    r"""
      (?P<raw>R"(?P<tag>[^()\\\s]{0,16})\((?:.|\n)*?\)(?P=tag)")
    | (?P<line>//[^\n]*)
    | (?P<block>/\*(?:.|\n)*?\*/)
    | (?P<string>"(?:\\.|[^"\\\n])*")
    | (?P<char>(?<![0-9A-Za-z_])(?:u8|[uUL])?'(?:\\.|[^'\\\n])+')
    """,
    re.VERBOSE,
)


def blank_literals(text: str) -> str:
    """The same text with comments and literals as spaces: same length, same line breaks."""

    def blank(match: re.Match) -> str:
        return re.sub(r"[^\n]", " ", match.group(0))

    return _TOKENS.sub(blank, text)
