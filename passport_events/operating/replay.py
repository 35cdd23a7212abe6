"""Running again what has ended, what succeeded included, because an operator asks for it.

A replay is a new generation: its handler sees another idempotency key, so that what a handler does
elsewhere is done again too. Nothing is ever replayed by itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import Count, F, Max, Min, Q, QuerySet

from passport_events import conf
from passport_events.clock import ClockTimestamp
from passport_events.exceptions import OperationRefused
from passport_events.handling.registry import handler_for
from passport_events.models import ActionKind, Mode, ProcessedMessage, SalesforceOrganization, Status
from passport_events.operating import journal
from passport_events.operating.actor import Actor

STEP = 1_000
"""Messages of one transaction, and of one row of the journal."""
REPLAYABLE = (Status.SUCCEEDED, Status.SUPERSEDED, Status.IGNORED, Status.DEAD)
"""What a worker ended. A quarantined delivery was never an event, and a discarded message is put aside."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which messages that have ended. What is not said does not matter."""

    event_type: str = ""
    organization: SalesforceOrganization | None = None
    record_id: str = ""
    release: str = ""
    """The release of the code that ended them."""
    since: datetime | None = None
    until: datetime | None = None
    """When they ended: from the first instant on, and before the second."""
    statuses: tuple[Status, ...] = (Status.SUCCEEDED,)

    def messages(self) -> QuerySet[ProcessedMessage]:
        """Those that can be run again. Raises OperationRefused where a status cannot be."""
        if wrong := [status for status in self.statuses if status not in REPLAYABLE]:
            raise OperationRefused(f"A {wrong[0]} message cannot be replayed; only {', '.join(REPLAYABLE)}.")
        wanted = {
            "event_type": self.event_type,
            "organization": self.organization,
            "record_id": self.record_id,
            "release": self.release,
            "finished_at__gte": self.since,
            "finished_at__lt": self.until,
        }
        named = {name: value for name, value in wanted.items() if value}
        # Without a record it is no event of its own: a pointer, or what a person quarantined.
        return ProcessedMessage.objects.filter(status__in=self.statuses, **named).exclude(record_id="")


@dataclasses.dataclass(frozen=True, slots=True)
class Preview:
    """What a replay would do, before anybody does it."""

    messages: int
    """Those that would run again."""
    redacted: int
    """Those whose content is gone, so that nothing can be run."""
    first: datetime | None
    last: datetime | None
    """When the first and the last of them ended."""
    by_type: dict[str, int]
    without_handler: tuple[str, ...]
    """Event types that nothing handles now: their messages would be merged again, and nothing else."""
    not_live: tuple[str, ...]
    """Organizations that are off or in shadow, whose handlers would not be called."""


def preview(selection: Selection) -> Preview:
    """Look, and change nothing."""
    found = selection.messages()
    readable = found.filter(_READABLE)
    by_type = dict(readable.values_list("event_type").annotate(Count("pk")).order_by("event_type"))
    ended = readable.aggregate(Min("finished_at"), Max("finished_at"))
    homes = readable.exclude(organization__mode=Mode.LIVE).values_list(
        "organization_salesforce_id", flat=True
    )
    return Preview(
        messages=sum(by_type.values()),
        redacted=found.exclude(_READABLE).count(),
        first=ended["finished_at__min"],
        last=ended["finished_at__max"],
        by_type=by_type,
        without_handler=tuple(name for name in by_type if not _is_handled(name)),
        not_live=tuple(homes.order_by("organization_salesforce_id").distinct()),
    )


_READABLE = ~Q(content={})


def _is_handled(event_type: str) -> bool:
    return event_type in conf.current().event_types and handler_for(event_type) is not None


def replay(
    selection: Selection, actor: Actor, reason: str, progress: Callable[[int], None] = lambda done: None
) -> int:
    """Give each message a new generation, and let workers have it; returns how many.

    In steps that commit by themselves, oldest first: a replay that is stopped has replayed the first
    ones, and the journal says how many. Messages that end while it runs are not taken twice.
    """
    newest = selection.messages().aggregate(Max("pk"))["pk__max"]
    done, last = 0, 0
    while newest is not None and last < newest:
        with transaction.atomic(using=journal.database()):
            rows = selection.messages().filter(_READABLE, pk__gt=last, pk__lte=newest).order_by("pk")
            found = list(rows.select_for_update(of=("self",)).values_list("pk", flat=True)[:STEP])
            if not found:
                break
            changed = (
                selection.messages()
                .filter(pk__in=found)
                .update(
                    status=Status.WAITING,
                    due_at=ClockTimestamp(),
                    finished_at=None,
                    generation=F("generation") + 1,
                    attempts=0,
                    crashes=0,
                    runs_alone=False,
                    put_off_since=None,
                    reason="",
                )
            )
            journal.write(
                ActionKind.REPLAY, actor, changed, reason=reason, organization=selection.organization
            )
        done, last = done + changed, found[-1]
        progress(done)
    return done
