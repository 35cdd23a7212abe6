"""`passport dead-letters`: see them, send them back, put them aside."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.core.management.base import OutputWrapper

from passport_events.exceptions import OperationRefused
from passport_events.management.verbs import DONE, TROUBLE, carrying_out, listing
from passport_events.management.verbs.arguments import positive, require_reason
from passport_events.management.verbs.carrying_out import Words
from passport_events.management.verbs.selecting import add_selection, selection
from passport_events.models import ProcessedMessage, Status
from passport_events.operating import audit_log, operations
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import MAX_IDS, Operation

HELP = (
    "List dead letters, the newest first; or send some back to their handlers, or put them aside: by number, "
    "or without numbers all that the flags mean, in steps that go on whatever becomes of this command."
)
EXAMPLE = 'manage.py passport dead-letters --retry --fingerprint 9f86d081 --reason "fixed in release 41"'


class _Verb(NamedTuple):
    change: Operation
    at_once: Callable[..., int]
    done: str
    status: Status


VERBS: Mapping[str, _Verb] = {
    "retry": _Verb(operations.RETRY, operations.retry, "sent back", Status.DEAD),
    "discard": _Verb(operations.DISCARD, operations.discard, "discarded", Status.DEAD),
    "restore": _Verb(operations.RESTORE, operations.restore, "restored", Status.DISCARDED),
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    action = parser.add_mutually_exclusive_group()
    ids: dict[str, Any] = {"nargs": "*", "type": positive, "metavar": "ID"}
    action.add_argument("--retry", **ids, help="send back with all attempts")
    action.add_argument("--discard", **ids, help="put aside, quarantined ones too")
    action.add_argument("--restore", **ids, help="undo a discard")
    action.add_argument(
        "--trial", action="store_true", help="send back the newest one that the flags mean, and say which"
    )
    action.add_argument("--note", metavar="TEXT", help="write a note on the group of --fingerprint")
    add_selection(parser, (Status.DEAD, Status.QUARANTINED, Status.DISCARDED))
    parser.add_argument("--all", action="store_true", help="without any of these: every one")
    parser.add_argument("--reason", default="", help="kept in the journal; required but for --restore")
    carrying_out.add_pace(parser)
    parser.add_argument("--limit", type=positive, default=50, metavar="N", help="of the list; default: 50")
    parser.add_argument("--json", action="store_true", help="one JSON object on each line")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """List, or change."""
    for name, verb in VERBS.items():
        if options[name]:
            return _change(out, verb, options, set(options[name]))
        if options[name] is not None:
            return _change_all(out, verb, options)
    if options["trial"]:
        return _try(out, options)
    if options["note"] is not None:
        audit_log.add_note(options["fingerprint"], options["note"], Actor.from_command())
        out.write("dead-letters: noted")
        return DONE
    wanted = selection(options, (Status.DEAD,))
    newest = wanted.messages().defer("content", "merged").order_by("-pk")
    count = listing.write(out, newest[: options["limit"]], as_json=options["json"])
    if not count and not options["json"]:
        out.write("No dead letters.")
    return DONE


def _change(out: OutputWrapper, verb: _Verb, options: dict[str, Any], ids: set[int]) -> int:
    if options["all"] or selection(options).is_narrow:
        raise OperationRefused("Give ids or filters, not both.")
    if len(ids) > MAX_IDS:
        raise OperationRefused(f"At most {MAX_IDS:,} at once.")
    if verb.change.needs_reason:
        require_reason(options)
    changed = verb.at_once(
        ProcessedMessage.objects.filter(pk__in=ids), Actor.from_command(), options["reason"]
    )
    left = len(ids) - changed
    out.write(f"dead-letters: {changed} {verb.done}" + (f", {left} left as they are" if left else ""))
    return TROUBLE if left else DONE


def _change_all(out: OutputWrapper, verb: _Verb, options: dict[str, Any]) -> int:
    meant = selection(options, (verb.status,))
    if not meant.is_narrow and not options["all"]:
        raise OperationRefused(f"Refusing to {verb.change.kind} everything: add a filter, or --all.")
    if verb.change.needs_reason:
        require_reason(options)
    return carrying_out.carry_out(out, Words("dead-letters", verb.done), verb.change, meant, options)


def _try(out: OutputWrapper, options: dict[str, Any]) -> int:
    meant = selection(options, (Status.DEAD,))
    operations.RETRY.check(meant)
    require_reason(options)
    sent = operations.retry_newest(meant, Actor.from_command(), options["reason"])
    out.write("dead-letters: 0 sent back" if sent is None else f"dead-letters: {sent} sent back as a trial")
    return TROUBLE if sent is None else DONE
