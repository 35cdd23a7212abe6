"""Events that were received and handled some minutes ago, and what is counted of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import F

from passport_events.models import Delivery, MessageAttempt, ProcessedMessage
from passport_events.monitoring.minutes import compute_minute, read_claim
from passport_events.monitoring.models import Figures, MinuteClaim
from passport_events.monitoring.rollup import BACKLOG_CLAIM, FIGURES_CLAIM, count_minutes, record_backlog

HANDLED_FOR = timedelta(seconds=2)
ON_ITS_WAY_FOR = timedelta(seconds=20)


def this_minute() -> int:
    """By the database's clock."""
    now, _ = read_claim(FIGURES_CLAIM)
    return compute_minute(now)


def move_back(span: timedelta, **which: Any) -> None:
    """Let everything that these messages went through have happened earlier."""
    rows = ProcessedMessage.objects.filter(**which)
    deliveries = Delivery.objects.filter(messages__in=rows).values("pk")
    Delivery.objects.filter(pk__in=list(deliveries.values_list("pk", flat=True))).update(
        received_at=F("received_at") - span, published_at=F("published_at") - span
    )
    MessageAttempt.objects.filter(message__in=rows).update(ended_at=F("ended_at") - span)
    rows.filter(finished_at__isnull=False).update(
        finished_at=F("finished_at") - span, claimed_at=F("claimed_at") - span
    )


def took(**which: Any) -> None:
    """Let these messages have been claimed and published so long before they ended."""
    for message in ProcessedMessage.objects.filter(finished_at__isnull=False, **which):
        assert message.finished_at is not None
        message.claimed_at = message.finished_at - HANDLED_FOR
        message.save(update_fields=["claimed_at"])
        Delivery.objects.filter(pk=message.delivery_id).update(
            published_at=message.finished_at - ON_ITS_WAY_FOR
        )


def count(minutes: int = 5) -> None:
    """Count the last minutes that are over, counted before or not."""
    begin_at(this_minute() - 1 - minutes)
    MinuteClaim.objects.filter(name=BACKLOG_CLAIM).delete()
    record_backlog()
    go_on()


def go_on() -> None:
    """Count what is not counted yet."""
    while count_minutes():
        pass


def begin_at(minute: int) -> None:
    """Let everything up to this minute be counted already."""
    MinuteClaim.objects.update_or_create(name=FIGURES_CLAIM, defaults={"minute": minute})


def counted(span: int = 1, **which: Any) -> dict[str, int]:
    """The sums of everything that was counted in spans of that length, without zeros."""
    names = ("arrived", "succeeded", "superseded", "ignored", "dead", "quarantined", "failed_attempts")
    rows = Figures.objects.filter(span=span, **which)
    sums = {name: sum(rows.values_list(name, flat=True)) for name in names}
    return {name: total for name, total in sums.items() if total}
