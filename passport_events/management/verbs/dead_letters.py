"""`passport dead-letters`: see them, send them back, put them aside."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.exceptions import OperationRefused
from passport_events.management.verbs import DONE, TROUBLE, listing
from passport_events.management.verbs.arguments import positive
from passport_events.models import ProcessedMessage, Status
from passport_events.operating import dead_letters
from passport_events.operating.actor import Actor
from passport_events.operating.dead_letters import MOST_AT_ONCE

HELP = "List dead letters, the newest first; or send some back to their handlers, or put them aside."
EXAMPLE = 'manage.py passport dead-letters --retry 17 18 --reason "fixed in release 41"'


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--retry", nargs="+", type=positive, metavar="ID", help="send back with all attempts")
    action.add_argument(
        "--discard", nargs="+", type=positive, metavar="ID", help="put aside, quarantined ones too"
    )
    action.add_argument("--restore", nargs="+", type=positive, metavar="ID", help="undo a discard")
    parser.add_argument("--reason", default="", help="kept in the journal; required to discard")
    parser.add_argument("--limit", type=positive, default=50, metavar="N", help="default: 50")
    parser.add_argument("--json", action="store_true", help="one JSON object on each line")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """List, or change."""
    if options["retry"]:
        return _change(out, dead_letters.retry, "sent back", options["retry"], options["reason"])
    if options["discard"]:
        if not options["reason"].strip():
            raise OperationRefused("To discard, say why: --reason.")
        return _change(out, dead_letters.discard, "discarded", options["discard"], options["reason"])
    if options["restore"]:
        return _change(out, dead_letters.restore, "restored", options["restore"], options["reason"])
    dead = ProcessedMessage.objects.filter(status=Status.DEAD).defer("content", "merged")
    count = listing.write(out, dead.order_by("-pk")[: options["limit"]], as_json=options["json"])
    if not count and not options["json"]:
        out.write("No dead letters.")
    return DONE


def _change(out: OutputWrapper, verb: Any, done: str, wanted: list[int], reason: str) -> int:
    ids = set(wanted)
    if len(ids) > MOST_AT_ONCE:
        raise OperationRefused(f"At most {MOST_AT_ONCE:,} at once.")
    changed = verb(ProcessedMessage.objects.filter(pk__in=ids), Actor.of_command(), reason)
    left = len(ids) - changed
    out.write(f"dead-letters: {changed} {done}" + (f", {left} left as they are" if left else ""))
    return TROUBLE if left else DONE
