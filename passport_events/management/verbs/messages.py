"""`passport list`, `show`, `groups` and `note`."""

from __future__ import annotations

import dataclasses
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.exceptions import OperationRefused
from passport_events.extension_points import Verb
from passport_events.management.verbs import DONE
from passport_events.management.verbs.arguments import add_selection, build_selection, parse_positive
from passport_events.management.verbs.output import Counter, describe_message, write_messages
from passport_events.models import MessageAttempt, ProcessedMessage, Status
from passport_events.models.status import FAILED
from passport_events.operating import audit_log, export, failure_groups
from passport_events.operating.audit_log import Actor
from passport_events.operating.explain import explain_failure
from passport_events.operating.failure_groups import FailureGroup, GroupFilter, find_fingerprint
from passport_events.operating.text import format_line

MAX_ATTEMPTS = 20
"""Failed attempts that `show` lists, the newest."""


def _add_list_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--failed", action="store_true", help="only dead and quarantined messages")
    add_selection(parser, Status.values)
    parser.add_argument("--limit", type=parse_positive, default=50, metavar="N", help="default: 50")
    parser.add_argument("--json", action="store_true", help="one JSON object on each line")
    parser.add_argument(
        "--export",
        choices=export.FORMATS,
        help=f"write a file with all of them, up to {export.MAX_EXPORTED:,}, the oldest first",
    )
    parser.add_argument("--payload", action="store_true", help="with --export: include personal data")
    parser.add_argument("--reason", default="", help="with --export: recorded in the audit log")


def _list(out: OutputWrapper, options: dict[str, Any]) -> int:
    if options["failed"] and options["status"]:
        raise OperationRefused("Give --failed or --status, not both.")
    selection = build_selection(options, FAILED if options["failed"] else ())
    if options["export"]:
        counter = Counter(None, "messages")
        for line in export.export_messages(
            selection,
            options["export"],
            Actor.from_command(),
            options["reason"],
            with_payload=options["payload"],
            progress=counter.show,
        ):
            out.write(line, ending="")
        counter.end()
        return DONE
    newest = selection.messages().defer("content", "merged").order_by("-pk")[: options["limit"]]
    if not write_messages(out, newest, as_json=options["json"]) and not options["json"]:
        out.write("No failed messages." if options["failed"] else "No such messages.")
    return DONE


def _add_show_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("id", type=parse_positive, metavar="ID", help="a message")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def _show(out: OutputWrapper, options: dict[str, Any]) -> int:
    message = ProcessedMessage.objects.filter(pk=options["id"]).defer("content", "merged").first()
    if message is None:
        raise OperationRefused(f"There is no message {options['id']}.")
    attempts = list(message.failures.defer("traceback").order_by("-pk")[:MAX_ATTEMPTS])
    cause = explain_failure(message, attempts[0] if attempts else None)
    facts = {
        **describe_message(message),
        "group": message.fingerprint,
        "generation": message.generation,
        "release": message.release,
        "error": dataclasses.asdict(cause),
        "failed_attempts": [_describe_attempt(attempt) for attempt in attempts],
    }
    if options["json"]:
        out.write(json.dumps(facts))
        return DONE
    for name, value in facts.items():
        if name not in ("error", "failed_attempts") and value not in (None, ""):
            out.write(f"{name:13} {format_line(value)}")
    if cause.error:
        parts = (cause.error, cause.text, f"at {cause.place}" if cause.place else "")
        out.write(f"{'error':13} {format_line(': '.join(filter(None, parts)), 500)}")
    for attempt in facts["failed_attempts"]:
        text = f"{attempt['ended_at']}  attempt {attempt['number']}  {attempt['outcome']}  {attempt['error']}"
        out.write(format_line(text, 300))
    return DONE


def _describe_attempt(attempt: MessageAttempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "generation": attempt.generation,
        "outcome": attempt.outcome,
        "error": attempt.error_class or attempt.error,
        "release": attempt.release,
        "ended_at": attempt.ended_at.isoformat(),
    }


def _add_group_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--event-type", metavar="TYPE", default="", help="only this event type")
    parser.add_argument("--organization", metavar="00D...", default="", help="only this organization")
    parser.add_argument(
        "--sort", choices=sorted(failure_groups.ORDERS), default="count", help="default: count"
    )
    parser.add_argument("--page", type=parse_positive, default=1, metavar="N", help="default: 1")
    parser.add_argument("--json", action="store_true", help="one JSON object on each line")


def _list_groups(out: OutputWrapper, options: dict[str, Any]) -> int:
    wanted = GroupFilter(event_type=options["event_type"], organization=options["organization"])
    found = failure_groups.find_groups(wanted, options["sort"], options["page"])
    newest = ProcessedMessage.objects.only("status", "reason").in_bulk(
        [group.newest for group in found.groups]
    )
    for group in found.groups:
        facts = _describe_group(group, newest.get(group.newest))
        if options["json"]:
            out.write(json.dumps(facts))
            continue
        types = ", ".join(group.event_types)
        counts = f"{group.failed:>7,} failed  {group.retrying:>7,} retrying"
        out.write(format_line(f"{group.fingerprint or '-':16}  {counts}  {types:14}  {facts['error']}", 300))
    if found.has_more and not options["json"]:
        out.write(f"More groups: --page {options['page'] + 1}")
    if not found.groups and not options["json"]:
        out.write("No failure groups.")
    return DONE


def _describe_group(group: FailureGroup, newest: ProcessedMessage | None) -> dict[str, Any]:
    attempt = newest.failures.defer("traceback").order_by("-pk").first() if newest else None
    return {
        "group": group.fingerprint,
        "failed": group.failed,
        "retrying": group.retrying,
        "event_types": group.event_types,
        "organizations": group.organizations,
        "first_seen": group.first_seen.isoformat() if group.first_seen else None,
        "last_seen": group.last_seen.isoformat() if group.last_seen else None,
        "newest": group.newest,
        "error": explain_failure(newest, attempt).error if newest else "",
    }


def _add_note_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("text", metavar="TEXT", help=f"at most {audit_log.MAX_NOTE_CHARACTERS} characters")
    parser.add_argument(
        "--group", metavar="HEX", required=True, help="a failure group; the first 8 characters are enough"
    )


def _note(out: OutputWrapper, options: dict[str, Any]) -> int:
    audit_log.add_note(find_fingerprint(options["group"]), options["text"], Actor.from_command())
    out.write("note: added")
    return DONE


LIST = Verb(
    "list",
    "List messages, the newest first, or export them. The payload is never shown.",
    "manage.py passport list --failed --event-type opportunity --limit 20",
    _add_list_arguments,
    _list,
)
SHOW = Verb(
    "show",
    "Show one message: status, error and failed attempts. The payload is never shown.",
    "manage.py passport show 4711",
    _add_show_arguments,
    _show,
)
GROUPS = Verb(
    "groups",
    "List failure groups: failed and retrying messages with the same error.",
    "manage.py passport groups --event-type opportunity",
    _add_group_arguments,
    _list_groups,
)
NOTE = Verb(
    "note",
    "Add a note to a failure group. It stays when the messages are retried.",
    'manage.py passport note --group 9f86d081 "fixed in release 41"',
    _add_note_arguments,
    _note,
)
VERBS = (LIST, SHOW, GROUPS, NOTE)
