"""`passport operations`: list the audit log; pause, resume, cancel and wait for running operations."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.exceptions import OperationRefused
from passport_events.extension_points import Verb
from passport_events.management.verbs import DONE, TROUBLE
from passport_events.management.verbs.arguments import parse_positive
from passport_events.management.verbs.run_operation import describe_action, wait_for
from passport_events.models import OperatorAction, Progress
from passport_events.operating import runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.outcomes import count_outcomes
from passport_events.operating.selection import MAX_COUNTED
from passport_events.operating.text import format_line

TRANSITIONS: Mapping[str, tuple[Callable[[OperatorAction, Actor], bool], str]] = {
    "pause": (runner.pause, "paused"),
    "resume": (runner.resume, "resumed"),
    "cancel": (runner.cancel, "cancelled"),
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--pause", type=parse_positive, metavar="ID", help="take no further step")
    which.add_argument("--resume", type=parse_positive, metavar="ID", help="continue a paused operation")
    which.add_argument("--cancel", type=parse_positive, metavar="ID", help="end it; changed messages stay so")
    which.add_argument("--wait", type=parse_positive, metavar="ID", help="work on it here until its end")
    parser.add_argument("--active", action="store_true", help="list only running and paused operations")
    parser.add_argument("--limit", type=parse_positive, default=20, metavar="N", help="default: 20")
    parser.add_argument("--json", action="store_true", help="one JSON object on each line")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """List, change the state of one, or wait for one."""
    for name, (change, done) in TRANSITIONS.items():
        if options[name]:
            action = _find(options[name])
            is_done = change(action, Actor.from_command())
            prefix = f"{done}: " if is_done else f"not {done}: "
            _write(out, [action], as_json=options["json"], prefix=prefix)
            return DONE if is_done else TROUBLE
    if options["wait"]:
        action = _find(options["wait"])
        wait_for(action)
        _write(out, [action], as_json=options["json"])
        return DONE if action.progress == Progress.DONE else TROUBLE
    actions = OperatorAction.objects.unfinished() if options["active"] else OperatorAction.objects.all()
    _write(out, list(actions.order_by("-pk")[: options["limit"]]), as_json=options["json"])
    return DONE


def _find(pk: int) -> OperatorAction:
    action = OperatorAction.objects.filter(pk=pk).first()
    if action is None or action.progress is None:
        raise OperationRefused(f"There is no operation {pk} that runs in steps. See: passport operations")
    return action


def _write(out: OutputWrapper, actions: list[OperatorAction], *, as_json: bool, prefix: str = "") -> None:
    outcomes = count_outcomes(actions)
    for action in actions:
        found = outcomes.get(action.pk)
        if as_json:
            out.write(json.dumps(describe_action(action, found)))
            continue
        out.write(f"{prefix}{_format_action(action)}")
        if str(found or ""):
            out.write(f"{'':8}results: {found}")


def _format_action(action: OperatorAction) -> str:
    total = "" if action.total is None else f" of {action.total:,}"
    more = "+" if (action.total or 0) >= MAX_COUNTED else ""
    state = action.progress.label if action.progress else "done"
    text = f"{action.pk:>6}  {action.kind:9} {state:10} {action.affected:,}{total}{more}"
    who = f"{format_line(action.actor_name)}: {format_line(action.reason)}".rstrip(": ")
    return f"{text}  {who}  {format_line(action.failure)}".rstrip()


VERBS = (
    Verb(
        "operations",
        "List the audit log, the newest first; or pause, resume, cancel or wait for a running operation.",
        "manage.py passport operations --pause 17",
        add_arguments,
        run,
    ),
)
