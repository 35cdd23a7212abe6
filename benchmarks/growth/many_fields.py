"""One event of 86,000 fields among 200 others: how long each takes from the poll to its end.

`make bench-growth ARGS='--only fields'` prints it; `python -m benchmarks.growth.many_fields` runs it alone.
"""

from __future__ import annotations

import json
import os
import statistics
import time

FIELDS = 86_000
OTHERS = 200


def measure(fields: int = FIELDS) -> str:
    """Run it on servers of its own, and return the line to print."""
    from tests.harness.servers import Servers  # noqa: PLC0415  as in the tests, with their settings

    servers = Servers("postgresql")
    try:
        return _measured(fields)
    finally:
        servers.stop()


def _measured(fields: int) -> str:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django  # noqa: PLC0415  the settings need the servers' ports

    django.setup()
    from django.db import connection  # noqa: PLC0415

    from passport_events import handles  # noqa: PLC0415
    from passport_events.handling.worker import work  # noqa: PLC0415
    from passport_events.models import ProcessedMessage, SalesforceOrganization, SalesforceRecord, Status  # noqa: PLC0415
    from passport_events.receiving.poll import poll_once  # noqa: PLC0415
    from passport_events.testing import FakeQueue, organization_id, record_id, relay_message  # noqa: PLC0415

    connection.creation.create_test_db(verbosity=0)
    home = organization_id(1)
    SalesforceOrganization.objects.create(salesforce_id=home, name="Program", mode="live")
    ended: dict[str, float] = {}
    handles("opportunity")(lambda event, record: ended.update({record.record_id: time.monotonic()}))
    queue = FakeQueue()
    large = record_id("Opportunity", OTHERS // 2)
    for number in range(OTHERS + 1):
        record = record_id("Opportunity", number)
        said = {f"F{field}": 0 for field in range(fields)} if record == large else {"Name": str(number)}
        message = relay_message("Opportunity", record, fields=said, organization=home)
        queue.send(json.dumps(message, separators=(",", ":")))
    began = time.monotonic()
    while queue.bodies:
        poll_once(queue, wait_seconds=0)
    while ProcessedMessage.objects.filter(status=Status.WAITING).exists():
        work("passport-opportunities")
    done = ProcessedMessage.objects.filter(status=Status.SUCCEEDED).count()
    size = len(SalesforceRecord.objects.get(record_id=large).fields)
    others = [at - began for record, at in ended.items() if record != large]
    p95 = statistics.quantiles(others, n=20)[-1]
    return (
        f"one event of {size:,} fields among {OTHERS}: succeeded={done} "
        f"its_seconds={ended[large] - began:.2f} p95_of_the_others={p95:.2f}"
    )


if __name__ == "__main__":
    print(measure())
