"""Sends hints for rows that are due: new ones whose hint got lost, retries, and those of dead workers."""

from __future__ import annotations

from passport_events import conf, periodic_tasks
from passport_events.dispatching import hints
from passport_events.dispatching.flow_control import FlowControls
from passport_events.models import ProcessedMessage
from passport_events.redis_store import keys
from passport_events.redis_store.outages import OutageGuard

TICK_SECONDS = 1.0
"""Pollers and workers tick all the time; in all, one look a second is enough."""


def tick() -> int:
    """Look once, unless somebody did within this second. Returns how many hints were sent."""
    if not _is_my_turn():
        return 0
    sent = dispatch()
    periodic_tasks.run()
    return sent


def _is_my_turn() -> bool:
    queues = list(conf.current().queues())
    with OutageGuard():
        first = hints.connection(queues[0])
        return bool(first.set(tick_key(), 1, nx=True, px=int(TICK_SECONDS * 1000)))
    return False  # no worker could receive a hint


def tick_key() -> str:
    """The key that exists for one second after a look."""
    return keys.make_key("tick")


def dispatch() -> int:
    """Hint at every RQ queue that has due rows which nobody paused. Returns how many hints were sent."""
    controls = FlowControls.in_force()
    due = [
        queue
        for queue, event_types in conf.current().queues().items()
        if _has_due(controls.open_types(event_types), controls)
    ]
    return hints.send(due) if due else 0


def _has_due(event_types: list[str], controls: FlowControls) -> bool:
    if not event_types:
        return False
    due = ProcessedMessage.objects.due().filter(controls.open_rows(), event_type__in=event_types)
    return due.exists()
