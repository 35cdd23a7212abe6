"""Run an operation from a terminal: start it, wait for its end, report it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.exceptions import NothingToDo
from passport_events.management.verbs import DONE, TROUBLE
from passport_events.management.verbs.arguments import parse_positive
from passport_events.management.verbs.output import Counter
from passport_events.models import OperatorAction, Progress
from passport_events.operating import runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import Operation
from passport_events.operating.outcomes import OperationOutcomes, count_outcomes
from passport_events.operating.selection import MAX_COUNTED, Selection
from passport_events.operating.text import format_line


def add_run_flags(parser: ArgumentParser, *, reason: str = "recorded in the audit log; required") -> None:
    """Declare the flags of a verb that runs an operation."""
    parser.add_argument("--reason", default="", help=reason)
    parser.add_argument("--per-minute", type=parse_positive, metavar="N", help="rate limit")
    parser.add_argument(
        "--detach", action="store_true", help="do not wait: pollers, workers and dispatchers go on with it"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run_operation(
    out: OutputWrapper, operation: Operation, selection: Selection, options: dict[str, Any], verb: str
) -> int:
    """Start the operation and wait for its end, unless it is detached; returns the exit code."""
    try:
        action = runner.submit(
            operation,
            selection,
            Actor.from_command(),
            options["reason"],
            options["per_minute"],
            everything=options.get("all", False),
        )
    except NothingToDo:
        report(out, verb, operation, None, as_json=options["json"], named=len(selection.ids))
        return TROUBLE
    if not options["detach"]:
        wait_for(action)
    report(out, verb, operation, action, as_json=options["json"], named=len(selection.ids))
    is_done = action.progress == Progress.DONE and action.affected >= max(1, len(selection.ids))
    return DONE if options["detach"] or is_done else TROUBLE


def wait_for(action: OperatorAction) -> None:
    """Take the steps and count on the terminal until the end or a pause. Ctrl-C ends only the waiting."""
    is_known = action.total is not None and action.total < MAX_COUNTED
    counter = Counter(action.total if is_known else None, "messages")
    try:
        runner.follow(action, counter.show)
    except KeyboardInterrupt:
        action.refresh_from_db()
    finally:
        counter.end()


def report(
    out: OutputWrapper,
    verb: str,
    operation: Operation,
    action: OperatorAction | None,
    *,
    as_json: bool,
    named: int = 0,
) -> None:
    """Write one line, or one JSON object. `named` is the number of messages that were named by id."""
    if as_json:
        facts = {"affected": 0}
        if action is not None:
            facts = describe_action(action, count_outcomes([action]).get(action.pk))
        out.write(json.dumps(facts))
        return
    affected = action.affected if action else 0
    line = f"{verb}: {affected} {operation.done}"
    if action is not None and action.progress != Progress.DONE:
        line += f"; {_describe_progress(action)}. See: manage.py passport operations"
    elif named > affected:
        line += f", {named - affected} unchanged"
    out.write(line)


def _describe_progress(action: OperatorAction) -> str:
    if action.progress is None:
        return ""
    text = f"operation {action.pk} is {action.progress.label}"
    return f"{text}: {format_line(action.failure)}" if action.failure else text


def describe_action(action: OperatorAction, outcomes: OperationOutcomes | None) -> dict[str, Any]:
    """An operation for programs."""
    return {
        "operation": action.pk,
        "kind": action.kind,
        "progress": action.progress,
        "affected": action.affected,
        "total": action.total,
        "is_capped": (action.total or 0) >= MAX_COUNTED,
        "per_minute": action.per_minute,
        "selection": action.selection,
        "actor": action.actor_name,
        "reason": action.reason,
        "failure": action.failure,
        "created_at": action.created_at.isoformat(),
        "ended_at": action.ended_at.isoformat() if action.ended_at else None,
        "ended_by": action.ended_by,
        "outcomes": outcomes.to_json() if outcomes else None,
    }
