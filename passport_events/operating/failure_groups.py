"""What failed, in groups of one fingerprint: how many, since when, whether it grows. Nothing is changed.

The number of queries depends on nothing; what each reads is bounded.
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
"""Messages that are grouped, the newest; counting more would take longer than anybody waits for a page."""
MAX_GROUP_ROWS = 5_000
"""Of groups and organizations in them that are read, those with the most messages."""
MIN_PREFIX = 8
"""Characters of a fingerprint that name a group."""
TREND_HOURS = 6
"""How far back the trend looks."""
PAGE_SIZE = 50

Messages = QuerySet[ProcessedMessage]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GroupFilter:
    """Which failures to look at. What is not said does not matter."""

    event_type: str = ""
    organization: str = ""
    """Its id in Salesforce; that of one which nobody has added counts as well."""
    fingerprint: str | None = None

    def messages(self) -> Messages:
        """What needs a person, and what failed and is tried again."""
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
    """Messages that fail for one reason."""

    fingerprint: str
    event_types: tuple[str, ...]
    """The one with the most messages first; empty for what could not be read."""
    failed: int
    """Dead, or quarantined."""
    retrying: int
    """Failed, and due again by themselves."""
    first_seen: datetime | None
    last_seen: datetime | None
    """None where all were sent back without having been claimed, as pointers are."""
    by_hour: tuple[int, ...]
    """Failures of each of the last hours, the oldest hour first."""
    oldest: int
    newest: int
    """Primary keys of two of its messages."""
    organizations: tuple[str, ...]
    """Their ids in Salesforce, the one with the most messages first; empty for one that is not known."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.failed + self.retrying


ORDERS: dict[str, Callable[[FailureGroup], Any]] = {
    "count": lambda group: (group.total, group.newest),
    "hour": lambda group: (group.by_hour[-1], group.total, group.newest),
    "first": lambda group: _convert_to_seconds(group.first_seen),
    "last": lambda group: _convert_to_seconds(group.last_seen),
}
"""What groups can be sorted by; always the most, or the newest, first."""


@dataclasses.dataclass(frozen=True, slots=True)
class GroupPage:
    """One page of them."""

    groups: tuple[FailureGroup, ...]
    has_more: bool
    is_capped: bool
    """Whether there were more messages, or more groups, than are counted."""


def find_groups(wanted: GroupFilter, order: str = "count", page: int = 1) -> GroupPage:
    """The groups of what is wanted; two queries. Raises KeyError for an order that there is not."""
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
    rows = ProcessedMessage.objects.filter(fingerprint__startswith=text)
    if len(text) < MIN_PREFIX or len(text) >= LENGTH or rows.filter(fingerprint=text).exists():
        return text
    found = list(rows.order_by("fingerprint").values_list("fingerprint", flat=True).distinct()[:2])
    if len(found) != 1:
        raise OperationRefused(f"{'Several groups begin' if found else 'No group begins'} with {text}.")
    return found[0]


def list_members(fingerprint: str, before: int | None = None) -> Messages:
    """The messages of a group, the newest first, from below a primary key on: pages that stay quick."""
    rows = GroupFilter(fingerprint=fingerprint).messages()
    return (rows if before is None else rows.filter(pk__lt=before)).order_by("-pk")


def count_statuses(fingerprint: str) -> dict[str, int]:
    """How many messages that ever failed this way stand where now; one query."""
    rows = ProcessedMessage.objects.filter(fingerprint=fingerprint).order_by()
    if not fingerprint:  # then these are most of the table, and say nothing
        rows = rows.filter(status__in=FAILED)
    return dict(rows.values_list("status").annotate(Count("pk")))


def _count_rows(rows: Messages) -> QuerySet[Any, Any]:
    """Of each group in each organization and event type, by one pass over an index."""
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
    """Each value of a column, the one with the most messages first."""
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row[name]] += row["total"]
    return tuple(value for value, _ in totals.most_common())
