"""`passport replay`: run again what has ended, what succeeded included."""

from __future__ import annotations

import dataclasses
import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import OutputWrapper
from django.utils import timezone

from passport_events.exceptions import OperationRefused
from passport_events.management.verbs import DONE, TROUBLE
from passport_events.management.verbs.arguments import record
from passport_events.management.verbs.progress import Counter
from passport_events.models import Status
from passport_events.operating.actor import Actor
from passport_events.operating.release import find_organization
from passport_events.operating.replay import REPLAYABLE, Preview, Selection, preview, replay

HELP = "Run messages again that have ended, in a new generation. Without --yes it only says what it would do."
EXAMPLE = (
    "manage.py passport replay --type opportunity --release 41 --since 2026-11-22T08:00Z "
    '--reason "41 forgot the fee" --yes'
)


def moment(text: str) -> datetime:
    """A time of day in ISO 8601; without an offset it is the project's own."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError("must be a time like 2026-11-22T08:00Z") from error
    return timezone.make_aware(found) if found.tzinfo is None else found


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--type", metavar="TYPE", default="", help="an event type")
    parser.add_argument("--organization", metavar="00D...", help="Salesforce's id of it")
    parser.add_argument("--record", type=record, metavar="ID", help="Salesforce's id of a record")
    parser.add_argument("--release", metavar="RELEASE", default="", help="ended by this release of your code")
    parser.add_argument("--since", type=moment, metavar="TIME", help="ended at or after it")
    parser.add_argument("--until", type=moment, metavar="TIME", help="ended before it")
    parser.add_argument(
        "--status",
        choices=REPLAYABLE,
        action="append",
        help="may be given several times (default: succeeded)",
    )
    parser.add_argument("--reason", default="", help="kept in the journal; required with --yes")
    parser.add_argument("--yes", action="store_true", help="do it")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """Say what would happen, or let it happen."""
    selection = _selection(options)
    seen = preview(selection)
    if not options["yes"]:
        _write(out, seen, as_json=options["json"])
        return DONE if seen.messages else TROUBLE
    if not options["reason"].strip():
        raise OperationRefused("To replay, say why: --reason.")
    counter = Counter(seen.messages, "messages")
    done = replay(selection, Actor.of_command(), options["reason"], counter.show)
    counter.end()
    if options["json"]:
        out.write(json.dumps({"replayed": done, "redacted": seen.redacted}))
    else:
        out.write(f"replay: {done} messages wait to run again" + _also(seen))
    return DONE if done else TROUBLE


def _selection(options: dict[str, Any]) -> Selection:
    named = options["organization"]
    selection = Selection(
        event_type=options["type"],
        organization=find_organization(named) if named else None,
        record_id=options["record"] or "",
        release=options["release"],
        since=options["since"],
        until=options["until"],
    )
    if options["status"]:
        selection = dataclasses.replace(selection, statuses=tuple(map(Status, options["status"])))
    if not any((named, *(options[name] for name in ("type", "record", "release", "since", "until")))):
        raise OperationRefused("Everything that ever succeeded is hardly meant. Say which: --help.")
    return selection


def _write(out: OutputWrapper, seen: Preview, *, as_json: bool) -> None:
    if as_json:
        out.write(json.dumps(dataclasses.asdict(seen), default=str))
        return
    out.write(f"replay: {seen.messages} messages would run again" + _also(seen))
    for name, count in seen.by_type.items():
        out.write(f"  {count:>9,}  {name}")
    if seen.first and seen.last:
        out.write(f"They ended from {seen.first:%Y-%m-%d %H:%M:%S %Z} to {seen.last:%Y-%m-%d %H:%M:%S %Z}.")
    if seen.without_handler:
        out.write(f"Nothing handles {', '.join(seen.without_handler)} now: those would only be merged again.")
    if seen.not_live:
        out.write(f"No handler is called for {', '.join(seen.not_live)}: not live.")
    out.write("Nothing was changed. To do it: --yes, and --reason.")


def _also(seen: Preview) -> str:
    return f"; {seen.redacted} cannot, their content is gone" if seen.redacted else ""
