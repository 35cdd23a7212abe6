"""Argparse types and flags that verbs share."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from passport_events.exceptions import OperationRefused, Unreadable
from passport_events.models import SalesforceOrganization
from passport_events.operating.organizations import find_organization
from passport_events.operating.selection import parse_id
from passport_events.salesforce_ids import normalize_id


def positive(text: str) -> int:
    """A whole number from 1 that a database holds."""
    number = parse_id(text)
    if not number:
        raise ArgumentTypeError("must be a whole number from 1")
    return number


def require_reason(options: dict[str, Any]) -> None:
    """Raises OperationRefused."""
    if not options["reason"].strip():
        raise OperationRefused("--reason is required.")


def record(text: str) -> str:
    """An id of Salesforce, brought to 18 characters."""
    try:
        return normalize_id(text)
    except Unreadable as error:
        raise ArgumentTypeError(error.detail) from error


def add_scope(parser: ArgumentParser) -> None:
    """Declare what a pause or throttle covers."""
    parser.add_argument("--type", metavar="TYPE", help="an event type; without it every type")
    parser.add_argument(
        "--organization", metavar="00D...", help="Salesforce's id of it; without it every organization"
    )


def scope(options: dict[str, Any]) -> tuple[str | None, SalesforceOrganization | None]:
    """The event type and organization that were named. Raises OperationRefused."""
    named = options["organization"]
    return options["type"], find_organization(named) if named else None


def describe_scope(options: dict[str, Any]) -> str:
    """For people."""
    event_type = options["type"] or "every event type"
    return f"{event_type} of {options['organization'] or 'every organization'}"
