"""Argparse types and flags that verbs share."""

from __future__ import annotations

import dataclasses
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from passport_events.clock import EARLIEST_YEAR, LATEST_YEAR, is_comparable
from passport_events.exceptions import OperationRefused, Unreadable
from passport_events.models import SalesforceOrganization, Status
from passport_events.operating.failure_groups import find_fingerprint
from passport_events.operating.organizations import find_organization
from passport_events.operating.selection import Selection, parse_id
from passport_events.salesforce_ids import normalize_id


def parse_positive(text: str) -> int:
    """A whole number from 1 that fits into a database column. Raises ArgumentTypeError."""
    number = parse_id(text)
    if not number:
        raise ArgumentTypeError("must be a whole number from 1")
    return number


def parse_salesforce_id(text: str) -> str:
    """A Salesforce id in 18 characters. Raises ArgumentTypeError."""
    try:
        return normalize_id(text)
    except Unreadable as error:
        raise ArgumentTypeError(error.detail) from error


def parse_time(text: str) -> datetime:
    """An ISO 8601 time, in the project's time zone if it has no offset. Raises ArgumentTypeError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError("must be a time like 2026-11-22T08:00Z") from error
    if not is_comparable(found):
        raise ArgumentTypeError(f"must be of a year from {EARLIEST_YEAR} to {LATEST_YEAR}")
    return timezone.make_aware(found) if found.tzinfo is None else found


def require_reason(options: dict[str, Any]) -> None:
    """Raises OperationRefused if --reason is missing."""
    if not options["reason"].strip():
        raise OperationRefused("--reason is required.")


def add_scope(parser: ArgumentParser) -> None:
    """Declare the flags for the scope of a pause or rate limit."""
    parser.add_argument("--event-type", metavar="TYPE", help="default: every event type")
    parser.add_argument("--organization", metavar="00D...", help="Salesforce id; default: every organization")


def get_scope(options: dict[str, Any]) -> tuple[str | None, SalesforceOrganization | None]:
    """The event type and the organization of the scope. Raises OperationRefused."""
    organization = options["organization"]
    return options["event_type"], find_organization(organization) if organization else None


def describe_scope(options: dict[str, Any]) -> str:
    """The scope for people."""
    event_type = options["event_type"] or "every event type"
    return f"{event_type} of {options['organization'] or 'every organization'}"


def add_selection(parser: ArgumentParser, statuses: Sequence[str], *, with_ids: bool = False) -> None:
    """Declare the filters that select messages."""
    if with_ids:
        parser.add_argument("ids", nargs="*", type=parse_positive, metavar="ID", help="messages by id")
        parser.add_argument("--all", action="store_true", help="every message; instead of ids and filters")
    which = parser.add_argument_group("filters (combined with AND)")
    which.add_argument("--status", choices=statuses, action="append", help="may be repeated")
    which.add_argument("--event-type", metavar="TYPE", default="", help="an event type")
    which.add_argument("--organization", type=parse_salesforce_id, metavar="00D...", help="Salesforce id")
    which.add_argument("--record", type=parse_salesforce_id, metavar="ID", help="Salesforce id of a record")
    which.add_argument(
        "--group", metavar="HEX", default="", help="a failure group; the first 8 characters are enough"
    )
    which.add_argument(
        "--handler", metavar="MODULE.FUNCTION", default="", help="the event types of this handler"
    )
    which.add_argument("--release", metavar="RELEASE", default="", help="finished by this release")
    which.add_argument("--since", type=parse_time, metavar="TIME", help="finished at or after this time")
    which.add_argument("--until", type=parse_time, metavar="TIME", help="finished before this time")
    which.add_argument("--received-since", type=parse_time, metavar="TIME", help="received at or after it")
    which.add_argument("--received-until", type=parse_time, metavar="TIME", help="received before it")


def build_selection(options: dict[str, Any], default: Sequence[Status] = ()) -> Selection:
    """The selection that the filters describe, in the default statuses if none is named."""
    return Selection(
        statuses=tuple(map(Status, options["status"] or default)),
        event_type=options["event_type"],
        organization=options["organization"] or "",
        record_id=options["record"] or "",
        fingerprint=find_fingerprint(options["group"]),
        handler=options["handler"],
        release=options["release"],
        since=options["since"],
        until=options["until"],
        received_since=options["received_since"],
        received_until=options["received_until"],
    )


def build_exact_selection(options: dict[str, Any], default: Sequence[Status], verb: str) -> Selection:
    """The selection of ids, filters or --all. Raises OperationRefused unless exactly one is given."""
    filtered, ids = build_selection(options, default), tuple(sorted(set(options["ids"])))
    if ids:
        if filtered.is_narrow or options["all"]:
            raise OperationRefused("Give ids or filters, not both.")
        return dataclasses.replace(filtered, statuses=tuple(map(Status, options["status"] or ())), ids=ids)
    if not filtered.is_narrow and not options["all"]:
        raise OperationRefused(f"Refusing to {verb} everything: add a filter, or --all.")
    return filtered
