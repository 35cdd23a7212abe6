"""`python -m passport_events.receiving.probe FILE`: a liveness probe for a poller.

Exits 0, or 1 with the reason. It reads the file of `poll_sqs --health-file FILE` and uses neither Django nor
the database, so that it is fast and does not fail with them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from passport_events.standard_streams import guard_streams

ALIVE, NOT_ALIVE = 0, 1
MAX_SECONDS = 300
"""Longer than most outages of SQS or a database, which a restart of the poller does not end."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the result; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m passport_events.receiving.probe", description="Whether a poller still receives."
    )
    parser.add_argument("file", type=Path, help="what poll_sqs was given as --health-file")
    parser.add_argument(
        "--seconds",
        type=float,
        default=MAX_SECONDS,
        metavar="N",
        help="seconds without an answered receive after which the poller is dead (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    code, text = judge(options.file, options.seconds, datetime.now(UTC))
    print(f"poller: {text}")  # noqa: T201  it is a command
    return code


def judge(file: Path, max_age: float, now: datetime) -> tuple[int, str]:
    """The exit code, and the reason."""
    try:
        state = json.loads(file.read_text())
        last = datetime.fromisoformat(state["received_at"] or state["started_at"])
    except FileNotFoundError:
        return NOT_ALIVE, f"there is no {file}: it has not begun, or it was told to stop."
    except (OSError, ValueError, KeyError, TypeError) as error:
        return NOT_ALIVE, f"{file} cannot be read ({type(error).__name__})."
    age = (now - last).total_seconds()
    if age > max_age:
        return NOT_ALIVE, f"no receive was answered and stored for {age:.0f} s."
    what = "received" if state["received_at"] else "began"
    return ALIVE, f"{what} {max(0.0, age):.0f} s ago."


if __name__ == "__main__":
    with guard_streams("probe"):
        sys.exit(main())
