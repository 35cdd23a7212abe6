"""Failure groups: failed and retrying messages with one fingerprint, their counts and trend.

The number of queries is constant, and each reads a bounded number of rows.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet
from django.db.models.functions import Coalesce

from passport_events.clock import StatementTimestamp
from passport_events.exceptions import OperationRefused
from passport_events.fingerprint import LENGTH
from passport_events.models import ProcessedMessage
from passport_events.models.message import FAILING
from passport_events.models.status import FAILED, Status

MAX_GROUPED_MESSAGES = 60_000
"""Messages that are grouped, the newest, so that a page stays fast."""
MAX_GROUP_ROWS = 5_000
"""Rows of group, organization and event type that are read, those with the most messages."""
MIN_PREFIX = 8
"""Characters of a fingerprint that name a group."""
TREND_HOURS = 6
"""Hours of the trend."""
PAGE_SIZE = 50

Messages = QuerySet[ProcessedMessage]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GroupFilter:
    """Filters, combined with AND; an empty one matches everything."""

    event_type: str = ""
    organization: str = ""
    """Salesforce id, also of an unknown organization."""
    fingerprint: str | None = None

    def messages(self) -> Messages:
        """Failed and retrying messages."""
        named = {
            "event_type": self.event_type or None,
            "organization_salesforce_id": self.organization or None,
            "fingerprint": self.fingerprint,
        }
        return ProcessedMessage.objects.filter(
            FAILING, **{name: value for name, value in named.items() if value is not None}
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Messages with one fingerprint."""

    fingerprint: str
    event_types: tuple[str, ...]
    """The one with the most messages first; empty for quarantined deliveries."""
    failed: int
    """Dead or quarantined."""
    retrying: int
    """Waiting for the next attempt after a failure."""
    first_seen: datetime | None
    last_seen: datetime | None
    """None if no message was claimed, as for requeued pointers."""
    by_hour: tuple[int, ...]
    """Failures per hour, the oldest hour first."""
    oldest: int
    newest: int
    """Primary keys of two of its messages."""
    organizations: tuple[str, ...]
    """Salesforce ids, the one with the most messages first; empty for an unknown one."""

    @property
    def total(self) -> int:
        """Failed and retrying messages."""
        return self.failed + self.retrying


ORDERS: dict[str, Callable[[FailureGroup], Any]] = {
    "count": lambda group: (group.total, group.newest),
    "hour": lambda group: (group.by_hour[-1], group.total, group.newest),
    "first": lambda group: _convert_to_seconds(group.first_seen),
    "last": lambda group: _convert_to_seconds(group.last_seen),
}
"""Sort keys; always descending."""


@dataclasses.dataclass(frozen=True, slots=True)
class GroupPage:
    """One page of groups."""

    groups: tuple[FailureGroup, ...]
    has_more: bool
    is_capped: bool
    """True if there are more messages or groups than are counted."""


def find_groups(wanted: GroupFilter, order: str = "count", page: int = 1) -> GroupPage:
    """One page of groups; two queries. Raises KeyError for an unknown order."""
    newest = wanted.messages().order_by("-pk").values_list("pk", flat=True)
    floor = newest[MAX_GROUPED_MESSAGES : MAX_GROUPED_MESSAGES + 1].first()
    rows = wanted.messages() if floor is None else wanted.messages().filter(pk__gt=floor)
    counts = list(_count_rows(rows)[: MAX_GROUP_ROWS + 1])
    found = sorted(_build_groups(counts[:MAX_GROUP_ROWS]), key=ORDERS[order], reverse=True)
    start = PAGE_SIZE * (page - 1)
    is_capped = floor is not None or len(counts) > MAX_GROUP_ROWS
    return GroupPage(tuple(found[start : start + PAGE_SIZE]), len(found) > start + PAGE_SIZE, is_capped)


def find_fingerprint(text: str) -> str:
    """The fingerprint that begins with `text`; `text` itself if it is one, or if it is too short.

    Raises OperationRefused if no group or several groups begin with it.
    """
    # A range and not LIKE, which cannot use the index in most collations. Fingerprints are hexadecimal.
    rows = ProcessedMessage.objects.filter(fingerprint__gte=text, fingerprint__lt=f"{text}g").exclude(
        fingerprint=""
    )
    if len(text) < MIN_PREFIX or len(text) >= LENGTH or rows.filter(fingerprint=text).exists():
        return text
    found = list(rows.order_by("fingerprint").values_list("fingerprint", flat=True).distinct()[:2])
    if len(found) != 1:
        raise OperationRefused(f"{'Several groups begin' if found else 'No group begins'} with {text}.")
    return found[0]


def list_members(fingerprint: str, before: int | None = None) -> Messages:
    """The messages of a group below a primary key, the newest first."""
    rows = GroupFilter(fingerprint=fingerprint).messages()
    return (rows if before is None else rows.filter(pk__lt=before)).order_by("-pk")


def count_statuses(fingerprint: str) -> dict[str, int]:
    """Messages by status, of all that ever failed with this fingerprint; one query."""
    rows = ProcessedMessage.objects.filter(fingerprint=fingerprint).order_by()
    if not fingerprint:  # without one these are most of the table
        rows = rows.filter(status__in=FAILED)
    return dict(rows.values_list("status").annotate(Count("pk")))


def _count_rows(rows: Messages) -> QuerySet[Any, Any]:
    """Counts per group, organization and event type, by one index scan."""
    hours = {f"hour_{hour}": Count("pk", filter=_filter_hour(hour)) for hour in range(TREND_HOURS)}
    return (
        rows.order_by()
        .annotate(seen=Coalesce("finished_at", "claimed_at"))
        .values("fingerprint", "organization_salesforce_id", "event_type")
        .annotate(
            total=Count("pk"),
            retrying=Count("pk", filter=Q(status=Status.WAITING)),
            first_seen=Min("seen"),
            last_seen=Max("seen"),
            oldest=Min("pk"),
            newest=Max("pk"),
            **hours,
        )
        .order_by("-total", "fingerprint", "organization_salesforce_id", "event_type")
    )


def _convert_to_seconds(seen: datetime | None) -> float:
    return seen.timestamp() if seen else 0


def _filter_hour(hour: int) -> Q:
    start = Q(seen__gt=StatementTimestamp() - timedelta(hours=hour + 1))
    return start if hour == 0 else start & Q(seen__lte=StatementTimestamp() - timedelta(hours=hour))


def _build_groups(counts: Sequence[dict[str, Any]]) -> Iterator[FailureGroup]:
    by_fingerprint: dict[str, list[dict[str, Any]]] = {}
    for row in counts:
        by_fingerprint.setdefault(row["fingerprint"], []).append(row)
    for fingerprint, rows in by_fingerprint.items():
        total, retrying = (sum(row[name] for row in rows) for name in ("total", "retrying"))
        yield FailureGroup(
            fingerprint=fingerprint,
            event_types=tuple(filter(None, _sort_by_total(rows, "event_type"))),
            failed=total - retrying,
            retrying=retrying,
            first_seen=min((row["first_seen"] for row in rows if row["first_seen"]), default=None),
            last_seen=max((row["last_seen"] for row in rows if row["last_seen"]), default=None),
            by_hour=tuple(sum(row[f"hour_{hour}"] for row in rows) for hour in reversed(range(TREND_HOURS))),
            oldest=min(row["oldest"] for row in rows),
            newest=max(row["newest"] for row in rows),
            organizations=_sort_by_total(rows, "organization_salesforce_id"),
        )


def _sort_by_total(rows: Sequence[dict[str, Any]], name: str) -> tuple[str, ...]:
    """The values of a column, the one with the most messages first."""
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row[name]] += row["total"]
    return tuple(value for value, _ in totals.most_common())
