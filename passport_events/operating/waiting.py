"""Messages that are due for long, for a person who wants to see more than that there are some."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta

from passport_events import conf
from passport_events.clock import StatementTimestamp
from passport_events.dispatching.flow_control import FlowControls
from passport_events.event import S3_POINTER
from passport_events.models import ProcessedMessage
from passport_events.operating.backlog import LONG, oldest

MOST_COUNTED = 10_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LongWaiting:
    """What nobody took, of one event type."""

    event_type: str
    count: int
    is_capped: bool
    age: timedelta
    """For how long the oldest has been due."""
    organizations: int
    is_paused: bool
    """All of it waits because an operator said so."""


def long_waiting(event_type: str = "") -> list[LongWaiting]:
    """Each type of which something is due for long; two queries a type, whatever waits."""
    controls = FlowControls.in_force()
    types = [name for name in conf.current().live_types() if event_type in ("", name)]
    return [found for name in types for found in _of_type(name, controls)]


def _of_type(name: str, controls: FlowControls) -> Iterator[LongWaiting]:
    waits = list(oldest(name))
    due = ProcessedMessage.objects.filter(event_type=name, due_at__lt=StatementTimestamp() - LONG)
    count = due.order_by()[: MOST_COUNTED + 1].count()
    if waits:
        yield LongWaiting(
            event_type=name,
            count=min(count, MOST_COUNTED),
            is_capped=count > MOST_COUNTED,
            age=max(now - since for _, since, now in waits),
            organizations=0 if name == S3_POINTER else len(waits),
            is_paused=all(controls.is_paused(name, home) for home, _, _ in waits),
        )
