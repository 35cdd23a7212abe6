"""Flags that say which messages are meant; the same for every verb that means many."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from passport_events.clock import EARLIEST_YEAR, LATEST_YEAR, is_comparable
from passport_events.management.verbs.arguments import record
from passport_events.models import Status
from passport_events.operating.selection import Selection


def moment(text: str) -> datetime:
    """A time of day in ISO 8601; without an offset it is the project's own."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError("must be a time like 2026-11-22T08:00Z") from error
    if not is_comparable(found):
        raise ArgumentTypeError(f"must be of a year from {EARLIEST_YEAR} to {LATEST_YEAR}")
    return timezone.make_aware(found) if found.tzinfo is None else found


def add_selection(parser: ArgumentParser, statuses: Sequence[str]) -> None:
    """Declare them."""
    which = parser.add_argument_group("which messages; all that is said must fit")
    which.add_argument("--status", choices=statuses, action="append", help="may be given several times")
    which.add_argument("--type", metavar="TYPE", default="", help="an event type")
    which.add_argument("--organization", type=record, metavar="00D...", help="Salesforce's id of it")
    which.add_argument("--record", type=record, metavar="ID", help="Salesforce's id of a record")
    which.add_argument("--fingerprint", metavar="HEX", default="", help="a group of the desk")
    which.add_argument(
        "--handler", metavar="MODULE.FUNCTION", default="", help="of the types that it handles"
    )
    which.add_argument("--release", metavar="RELEASE", default="", help="ended by this release of your code")
    which.add_argument("--since", type=moment, metavar="TIME", help="ended at or after it")
    which.add_argument("--until", type=moment, metavar="TIME", help="ended before it")
    which.add_argument("--received-since", type=moment, metavar="TIME", help="received at or after it")
    which.add_argument("--received-until", type=moment, metavar="TIME", help="received before it")


def selection(options: dict[str, Any], default: Sequence[Status] = ()) -> Selection:
    """What was said, in these statuses if none was."""
    return Selection(
        statuses=tuple(map(Status, options["status"] or default)),
        event_type=options["type"],
        organization=options["organization"] or "",
        record_id=options["record"] or "",
        fingerprint=options["fingerprint"],
        handler=options["handler"],
        release=options["release"],
        since=options["since"],
        until=options["until"],
        received_since=options["received_since"],
        received_until=options["received_until"],
    )
