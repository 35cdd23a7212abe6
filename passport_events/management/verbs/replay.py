"""`passport replay`: run again what has ended, what succeeded included."""

from __future__ import annotations

import dataclasses
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.management.verbs import DONE, TROUBLE, carrying_out, rehearsing
from passport_events.management.verbs.arguments import positive, require_reason
from passport_events.management.verbs.carrying_out import Words
from passport_events.management.verbs.selecting import add_selection, selection
from passport_events.models import Status
from passport_events.operating.dry_run import MAX_MESSAGES
from passport_events.operating.replay import REPLAY, REPLAYABLE, ReplayPreview, predict, preview_replay
from passport_events.operating.selection import MAX_LOOKBACK_MESSAGES, Selection

HELP = "Run messages again that have ended, in a new generation. Without --yes it only says what it would do."
EXAMPLE = (
    "manage.py passport replay --type opportunity --release 41 --since 2026-11-22T08:00Z "
    '--reason "41 forgot the fee" --yes'
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    add_selection(parser, REPLAYABLE)
    parser.add_argument("--reason", default="", help="kept in the journal; required with --yes")
    parser.add_argument("--yes", action="store_true", help="do it")
    carrying_out.add_pace(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="read the newest, and see who would handle them now"
    )
    parser.add_argument(
        "--rehearse",
        type=positive,
        metavar="N",
        help=f"run the handler against the newest N, up to {MAX_MESSAGES}, undone: what would differ",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """Say what would happen, or let it happen."""
    meant = selection(options, (Status.SUCCEEDED,))
    REPLAY.check(meant)
    if options["rehearse"]:
        return rehearsing.run(out, meant, options["rehearse"], as_json=options["json"])
    if options["dry_run"]:
        return _dry_run(out, meant, as_json=options["json"])
    if options["yes"]:
        require_reason(options)
        words = Words("replay", "messages wait to run again")
        return carrying_out.carry_out(out, words, REPLAY, meant, options)
    seen = preview_replay(meant)
    _write(out, seen, as_json=options["json"])
    if not (meant.is_found_by_index or options["json"]):
        out.write(
            f"Only the newest {MAX_LOOKBACK_MESSAGES:,} messages were looked at; --yes takes all. "
            "Say --since for all."
        )
    return DONE if seen.messages else TROUBLE


def _dry_run(out: OutputWrapper, meant: Selection, *, as_json: bool) -> int:
    found = predict(REPLAY, meant)
    if as_json:
        out.write(json.dumps(dataclasses.asdict(found)))
    else:
        out.write(f"replay: {found.read} messages were read; they would")
        for what, count in found.would.items():
            out.write(f"  {count:>9,}  {what}")
    return DONE if found.read else TROUBLE


def _write(out: OutputWrapper, seen: ReplayPreview, *, as_json: bool) -> None:
    if as_json:
        out.write(json.dumps(dataclasses.asdict(seen), default=str))
        return
    more = " or more" if seen.is_capped else ""
    out.write(f"replay: {seen.messages}{more} messages would run again" + _also(seen))
    for name, count in seen.by_type.items():
        out.write(f"  {count:>9,}  {name}")
    if seen.first and seen.last:
        out.write(f"They ended from {seen.first:%Y-%m-%d %H:%M:%S %Z} to {seen.last:%Y-%m-%d %H:%M:%S %Z}.")
    if seen.without_handler:
        out.write(f"Nothing handles {', '.join(seen.without_handler)} now: those would only be merged again.")
    if seen.not_live:
        out.write(f"No handler is called for {', '.join(seen.not_live)}: not live.")
    out.write("Nothing was changed. To do it: --yes, and --reason.")


def _also(seen: ReplayPreview) -> str:
    return f"; {seen.redacted} cannot, their content is gone" if seen.redacted else ""
