"""What the Redis lock of a record saves: one hot record among many, with the lock and without it.

Worker processes drain 2,000 events of one record and 1,000 events of as many others, which came
mixed. PostgreSQL and Valkey are real and on this machine; the handler writes a row and takes a while.
A claimed row is wasted when it was given back without a turn or lost with its lease. A row is parked
when a claim met it and could only put it aside, because another worker has its record. A worker is
blocked while it waits for the row of a record, which it does a little for every event.

    python -m benchmarks.hot_record
    python -m benchmarks.hot_record --handler-ms 20 --rounds 3 --json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks import settings
from project.embedded import PostgresServer, ValkeyServer

PARTS = {"with_lock": True, "without_lock": False}
COUNTED = ("claims", "claimed", "handled", "parks", "parked", "given_back", "lost", "stale")
SHOWN = ("wasted", "parked", "blocked_percent", "others_seconds", "seconds")


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print one line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hot_record",
        description="Wasted claims and time on a hot record, with and without the Redis lock.",
        epilog="example: python -m benchmarks.hot_record --workers 4 --handler-ms 2",
    )
    parser.add_argument("--workers", type=int, default=4, help="processes (default: 4)")
    parser.add_argument("--handler-ms", type=float, default=2, help="how long a handler takes (default: 2)")
    parser.add_argument("--rounds", type=int, default=1, help="how often each part is run (default: 1)")
    parser.add_argument("--json", action="store_true", help="print every count of every round")
    options = parser.parse_args(arguments)
    results = []
    with PostgresServer() as postgres, ValkeyServer() as valkey:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            settings.POSTGRESQL_PORT: str(postgres.port),
            settings.REDIS_PORT: str(valkey.port),
        }
        for _ in range(options.rounds):
            for part, has_lock in PARTS.items():
                valkey.flush()
                results.append({"part": part, **_measure(environment, options, has_lock=has_lock)})
    if options.json:
        print(json.dumps(results, indent=2))
    else:
        print("hot-record: " + " ".join(_summary(results)))
    return 0


def _summary(results: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Medians over the rounds, each figure with the lock and without it."""
    for name in SHOWN:
        for part in PARTS:
            values = [result[name] for result in results if result["part"] == part]
            yield f"{name}_{part}={round(statistics.median(values), 1)}"


def _measure(
    environment: Mapping[str, str], options: argparse.Namespace, *, has_lock: bool
) -> dict[str, Any]:
    """Fill the inbox, let the workers drain it, and add up what they counted."""
    _python(environment, "from benchmarks import hot_record_inbox; hot_record_inbox.fill()").communicate()
    work = f"from benchmarks import hot_record_worker as w; w.main({options.handler_ms}, {has_lock})"
    workers = [_python(environment, work) for _ in range(options.workers)]
    for worker in workers:
        _ready(worker)
    started = time.perf_counter()
    for worker in workers:
        _go(worker)
    counted = [json.loads(worker.communicate()[0]) for worker in workers]
    seconds = time.perf_counter() - started
    check = _python(environment, "from benchmarks import hot_record_inbox; hot_record_inbox.check()")
    check.communicate()
    if check.returncode != 0:
        raise SystemExit("the inbox is not what it should be")
    total = {name: sum(each[name] for each in counted) for name in COUNTED}
    worker_seconds = seconds * options.workers
    return {
        **total,
        "wasted": total["given_back"] + total["lost"],
        "blocked_percent": round(100 * sum(each["blocked_seconds"] for each in counted) / worker_seconds, 1),
        "others_seconds": max(each["others_seconds"] for each in counted),
        "seconds": round(seconds, 1),
    }


def _python(environment: Mapping[str, str], code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", f"import django; django.setup(); {code}"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _ready(worker: subprocess.Popen[str]) -> None:
    """Wait until it has imported everything, so that no part pays for that."""
    if worker.stdout is None or not worker.stdout.readline():
        raise SystemExit("a worker did not start")


def _go(worker: subprocess.Popen[str]) -> None:
    """All of them begin before anybody waits for one."""
    if worker.stdin is not None:
        worker.stdin.write("go\n")
        worker.stdin.flush()


if __name__ == "__main__":
    sys.exit(main())
