"""`passport retry`: send messages back to their handlers, or do not wait for their next attempt."""

from __future__ import annotations

import dataclasses
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.exceptions import OperationRefused
from passport_events.management.verbs import DONE, TROUBLE, carrying_out
from passport_events.management.verbs.arguments import positive, require_reason
from passport_events.management.verbs.carrying_out import Words
from passport_events.management.verbs.selecting import add_selection, selection
from passport_events.models import Status
from passport_events.operating.operations import RETRY, RETRY_NOW, Operation
from passport_events.operating.selection import MAX_COUNTED, Selection, count

HELP = (
    "Send dead letters back to their handlers with all attempts; or with --now, let messages that wait for "
    "their next attempt have it at once, at no cost in attempts. What is paused stays paused."
)
EXAMPLE = 'manage.py passport retry --now --type opportunity --reason "their API is back"'


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("ids", nargs="*", type=positive, metavar="ID", help="messages, by number")
    parser.add_argument("--now", action="store_true", help="those that wait for their next attempt")
    add_selection(parser, (Status.DEAD, Status.QUARANTINED, Status.WAITING))
    parser.add_argument("--all", action="store_true", help="without any of these: every one")
    parser.add_argument("--preview", action="store_true", help="count them, and change nothing")
    parser.add_argument("--reason", default="", help="recorded in the audit log; required")
    carrying_out.add_pace(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """Retry."""
    change = RETRY_NOW if options["now"] else RETRY
    meant = _meant(change, options)
    if options["preview"]:
        return _preview(out, count(change.filter_eligible(meant.bounded())), as_json=options["json"])
    require_reason(options)
    done = "due now" if change is RETRY_NOW else "sent back"
    return carrying_out.carry_out(out, Words("retry", done), change, meant, options)


def _meant(change: Operation, options: dict[str, Any]) -> Selection:
    said, ids = selection(options), tuple(sorted(set(options["ids"])))
    if ids:
        if said.is_narrow or options["all"]:
            raise OperationRefused("Give ids or filters, not both.")
        return dataclasses.replace(said, ids=ids)
    if not said.is_narrow and not options["all"]:
        raise OperationRefused(
            f"Refusing to {change.kind.replace('_', ' ')} everything: add a filter, or --all."
        )
    return selection(options, (Status.WAITING if change is RETRY_NOW else Status.DEAD,))


def _preview(out: OutputWrapper, found: int, *, as_json: bool) -> int:
    is_capped = found >= MAX_COUNTED
    if as_json:
        out.write(json.dumps({"messages": found, "is_capped": is_capped}))
    else:
        out.write(f"retry: {found}{' or more' if is_capped else ''} messages fit. Nothing was changed.")
    return DONE if found else TROUBLE
