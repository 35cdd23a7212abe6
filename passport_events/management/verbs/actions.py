"""`passport actions`: what operators did and what still goes on; pause, resume, cancel, follow."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.exceptions import OperationRefused
from passport_events.management.verbs import DONE, TROUBLE, carrying_out
from passport_events.management.verbs.arguments import positive
from passport_events.models import OperatorAction, Progress
from passport_events.operating import runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.outcomes import count_outcomes
from passport_events.operating.selection import MAX_COUNTED
from passport_events.operating.text import format_line

HELP = "List what operators did, the newest first; or pause, resume, cancel or follow what still goes on."
EXAMPLE = "manage.py passport actions --pause 17"
STEERING: Mapping[str, tuple[Callable[[OperatorAction, Actor], bool], str]] = {
    "pause": (runner.pause, "paused"),
    "resume": (runner.resume, "resumed"),
    "cancel": (runner.cancel, "cancelled"),
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--pause", type=positive, metavar="ID", help="take no step from now on")
    which.add_argument("--resume", type=positive, metavar="ID", help="go on where it was")
    which.add_argument("--cancel", type=positive, metavar="ID", help="for good; what was changed stays so")
    which.add_argument("--follow", type=positive, metavar="ID", help="work on it here until it is over")
    parser.add_argument("--unfinished", action="store_true", help="list only what goes on or is paused")
    parser.add_argument("--limit", type=positive, default=20, metavar="N", help="default: 20")
    parser.add_argument("--json", action="store_true", help="one JSON object on each line")


def run(out: OutputWrapper, options: dict[str, Any]) -> int:
    """List, steer or follow."""
    for name, (verb, done) in STEERING.items():
        if options[name]:
            action = _find(options[name])
            is_done = verb(action, Actor.from_command())
            before = done if is_done else f"not {done}"
            _write(out, [action], as_json=options["json"], before=before)
            return DONE if is_done else TROUBLE
    if options["follow"]:
        action = _find(options["follow"])
        carrying_out.follow(action)
        _write(out, [action], as_json=options["json"])
        return DONE if action.progress == Progress.DONE else TROUBLE
    actions = OperatorAction.objects.unfinished() if options["unfinished"] else OperatorAction.objects.all()
    _write(out, list(actions.order_by("-pk")[: options["limit"]]), as_json=options["json"])
    return DONE


def _find(pk: int) -> OperatorAction:
    action = OperatorAction.objects.filter(pk=pk).first()
    if action is None or action.progress is None:
        raise OperationRefused(f"There is no action {pk} that is worked in steps. See: passport actions")
    return action


def _write(out: OutputWrapper, actions: list[OperatorAction], *, as_json: bool, before: str = "") -> None:
    stands = count_outcomes(actions)
    for action in actions:
        found = stands.get(action.pk)
        if as_json:
            out.write(json.dumps(carrying_out.facts(action, found)))
            continue
        out.write(f"{before + ': ' if before else ''}{_line(action)}")
        if str(found or ""):
            out.write(f"{'':8}now: {found}")


def _line(action: OperatorAction) -> str:
    total = "" if action.total is None else f" of {action.total:,}"
    more = "+" if (action.total or 0) >= MAX_COUNTED else ""
    state = action.progress.label if action.progress else "done at once"
    said = f"{action.pk:>6}  {action.kind:9} {state:10} {action.affected:,}{total}{more}"
    who = f"{format_line(action.actor_name)}: {format_line(action.reason)}".rstrip(": ")
    return f"{said}  {who}  {format_line(action.failure)}".rstrip()
