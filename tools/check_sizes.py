#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reports files and functions over the house budgets, and fails over the hard ones.

                         budget   hard limit
    file                    600          900
    function                 60          120
    function in kernels     120          200
    share of functions over their budget: hard limit 3 %

The budgets are argued in review; the hard limits are where a file has certainly grown a second
idea. Tables are exempt by suffix (.inc). Functions are found by their braces, not by a compiler:
good enough for counting lines.
"""

import ast
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from source_tree import all_files, blank_literals, parse_root

FILE_BUDGET, FILE_LIMIT = 600, 900
FUNCTION_BUDGET, FUNCTION_LIMIT = 60, 120
KERNEL_BUDGET, KERNEL_LIMIT = 120, 200
LONG_SHARE_LIMIT = 0.03
# The share says nothing about a handful of functions.
LONG_SHARE_MIN_FUNCTIONS = 100


@dataclass
class Function:
    name: str
    line: int
    lines: int


SCOPE = re.compile(r"\b(namespace|extern)\b[^()]*$|\b(class|struct|union|enum)\b[^()=]*$")
FUNCTION_NAME = re.compile(r"([~\w:]+|operator\s*\S+?)\s*\(")


def _without_template_lists(header: str) -> str:
    while header.startswith("template"):
        depth = 0
        for at, char in enumerate(header):
            depth += (char == "<") - (char == ">")
            if char == ">" and depth == 0:
                break
        header = header[at + 1 :].lstrip()
    return header


def _brace_kind(header: str) -> str:
    """What the brace after `header` (the text since the last ; { or }) opens."""
    header = re.sub(r"^\s*#.*$", "", header, flags=re.MULTILINE).lstrip()
    header = _without_template_lists(header)
    if SCOPE.search(re.sub(r"\([^()]*\)", "", header)):
        return "scope"
    if re.search(r"\)\s*:[^:]", header) and re.search(r"\w$", header):
        return "member"  # the value of one member in a constructor's list
    before_parenthesis = re.sub(r"operator\W+", "operator", header.split("(")[0])
    if "(" in header and "=" not in before_parenthesis:
        return "function"
    return "other"


def cpp_functions(text: str) -> list[Function]:
    """Functions at namespace or class level; lambdas and blocks inside count to their function."""
    text = blank_literals(text)
    found = []
    open_braces: list[tuple[str, int]] = []  # kind, where the header begins
    header_start = 0
    for match in re.finditer(r"[{};]", text):
        at = match.start()
        next_header_start = match.end()
        if match.group() == "{":
            inside_scopes = all(kind == "scope" for kind, _ in open_braces)
            kind = _brace_kind(text[header_start:at]) if inside_scopes else "other"
            open_braces.append((kind, header_start))
        elif match.group() == "}" and open_braces:
            kind, opened_at = open_braces.pop()
            if kind == "member":
                next_header_start = opened_at
            elif kind == "function":
                found.append(_function(text, opened_at, at))
        header_start = next_header_start
    return found


def _function(text: str, header_start: int, end: int) -> Function:
    header = text[header_start:end]
    first_word = header_start + len(header) - len(header.lstrip())
    line = text.count("\n", 0, first_word) + 1
    name = FUNCTION_NAME.search(_without_template_lists(header.lstrip()))
    return Function(name.group(1) if name else "?", line, text.count("\n", 0, end) + 2 - line)


def python_functions(text: str) -> list[Function]:
    return [
        Function(node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]


@dataclass
class Report:
    over_budget: list[str]
    over_limit: list[str]
    function_count: int = 0
    long_count: int = 0


def _judge(report: Report, what: str, lines: int, budget: int, limit: int) -> bool:
    if lines > limit:
        report.over_limit.append(f"{what}: {lines} lines, hard limit {limit}")
    elif lines > budget:
        report.over_budget.append(f"{what}: {lines} lines, budget {budget}")
    return lines > budget


def check(root: Path) -> Report:
    report = Report([], [])
    for path in all_files(root):
        if path.suffix not in (".cc", ".h", ".py"):
            continue
        place = path.relative_to(root)
        text = path.read_text(encoding="utf-8")
        _judge(report, str(place), text.count("\n"), FILE_BUDGET, FILE_LIMIT)
        in_kernels = place.parts[:2] == ("lib", "kernels")
        budget, limit = (
            (KERNEL_BUDGET, KERNEL_LIMIT) if in_kernels else (FUNCTION_BUDGET, FUNCTION_LIMIT)
        )
        functions = python_functions(text) if path.suffix == ".py" else cpp_functions(text)
        for function in functions:
            report.function_count += 1
            what = f"{place}:{function.line}: {function.name}"
            report.long_count += _judge(report, what, function.lines, budget, limit)
    share = report.long_count / max(1, report.function_count)
    if share > LONG_SHARE_LIMIT and report.function_count >= LONG_SHARE_MIN_FUNCTIONS:
        report.over_limit.append(
            f"{share:.1%} of the functions are over budget, hard limit {LONG_SHARE_LIMIT:.0%}"
        )
    return report


def main() -> int:
    report = check(parse_root(__doc__.splitlines()[0]).parse_args().root)
    for line in report.over_budget:
        print(f"check_sizes: over budget: {line}")
    for line in report.over_limit:
        print(f"check_sizes: {line}", file=sys.stderr)
    print(
        f"check_sizes: {report.long_count} of {report.function_count} functions are over budget, "
        f"{len(report.over_limit)} hard limits broken"
    )
    return 1 if report.over_limit else 0


if __name__ == "__main__":
    sys.exit(main())
