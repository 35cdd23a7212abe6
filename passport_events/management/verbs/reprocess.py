"""`passport reprocess`: parse stored bytes again, with today's settings and organizations."""

from __future__ import annotations

import dataclasses
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.exceptions import OperationRefused
from passport_events.management.verbs import DONE, TROUBLE, carrying_out
from passport_events.management.verbs.arguments import positive
from passport_events.management.verbs.carrying_out import Words
from passport_events.management.verbs.selecting import add_selection, selection
from passport_events.models import Status
from passport_events.operating.organizations import find_organization, select_held_messages
from passport_events.operating.reprocess import REPROCESS, ReprocessPreview, preview_reprocess
from passport_events.operating.selection import Selection, count

HELP = (
    "Read the stored bytes of messages that are held back again: quarantined ones, and those of an "
    "organization that was off. What cannot be read today stays quarantined, with the reason of today."
)
EXAMPLE = 'manage.py passport reprocess --organization 00D5f000000CabWEAS --reason "added today"'
HELD = (Status.QUARANTINED, Status.IGNORED)
WORDS = Words("reprocess", "messages reprocessed")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("ids", nargs="*", type=positive, metavar="ID", help="messages, by number")
    add_selection(parser, HELD)
    parser.add_argument("--all", action="store_true", help="without any of these: every one")
    parser.add_argument("--preview", action="store_true", help="say what would happen, and change nothing")
    parser.add_argument("--reason", default="", help="recorded in the audit log")
    carrying_out.add_pace(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """Reprocess. That nothing is held back is no trouble; that something stays held back is."""
    meant = _meant(options)
    if options["preview"]:
        return _preview(out, preview_reprocess(meant), as_json=options["json"])
    if not REPROCESS.filter_eligible(meant.messages()).exists():
        if options["ids"]:
            raise OperationRefused("None of these is held back with bytes that can be read again.")
        carrying_out.report(out, WORDS, None, as_json=options["json"])
        return DONE
    code = carrying_out.carry_out(out, WORDS, REPROCESS, meant, options)
    left = 0 if options["background"] else count(REPROCESS.filter_eligible(meant.messages()))
    if left and not options["json"]:
        out.write(f"{left} are still held back. Why: manage.py passport dead-letters --status quarantined")
    return TROUBLE if left else code


def _meant(options: dict[str, Any]) -> Selection:
    """Raises OperationRefused without a filter or --all, and for an organization that is off."""
    if options["organization"]:
        select_held_messages(find_organization(options["organization"]))
    meant = dataclasses.replace(
        selection(options, () if options["ids"] else HELD), ids=tuple(sorted(set(options["ids"])))
    )
    if not meant.is_narrow and not options["all"]:
        raise OperationRefused("Refusing to reprocess everything: add a filter, or --all.")
    return meant


def _preview(out: OutputWrapper, seen: ReprocessPreview, *, as_json: bool) -> int:
    if as_json:
        out.write(json.dumps(dataclasses.asdict(seen)))
        return DONE if seen.messages else TROUBLE
    more = " or more" if seen.is_capped else ""
    gone = f"; {seen.without_bytes} cannot, their bytes are gone" if seen.without_bytes else ""
    out.write(f"reprocess: {seen.messages}{more} messages would be read again{gone}")
    if seen.read:
        out.write(f"Of the newest {seen.read}:")
    for what, number in seen.would.items():
        out.write(f"  {number:>9,}  would {what}")
    if seen.added:
        out.write(f"  {seen.added:>9,}  would be added, from deliveries of several events")
    out.write("Nothing was changed.")
    return DONE if seen.messages else TROUBLE
