"""`passport replay`: run finished messages again, succeeded ones too; preview and dry run."""

from __future__ import annotations

import dataclasses
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.extension_points import Verb
from passport_events.management.verbs import DONE, TROUBLE
from passport_events.management.verbs.arguments import (
    add_selection,
    build_selection,
    parse_positive,
    require_reason,
)
from passport_events.management.verbs.run_operation import add_run_flags, run_operation
from passport_events.models import Status
from passport_events.operating.audit_log import Actor
from passport_events.operating.dry_run import MAX_MESSAGES, DryRun, DryRunMessage, execute_dry_run
from passport_events.operating.operations import REPLAY, REPLAYABLE
from passport_events.operating.replay import ReplayPreview, predict, preview_replay
from passport_events.operating.selection import MAX_LOOKBACK_MESSAGES, Selection
from passport_events.operating.text import format_line


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    add_selection(parser, REPLAYABLE)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--yes", action="store_true", help="replay; without it only a preview")
    how.add_argument(
        "--preview", action="store_true", help="count the messages, and predict what happens to the newest"
    )
    how.add_argument(
        "--dry-run",
        type=parse_positive,
        metavar="N",
        help=f"run the handler against the newest N, up to {MAX_MESSAGES}, and roll back",
    )
    add_run_flags(parser, reason="recorded in the audit log; required with --yes")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """Preview, run a dry run, or replay."""
    selection = build_selection(options, (Status.SUCCEEDED,))
    REPLAY.check_selection(selection)
    if options["dry_run"]:
        return _run_dry(out, selection, options)
    if not options["yes"]:
        return _preview(out, selection, options)
    require_reason(options)
    return run_operation(out, REPLAY, selection, options, "replay")


def _preview(out: OutputWrapper, selection: Selection, options: dict[str, Any]) -> int:
    preview = preview_replay(selection)
    prediction = predict(REPLAY, selection)
    if options["json"]:
        facts = {**dataclasses.asdict(preview), "prediction": dataclasses.asdict(prediction)}
        out.write(json.dumps(facts, default=str))
        return DONE if preview.messages else TROUBLE
    _write_preview(out, preview)
    if prediction.read:
        out.write(f"Of the newest {prediction.read}:")
    for what, number in prediction.would.items():
        out.write(f"  {number:>9,}  would {what}")
    if not selection.is_found_by_index:
        out.write(
            f"Only the newest {MAX_LOOKBACK_MESSAGES:,} messages were counted; --yes replays all. "
            "Add --since to count all."
        )
    out.write("Nothing was changed. To replay: --yes, and --reason.")
    return DONE if preview.messages else TROUBLE


def _write_preview(out: OutputWrapper, preview: ReplayPreview) -> None:
    more = " or more" if preview.is_capped else ""
    redacted = f"; {preview.redacted} cannot, their content is redacted" if preview.redacted else ""
    out.write(f"replay: {preview.messages}{more} messages would run again{redacted}")
    for name, number in preview.by_type.items():
        out.write(f"  {number:>9,}  {name}")
    if preview.first and preview.last:
        first, last = (f"{moment:%Y-%m-%d %H:%M:%S %Z}" for moment in (preview.first, preview.last))
        out.write(f"They finished from {first} to {last}.")
    if preview.without_handler:
        names = ", ".join(preview.without_handler)
        out.write(f"No handler for {names}: these messages would only be merged again.")
    if preview.not_live:
        out.write(f"No handler is called for {', '.join(preview.not_live)}: not live.")


def _run_dry(out: OutputWrapper, selection: Selection, options: dict[str, Any]) -> int:
    found = execute_dry_run(selection, Actor.from_command(), options["dry_run"])
    if options["json"]:
        messages = [_describe_result(message) for message in found.messages]
        out.write(json.dumps({"messages": messages, "different": found.different, "is_cut": found.is_cut}))
    else:
        _write_dry_run(out, found)
    return DONE if found.messages else TROUBLE


def _write_dry_run(out: OutputWrapper, found: DryRun) -> None:
    for message in found.messages:
        mark = "differs" if message.is_different else "same"
        now = f"{message.result} {message.reason}".strip()
        was = f"{message.previous_result} {message.previous_reason}".strip()
        fields = f"; record fields: {', '.join(message.record_fields)}" if message.record_fields else ""
        text = f"{message.message:>10}  {mark:7}  {now}; was {was}; {message.writes.describe()}{fields}"
        out.write(format_line(text, 500))
    cut = "; the time limit ended it early" if found.is_cut else ""
    count = len(found.messages)
    out.write(f"dry run: {count} messages, {found.different} would differ{cut}. Everything was rolled back.")


def _describe_result(message: DryRunMessage) -> dict[str, Any]:
    facts = {field.name: getattr(message, field.name) for field in dataclasses.fields(message)}
    return {**facts, "is_different": message.is_different, "writes": message.writes.to_json()}


VERBS = (
    Verb(
        "replay",
        "Run finished messages again in a new generation. Without --yes it is a preview.",
        "manage.py passport replay --event-type opportunity --release 41 --since 2026-11-22T08:00Z "
        '--reason "41 forgot the fee" --yes',
        add_arguments,
        run,
    ),
)
