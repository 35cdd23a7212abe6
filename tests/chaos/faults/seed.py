"""`python -m tests.chaos.faults.seed`: what the tests of faults find in the database of a cluster.

A process of its own, because the tests' own Django has another database.
"""

from __future__ import annotations

import json

import django
from django.core.management import call_command

from passport_events.testing import organization_id, record_id, relay_message
from passport_events.testing.factories import COMMITTED_MS

RECORDS = 20
ORGANIZATIONS = tuple(organization_id(number) for number in range(1, 7))
QUEUE = "passport-opportunities"


def event(number: int, change: str = "CREATE") -> str:
    """A message about the `number`-th opportunity."""
    message = relay_message(
        "Opportunity",
        record_id("Opportunity", number),
        change,
        {"Name": f"Application {number}"},
        organization=ORGANIZATIONS[0],
        at_ms=COMMITTED_MS + len(change),
    )
    return json.dumps(message)


def main() -> None:
    """Tables, organizations, messages that have succeeded, dead letters, and messages that are due."""
    django.setup()
    from passport_events.handling.worker import work  # noqa: PLC0415  it needs the models
    from passport_events.models import ProcessedMessage, SalesforceOrganization, Status  # noqa: PLC0415
    from passport_events.receiving.inbox import store  # noqa: PLC0415
    from passport_events.wire.raw_delivery import RawDelivery  # noqa: PLC0415

    call_command("migrate", run_syncdb=True, verbosity=0)
    SalesforceOrganization.objects.bulk_create(
        SalesforceOrganization(salesforce_id=salesforce_id, name=salesforce_id, mode="live")
        for salesforce_id in ORGANIZATIONS
    )
    for change in ("CREATE", "UPDATE"):
        if change == "UPDATE":
            work(QUEUE)
        for number in range(RECORDS):
            body = event(number, change).encode()
            store([RawDelivery(message_id=f"{change} {number}", receipt_handle="", body=body)])
    ended = ProcessedMessage.objects.filter(status=Status.SUCCEEDED, pk__lte=RECORDS // 2)
    ended.update(status=Status.DEAD, reason="for a test")


if __name__ == "__main__":
    main()
