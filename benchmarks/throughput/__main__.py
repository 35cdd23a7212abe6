"""`make bench`: run all contenders in turns, and say what came out."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.throughput import course, picture, profile, report, table, versions
from benchmarks.throughput.contender import Contender
from benchmarks.throughput.contenders import ALL, BY_NAME
from benchmarks.throughput.latency import measured
from benchmarks.throughput.run import Result
from benchmarks.throughput.stack import REPOSITORY, Stack

ROUNDS = 3
CORES = 2
_SAID_ALOUD = ("passport", "passport-handler")
"""Whose statements are kept, by text."""
_RESULTS = REPOSITORY / "benchmarks" / "results"


def main(arguments: list[str] | None = None) -> int:
    """Run, and return 0 when every contender that ran did all of its work exactly once."""
    options = _parser().parse_args(arguments)
    if options.table:
        print(_table_of(json.loads(options.table.read_text())), end="")
        return 0
    # Children inherit it: servers and contenders share the same cores on every machine.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    python = options.python312 if versions.has_modern_packages(options.python312) else None
    document: dict[str, Any] = {"at": datetime.now(UTC).isoformat(timespec="seconds")}
    with Stack() as stack:
        if options.profile:
            profiles = profile.record(
                stack, options.only[0], options.only[0].quick_events, options.profile, progress=_say
            )
            print(profile.text(profiles))
            return 0
        document["versions"] = versions.collect(stack, python)
        ran = course.run_all(
            stack,
            options.only,
            rounds=1 if options.quick else options.rounds,
            is_quick=options.quick,
            modern_python=python,
            progress=_say,
        )
        rows = report.rows_of(options.only, ran.results)
        summary = report.summary_of(rows, ran.results)
        if options.latency:
            document["latency"] = measured.everything(stack, is_quick=options.quick, progress=_say)
    document |= {
        "rows": [dataclasses.asdict(row) for row in rows],
        "not_run": ran.not_run,
        "summary": summary,
        "runs": [_without_texts(result) for result in ran.results],
        "statements": {r.name: r.texts for r in ran.results if r.name in _SAID_ALOUD},
    }
    _write(document, rows, options.json)
    print(table.markdown(rows, ran.not_run))
    if options.latency:
        print(measured.text(document["latency"]))
    print(report.last_line(summary))
    return 0 if all(result.verdict.is_clean for result in ran.results) else 1


def _without_texts(result: Result) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(result).items() if name != "texts"}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.throughput",
        description="The same work for the loop people write by hand, the best peers, the floor, and us.",
        epilog="example: make bench ARGS='--only naive,floor,passport --quick'",
    )
    parser.add_argument("--only", type=_contenders, default=list(ALL), metavar="A,B", help=_names())
    parser.add_argument("--quick", action="store_true", help="one round of few events, in some two minutes")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"runs of each (default: {ROUNDS})")
    parser.add_argument(
        "--latency", action="store_true", help="then latencies, the length of a poll, and a spike of 20,000"
    )
    parser.add_argument("--json", type=Path, default=_RESULTS / "latest.json", metavar="FILE")
    # Absolute, because contenders run in folders of their own; a link stays one, it makes the environment.
    parser.add_argument("--python312", type=_absolute, metavar="PATH", help="a Python 3.12 for who needs it")
    parser.add_argument(
        "--profile", type=Path, metavar="DIR", help="only profile the first of --only with py-spy"
    )
    parser.add_argument("--table", type=Path, metavar="FILE", help="only print the table of such a JSON")
    return parser


def _names() -> str:
    return f"only these, with commas: {', '.join(BY_NAME)}"


def _absolute(text: str) -> str:
    return str(Path(text).absolute())


def _contenders(text: str) -> list[Contender]:
    """An argparse type. They keep the order of the table."""
    names = text.split(",")
    if unknown := [name for name in names if name not in BY_NAME]:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; there are {', '.join(BY_NAME)}")
    return [contender for contender in ALL if contender.name in names]


def _write(document: dict[str, Any], rows: Sequence[report.Row], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")
    _say(f"written: {path}")
    if rows:
        machine = document["versions"]["machine"]
        caption = f"{machine['processor']}, {len(machine['cores_used'])} cores, {document['at'][:10]}"
        for drawn in picture.draw(rows, path.parent, caption):
            _say(f"written: {drawn}")


def _table_of(document: dict[str, Any]) -> str:
    rows = [report.Row(**row) for row in document["rows"]]
    text = table.markdown(rows, document["not_run"])
    return text + ("\n" + measured.text(document["latency"]) if "latency" in document else "")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
