"""`passport messages`: what is in the inbox."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.management.verbs import DONE, listing
from passport_events.management.verbs.arguments import positive, record
from passport_events.models import ProcessedMessage, Status

HELP = "List messages, the newest first. Never shows what an event says."
EXAMPLE = "manage.py passport messages --status waiting --type opportunity --limit 20"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--status", choices=Status.values, action="append", help="may be given several times")
    parser.add_argument("--type", metavar="TYPE", help="an event type")
    parser.add_argument("--organization", type=record, metavar="00D...", help="Salesforce's id of it")
    parser.add_argument("--record", type=record, metavar="ID", help="Salesforce's id of a record")
    parser.add_argument("--limit", type=positive, default=50, metavar="N", help="default: 50")
    parser.add_argument("--json", action="store_true", help="one JSON object on each line")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """List."""
    wanted = {
        "status__in": options["status"],
        "event_type": options["type"],
        "organization_salesforce_id": options["organization"],
        "record_id": options["record"],
    }
    messages = ProcessedMessage.objects.filter(**{key: value for key, value in wanted.items() if value})
    newest = messages.defer("content", "merged").order_by("-pk")[: options["limit"]]
    count = listing.write(out, newest, as_json=options["json"])
    if not count and not options["json"]:
        out.write("No such messages.")
    return DONE
