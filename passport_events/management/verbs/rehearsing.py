"""What a rehearsal found, on a terminal or as JSON."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.management.verbs import DONE, TROUBLE
from passport_events.operating.audit_log import Actor
from passport_events.operating.dry_run import DryRun, DryRunMessage, execute_dry_run
from passport_events.operating.selection import Selection
from passport_events.operating.text import format_line


def run(out: OutputWrapper, selection: Selection, most: int, *, as_json: bool) -> int:
    """Rehearse; 1 where there was nothing to rehearse."""
    found = execute_dry_run(selection, Actor.from_command(), most)
    if as_json:
        out.write(json.dumps(_facts(found)))
    else:
        _write(out, found)
    return DONE if found.messages else TROUBLE


def _write(out: OutputWrapper, found: DryRun) -> None:
    for message in found.messages:
        mark = "differs" if message.is_different else "same"
        now = f"{message.would} {message.why}".strip()
        was = f"{message.was} {message.was_why}".strip()
        wrote = message.written.describe()
        mirror = f"; mirror: {', '.join(message.mirror)}" if message.mirror else ""
        out.write(format_line(f"{message.message:>10}  {mark:7}  {now}; was {was}; {wrote}{mirror}", 500))
    cut = "; time ran out before the rest" if found.is_cut else ""
    out.write(
        f"rehearse: {len(found.messages)} messages, {found.different} would differ{cut}. "
        "All of it was rolled back."
    )


def _facts(found: DryRun) -> dict[str, Any]:
    return {
        "messages": [_message(message) for message in found.messages],
        "different": found.different,
        "is_cut": found.is_cut,
    }


def _message(message: DryRunMessage) -> dict[str, Any]:
    facts = {field.name: getattr(message, field.name) for field in dataclasses.fields(message)}
    return {**facts, "is_different": message.is_different, "written": message.written.to_json()}
