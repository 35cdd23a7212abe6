"""`passport reprocess`: parse stored bytes again, with today's settings and organizations."""

from __future__ import annotations

import dataclasses
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.exceptions import OperationRefused
from passport_events.extension_points import Verb
from passport_events.management.verbs import DONE, TROUBLE
from passport_events.management.verbs.arguments import add_selection, build_exact_selection
from passport_events.management.verbs.run_operation import add_run_flags, report, run_operation
from passport_events.models import Status
from passport_events.operating.operations import REPROCESS
from passport_events.operating.organizations import find_organization, select_held_messages
from passport_events.operating.reprocess import ReprocessPreview, preview_reprocess
from passport_events.operating.selection import count

HELD = (Status.QUARANTINED, Status.IGNORED)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    add_selection(parser, HELD, with_ids=True)
    parser.add_argument("--preview", action="store_true", help="say what would happen, and change nothing")
    add_run_flags(parser, reason="recorded in the audit log")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """Reprocess. No held message is success; a message that stays held is trouble."""
    if options["organization"]:
        select_held_messages(find_organization(options["organization"]))  # refused while it is off
    selection = build_exact_selection(options, HELD, "reprocess")
    if options["preview"]:
        return _preview(out, preview_reprocess(selection), as_json=options["json"])
    if not REPROCESS.filter_eligible(selection.messages()).exists():
        if options["ids"]:
            raise OperationRefused("None of these messages is held with bytes that can be parsed again.")
        report(out, "reprocess", REPROCESS, None, as_json=options["json"])
        return DONE
    code = run_operation(out, REPROCESS, selection, options, "reprocess")
    left = 0 if options["detach"] else count(REPROCESS.filter_eligible(selection.messages()))
    if left and not options["json"]:
        out.write(f"{left} are still held. See why: manage.py passport list --status quarantined")
    return TROUBLE if left else code


def _preview(out: OutputWrapper, seen: ReprocessPreview, *, as_json: bool) -> int:
    if as_json:
        out.write(json.dumps(dataclasses.asdict(seen)))
        return DONE if seen.messages else TROUBLE
    more = " or more" if seen.is_capped else ""
    gone = f"; {seen.without_bytes} cannot, their bytes were purged" if seen.without_bytes else ""
    out.write(f"reprocess: {seen.messages}{more} messages would be parsed again{gone}")
    if seen.read:
        out.write(f"Of the newest {seen.read}:")
    for what, number in seen.would.items():
        out.write(f"  {number:>9,}  would {what}")
    if seen.added:
        out.write(f"  {seen.added:>9,}  would be added, from deliveries of several events")
    out.write("Nothing was changed.")
    return DONE if seen.messages else TROUBLE


VERBS = (
    Verb(
        "reprocess",
        "Parse the stored bytes of held messages again: quarantined ones, and those of an organization that "
        "was off. Messages that cannot be parsed stay quarantined, with the new reason.",
        'manage.py passport reprocess --organization 00D5f000000CabWEAS --reason "added today"',
        add_arguments,
        run,
    ),
)
