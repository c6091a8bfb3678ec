# SPDX-License-Identifier: Apache-2.0
"""What benchmarks share: programs that answer in JSON, the table of cases, the machine they ran on."""

import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Case:
    """One line: ours against the peer. `ratio` is what `target` speaks about."""

    case: str
    ours: float
    peer: float | None
    unit: str
    ratio: float
    target: str  # ">= 8", "<= 0.95", or "" for information only

    def is_met(self) -> bool:
        if not self.target:
            return True
        relation, limit = self.target.split()[:2]
        return self.ratio >= float(limit) if relation == ">=" else self.ratio <= float(limit)


@dataclass
class Rounds:
    """What programs answered, round by round; the runs that belong together come one after the other.

    The bandwidth of a virtual machine changes by half from minute to minute, so only runs of one
    round are compared: the best of ours may have had a faster minute than any of the peer.
    """

    answers: dict[str, list[dict]] = field(default_factory=dict)

    def add(self, name: str, answer: dict) -> None:
        self.answers.setdefault(name, []).append(answer)

    def __contains__(self, name: str) -> bool:
        return name in self.answers

    def least(self, name: str, key: str) -> float:
        return min(answer[key] for answer in self.answers[name])

    def pair(self, ours: tuple[str, str], peer: tuple[str, str]) -> tuple[float, float]:
        """Both numbers, given as name and key, of the round with the median ratio (of an even
        number of rounds the lower of the two in the middle)."""
        pairs = [(mine[ours[1]], other[peer[1]])
                 for mine, other in zip(self.answers[ours[0]], self.answers[peer[0]], strict=True)]
        pairs.sort(key=lambda pair: pair[0] / pair[1])
        return pairs[(len(pairs) - 1) // 2]


def run_json(command: list[str]) -> dict:
    """What a program prints; the benchmark ends where it fails."""
    finished = subprocess.run(command, capture_output=True, text=True)
    if finished.returncode != 0:
        sys.exit(f"{Path(sys.argv[0]).name}: {' '.join(command)} failed:\n{finished.stderr}")
    return json.loads(finished.stdout)


def machine() -> dict:
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    os_release = platform.freedesktop_os_release()
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "ram_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "os": os_release.get("PRETTY_NAME", platform.platform()),
        "kernel": platform.release(),
    }


def print_table(cases: list[Case]) -> None:
    width = max(len(case.case) for case in cases)
    print(f"{'case':{width}}  {'ours':>9}  {'peer':>9}  unit  {'ratio':>7}  target")
    for case in cases:
        peer = "-" if case.peer is None else f"{case.peer:.2f}"
        verdict = "" if not case.target else ("  ok" if case.is_met() else "  MISSED")
        print(
            f"{case.case:{width}}  {case.ours:9.2f}  {peer:>9}  {case.unit:4}  {case.ratio:7.2f}"
            f"  {case.target}{verdict}"
        )


def write_report(path: Path, cases: list[Case], notes: dict) -> None:
    document = {
        "command": " ".join(["python3", *sys.argv]),
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        **notes,
        "cases": [{**asdict(case), "met": case.is_met()} for case in cases],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"\nwritten: {path}")
