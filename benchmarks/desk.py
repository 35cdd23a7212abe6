"""How long the desk's pages take over a large inbox: milliseconds of server time, and queries.

Fills an embedded PostgreSQL by SQL with 1,000,000 messages, 50,000 of which need a person, in 35 groups;
then asks for every kind of page through Django's test client. The database is where the time goes, so
`--explain` prints the plans of a page's slow statements.

    python -m benchmarks.desk
    python -m benchmarks.desk --messages 100000 --json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from project.embedded import PostgresServer
from project.embedded.postgres import NOT_DURABLE

LIMIT_MS = 300
ROUNDS = 9
ORGANIZATIONS = 40
SLOW_MS = 20
"""A statement that takes longer is explained."""


def main(arguments: list[str] | None = None) -> int:
    """Fill, measure, and print a line for each page."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.desk",
        description="Server time and queries of the admin's pages over a large inbox.",
        epilog="example: python -m benchmarks.desk --messages 100000",
    )
    parser.add_argument("--messages", type=int, default=1_000_000, help="of which every 20th has failed")
    parser.add_argument("--explain", action="store_true", help="print the plans of slow statements")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(arguments)
    # A laptop's memory, not a server's: what does not fit is read from the file system's cache.
    with PostgresServer(settings={**NOT_DURABLE, "shared_buffers": "256MB"}) as server:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "PASSPORT_DEMO_POSTGRESQL_PORT": str(server.port),
        }
        results = _run(options.messages, explain=options.explain, tell=not options.json)
    if options.json:
        print(json.dumps(results, indent=2))
    worst = max(results.values(), key=lambda result: result["ms"])
    slow = sum(result["ms"] > LIMIT_MS for result in results.values())
    cpu = max(result["cpu_ms"] for result in results.values())
    counts = f"messages={options.messages} pages={len(results)}"
    print(f"bench-desk: {counts} worst_ms={worst['ms']} worst_cpu_ms={cpu} slow={slow}")
    return 1 if slow else 0


def _run(messages: int, *, explain: bool, tell: bool) -> dict[str, dict[str, Any]]:
    import django  # noqa: PLC0415  its settings need the server's port

    django.setup()
    from django.conf import settings  # noqa: PLC0415  needs Django set up
    from django.core.management import call_command  # noqa: PLC0415  needs Django set up

    from benchmarks.desk_rows import fill, pages  # noqa: PLC0415  needs Django set up

    settings.ALLOWED_HOSTS = ["testserver"]
    call_command("migrate", verbosity=0)
    started = time.perf_counter()
    fill(messages, ORGANIZATIONS)
    if tell:
        print(f"filled in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    results = {}
    for name, url in pages():
        results[name] = _measure(url)
        if tell:
            print(_line(name, **results[name]), flush=True)
        if explain:
            for plan in _plans(url):
                print(plan, file=sys.stderr)
    return results


def _line(name: str, *, ms: float, cpu_ms: float, fastest: float, slowest: float, queries: int) -> str:
    spread = f"({fastest} to {slowest})"
    return f"{name:36} {ms:>7} ms {spread:20} {cpu_ms:>6} ms of CPU {queries:>3} queries"


def _measure(url: str) -> dict[str, Any]:
    from django.db import connection  # noqa: PLC0415  needs Django set up
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415  needs Django set up

    client = _client()
    with CaptureQueriesContext(connection) as captured:
        _get(client, url)
        queries = len(captured)  # the next request forgets them
    spans, worked = [], _cpu_seconds()
    for _ in range(ROUNDS):
        started = time.perf_counter()
        _get(client, url)
        spans.append((time.perf_counter() - started) * 1_000)
    return {
        "cpu_ms": round((_cpu_seconds() - worked) * 1_000 / ROUNDS, 1),
        "ms": round(statistics.median(spans), 1),
        "fastest": round(min(spans), 1),
        "slowest": round(max(spans), 1),
        "queries": queries,
    }


def _cpu_seconds() -> float:
    """What this process and its database session have worked, parallel workers of PostgreSQL left out.

    On a machine that others use as well a page takes longer than that, and not because of what it does.
    """
    from django.db import connection  # noqa: PLC0415  needs Django set up

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return time.process_time() + (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _client() -> Any:
    from django.contrib.auth.models import User  # noqa: PLC0415  needs Django set up
    from django.test import Client  # noqa: PLC0415  needs Django set up

    client = Client()
    client.force_login(User.objects.get(username="ann"))
    return client


def _get(client: Any, url: str) -> None:
    if (status := client.get(url).status_code) != 200:
        sys.exit(f"{url} answered with {status}; it measures nothing.")


def _plans(url: str) -> Iterator[str]:
    from django.db import connection  # noqa: PLC0415  needs Django set up
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415  needs Django set up

    with CaptureQueriesContext(connection) as captured:
        _get(_client(), url)
    for query in captured.captured_queries:
        if float(query["time"]) * 1_000 < SLOW_MS or not query["sql"].startswith("SELECT"):
            continue
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {query['sql'].replace('%', '%%')}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
        yield f"{url}\n{query['sql']}\n{plan}\n"


if __name__ == "__main__":
    sys.exit(main())
