"""How many events a second one core reads: SNS-wrapped bodies of about 2 KB, from bytes to events.

Everything that reading is for is in it: JSON with its limits, the envelope, the ids, the version, the
identity and the fields. Nothing else is: no queue, no database. For scale, the same bodies through
Python's own `json.loads` twice, which checks nothing and makes no event.

    python -m benchmarks.reading
    python -m benchmarks.reading --seconds 10 --json
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator

from passport_events.conf import Settings
from passport_events.testing.factories import (
    contract_message,
    organization_id,
    record_id,
    relay_message,
    sns_notification,
)
from passport_events.wire.parser import parse_delivery
from passport_events.wire.raw_delivery import RawDelivery

BODIES = 500
ROUNDS = 7
SIZE = 2_048
"""Bytes of a body, roughly: what the fields do not fill, a description does."""


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print a line for each kind of message: rate, its spread, and share of the bare rate."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reading",
        description="Events read and validated per second on one core.",
        epilog="example: python -m benchmarks.reading --seconds 5 --json",
    )
    parser.add_argument("--seconds", type=float, default=14, help="in all, over every kind (default: 14)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(arguments)
    kinds = _kinds()
    results = {name: _measure(bodies, options.seconds / len(kinds)) for name, bodies in kinds.items()}
    if options.json:
        print(json.dumps(results, indent=2))
        return 0
    for name, result in results.items():
        spread = f"({result['lowest']:,} to {result['highest']:,})"
        share = f"{result['of_bare']:.0%}"
        print(f"{name:20} {result['bytes']:>6,} B {result['median']:>7,}/s {spread:20} {share}")
    mixed = results["mixed"]
    print(f"bench-reading: per_second={mixed['median']} of_bare_json={mixed['of_bare']}")
    return 0


def _kinds() -> dict[str, list[RawDelivery]]:
    makers: dict[str, Callable[[random.Random, int], str]] = {
        "created": lambda r, n: _change(r, n, "CREATE", 14),
        "updated, 4 fields": lambda r, n: _change(r, n, "UPDATE", 4),
        "updated, 24 fields": lambda r, n: _change(r, n, "UPDATE", 24),
        "deleted": lambda r, n: _change(r, n, "DELETE", 0),
        "contract": _contract,
    }
    chosen = random.Random(7)
    kinds = {
        name: [_received(maker(chosen, number)) for number in range(BODIES)] for name, maker in makers.items()
    }
    shares = {"created": 25, "updated, 4 fields": 45, "updated, 24 fields": 10, "deleted": 5, "contract": 15}
    names = chosen.choices(list(shares), list(shares.values()), k=BODIES)
    kinds["mixed"] = [kinds[name][number] for number, name in enumerate(names)]
    return kinds


def _change(chosen: random.Random, number: int, change: str, fields: int) -> str:
    values = {f"Field_{position}__c": _value(chosen, position) for position in range(fields)}
    record = record_id("Opportunity", number)
    message = relay_message("Opportunity", record, change, values, organization=organization_id(number % 15))
    if values:
        room = max(0, SIZE - len(sns_notification(message)))
        message["detail"]["payload"]["Field_0__c"] = "d" * room
    return sns_notification(message)


def _contract(chosen: random.Random, number: int) -> str:
    values = {f"field_{position}": _value(chosen, position) for position in range(10)}
    record = record_id("Opportunity", number)
    message = contract_message("opportunity", record, values, organization=organization_id(number % 15))
    message["data"]["field_0"] = "d" * max(0, SIZE - len(sns_notification(message)))
    return sns_notification(message)


def _value(chosen: random.Random, position: int) -> object:
    kinds = (f"value {chosen.randrange(10**9)}", chosen.randrange(10**6), chosen.random(), None, True)
    return kinds[position % len(kinds)]


def _received(body: str) -> RawDelivery:
    sent = {"SentTimestamp": "1778192988123", "ApproximateReceiveCount": "1"}
    return RawDelivery(message_id="m", receipt_handle="r", body=body.encode(), attributes=sent)


def _measure(bodies: list[RawDelivery], seconds: float) -> dict[str, float]:
    settings = Settings()
    if any(not parse_delivery(body, settings).events for body in bodies):
        sys.exit("A body of the benchmark is refused; it measures nothing.")

    def ours() -> None:
        for body in bodies:
            parse_delivery(body, settings)

    def bare() -> None:
        for body in bodies:
            json.loads(json.loads(body.body)["Message"])

    # In turns, because the machine may be busy with something else at any time.
    pairs = list(_rounds(ours, bare, seconds, len(bodies)))
    mine, theirs = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return {
        "bytes": round(statistics.mean(len(body.body) for body in bodies)),
        "median": round(statistics.median(mine)),
        "lowest": round(min(mine)),
        "highest": round(max(mine)),
        "bare": round(statistics.median(theirs)),
        "of_bare": round(statistics.median(m / t for m, t in pairs), 3),
    }


def _rounds(
    ours: Callable[[], None], bare: Callable[[], None], seconds: float, count: int
) -> Iterator[tuple[float, float]]:
    for _ in range(ROUNDS):
        yield _rate(ours, seconds / ROUNDS * 0.7, count), _rate(bare, seconds / ROUNDS * 0.3, count)


def _rate(work: Callable[[], None], seconds: float, count: int) -> float:
    """By the time that this process had a processor, so that others on the machine matter less."""
    started, times = time.process_time(), 0
    while True:
        work()
        times += 1
        passed = time.process_time() - started
        if passed >= seconds:
            return times * count / passed


if __name__ == "__main__":
    sys.exit(main())
