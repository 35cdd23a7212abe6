"""Every ablation once: with each safeguard taken away, the checker must find what it was for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from tests.chaos.checker import Violation
from tests.chaos.directed import DIRECTED

MOST_SECONDS = 1_500
_WIDTH = 20


def ablate(seed: int) -> int:
    """Run them one after the other, print a table, and return the exit code."""
    found = 0
    _say(_row("without", (violation.value for violation in Violation), "verdict"))
    for name, directed in DIRECTED.items():
        counts = _run(name, seed)
        is_found = any(counts.get(violation) for violation in directed.must_find)
        found += is_found
        numbers = (str(counts.get(violation, "-")) for violation in Violation)
        _say(_row(name, numbers, "found" if is_found else "NOT FOUND" if counts else "did not run"))
    _say(f"chaos ablations: ablations={len(DIRECTED)} found={found} seed={seed}")
    return 0 if found == len(DIRECTED) else 1


def _run(name: str, seed: int) -> dict[str, int]:
    """What one run found, by violation; empty when it came to no end. A process of its own: see `run`."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--without", name, "--seed", str(seed), "--json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=MOST_SECONDS,
        check=False,
    )
    try:
        outcome: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        return {}
    violations: dict[str, int] = outcome["verdict"]["violations"]
    return violations


def _row(first: str, cells: Iterator[str], last: str) -> str:
    return "".join((f"{first:<{_WIDTH}}", *(f"{cell:>17}" for cell in cells), f"  {last}"))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
