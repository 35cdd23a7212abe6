"""Pausing, resuming and cancelling an action that is worked in steps, and following it to its end."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db import transaction

from passport_events.models import OperatorAction
from passport_events.operating import background, journal
from passport_events.operating.actor import Actor

NAP_SECONDS = 0.2


def pause(action: OperatorAction, actor: Actor) -> bool:
    """Take no step from now on. False when it was paused or over already."""
    return _steer(action, actor, "pause", OperatorAction.objects.filter(pk=action.pk).pause)


def resume(action: OperatorAction, actor: Actor) -> bool:
    """Go on where it was. False when it was not paused."""
    return _steer(action, actor, "resume", OperatorAction.objects.filter(pk=action.pk).resume)


def cancel(action: OperatorAction, actor: Actor) -> bool:
    """Take no step any more; what was changed stays so. False when it was over already."""
    rows = OperatorAction.objects.filter(pk=action.pk)
    return _steer(action, actor, "cancel", lambda: rows.cancel(actor.name))


def _steer(action: OperatorAction, actor: Actor, word: str, verb: Callable[[], int]) -> bool:
    with transaction.atomic(using=journal.database()):
        is_done = bool(verb())
        if is_done:
            journal.tell(f"{word} of {action.kind} {action.pk}", actor)
    action.refresh_from_db()
    return is_done


def follow(action: OperatorAction, progress: Callable[[int], None] = lambda done: None) -> OperatorAction:
    """Take the steps here until it is over or somebody paused it; others may take some, too.

    Whoever stops following stops nothing: what ticks goes on with it.
    """
    while True:
        is_taken = background.work_on(action.pk)
        action.refresh_from_db()
        progress(action.affected)
        if action.ended_at is not None or action.paused_at is not None:
            return action
        if not is_taken:
            time.sleep(NAP_SECONDS)
