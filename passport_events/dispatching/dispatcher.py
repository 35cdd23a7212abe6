"""Send hints for due rows: retries, rows of crashed workers, and new rows whose hint was lost."""

from __future__ import annotations

from passport_events import conf, periodic_tasks
from passport_events.dispatching import hints
from passport_events.dispatching.flow_control import FlowControls
from passport_events.models import ProcessedMessage
from passport_events.redis_store import keys
from passport_events.redis_store.outages import OutageGuard

TICK_SECONDS = 1.0
"""All pollers and workers tick; together they dispatch once per second."""


def tick() -> int:
    """Dispatch and run periodic tasks, at most once per second in all processes; return the hints sent."""
    if not _acquire_tick():
        return 0
    sent = dispatch()
    periodic_tasks.run()
    return sent


def _acquire_tick() -> bool:
    queues = list(conf.get_settings().queues())
    with OutageGuard():
        first = hints.get_connection(queues[0])
        return bool(first.set(get_tick_key(), 1, nx=True, px=int(TICK_SECONDS * 1000)))
    return False  # no worker could receive a hint


def get_tick_key() -> str:
    """Return the key that exists for one second after a tick."""
    return keys.make_key("tick")


def dispatch() -> int:
    """Send hints to every RQ queue with due rows that are not paused; return how many were sent."""
    controls = FlowControls.read()
    due = [
        queue
        for queue, event_types in conf.get_settings().queues().items()
        if _has_due(controls.open_types(event_types), controls)
    ]
    return hints.send(due) if due else 0


def _has_due(event_types: list[str], controls: FlowControls) -> bool:
    if not event_types:
        return False
    due = ProcessedMessage.objects.due().filter(controls.open_rows(), event_type__in=event_types)
    return due.exists()
