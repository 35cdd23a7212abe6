"""Starting an action that is worked in steps, and following it from a terminal."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any, NamedTuple

from django.core.management.base import OutputWrapper

from passport_events.exceptions import NothingToDo
from passport_events.management.verbs import DONE, TROUBLE
from passport_events.management.verbs.arguments import positive
from passport_events.management.verbs.progress import Counter
from passport_events.models import OperatorAction, Progress
from passport_events.operating import runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import Operation
from passport_events.operating.outcomes import Outcomes, count_outcomes
from passport_events.operating.selection import MAX_COUNTED, Selection
from passport_events.operating.text import format_line


class Words(NamedTuple):
    """How a verb speaks of what it does."""

    verb: str
    done: str
    """What happened to how many messages, like `sent back`."""


def add_pace(parser: ArgumentParser) -> None:
    """Declare how fast, and who does it."""
    parser.add_argument("--per-minute", type=positive, metavar="N", help="at most so many messages a minute")
    parser.add_argument(
        "--background", action="store_true", help="start only; pollers, workers and dispatchers do it"
    )


def carry_out(
    out: OutputWrapper, words: Words, change: Operation, selection: Selection, options: dict[str, Any]
) -> int:
    """Start it, and follow it to its end unless it shall go on in the background; the exit code."""
    try:
        action = runner.start(
            change,
            selection,
            Actor.from_command(),
            options.get("reason", ""),
            options["per_minute"],
            everything=options.get("all", False),
        )
    except NothingToDo:
        report(out, words, None, as_json=options["json"])
        return TROUBLE
    if not options["background"]:
        follow(action)
    report(out, words, action, as_json=options["json"])
    is_done = action.progress == Progress.DONE and action.affected > 0
    return DONE if options["background"] or is_done else TROUBLE


def follow(action: OperatorAction) -> None:
    """Count on the terminal until it is over or paused. An interrupt only ends the following."""
    is_known = action.total is not None and action.total < MAX_COUNTED
    counter = Counter(action.total if is_known else None, "messages")
    try:
        runner.follow(action, counter.show)
    except KeyboardInterrupt:
        action.refresh_from_db()
    finally:
        counter.end()


def report(out: OutputWrapper, words: Words, action: OperatorAction | None, *, as_json: bool) -> None:
    """One line, or one JSON object."""
    if as_json:
        out.write(
            json.dumps(facts(action, count_outcomes([action]).get(action.pk)) if action else {"affected": 0})
        )
        return
    line = f"{words.verb}: {action.affected if action else 0} {words.done}"
    if action is not None and action.progress != Progress.DONE:
        line += f"; {state(action)}. See: manage.py passport actions"
    out.write(line)


def state(action: OperatorAction) -> str:
    """How it stands, for people."""
    if action.progress is None:
        return ""
    said = f"action {action.pk} is {action.progress.label}"
    return f"{said}: {format_line(action.failure)}" if action.failure else said


def facts(action: OperatorAction, stands: Outcomes | None) -> dict[str, Any]:
    """For programs."""
    return {
        "action": action.pk,
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
        "now": stands.to_json() if stands else None,
    }
