"""`passport messages`: what is in the inbox."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.management.verbs import DONE, listing
from passport_events.management.verbs.arguments import positive
from passport_events.management.verbs.progress import Counter
from passport_events.management.verbs.selecting import add_selection, selection
from passport_events.models import Status
from passport_events.operating import export
from passport_events.operating.audit_log import Actor

HELP = "List messages, the newest first, or export them. Never shows what an event says unless told to."
EXAMPLE = "manage.py passport messages --status waiting --type opportunity --limit 20"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    add_selection(parser, Status.values)
    parser.add_argument("--limit", type=positive, default=50, metavar="N", help="default: 50")
    parser.add_argument("--json", action="store_true", help="one JSON object on each line")
    parser.add_argument(
        "--export", choices=export.FORMATS, help=f"all of them, up to {export.MAX_EXPORTED:,}, oldest first"
    )
    parser.add_argument(
        "--payload", action="store_true", help="with --export: with what events say, which is student data"
    )
    parser.add_argument("--reason", default="", help="with --export: kept in the journal")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """List, or export."""
    wanted = selection(options)
    if options["export"]:
        return _export(out, options)
    newest = wanted.messages().defer("content", "merged").order_by("-pk")[: options["limit"]]
    count = listing.write(out, newest, as_json=options["json"])
    if not count and not options["json"]:
        out.write("No such messages.")
    return DONE


def _export(out: OutputWrapper, options: dict[str, Any]) -> int:
    counter = Counter(None, "messages")
    lines = export.export_messages(
        selection(options),
        options["export"],
        Actor.from_command(),
        options["reason"],
        with_payload=options["payload"],
        progress=counter.show,
    )
    for line in lines:
        out.write(line, ending="")
    counter.end()
    return DONE
