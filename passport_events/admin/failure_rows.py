"""Groups as the desk shows them: with a cause, a trend, names of organizations and releases."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Self

from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext

from passport_events.models import MessageAttempt, ProcessedMessage
from passport_events.operating.backlog import DueBacklog
from passport_events.operating.explain import FailureCause, explain_failure
from passport_events.operating.failure_groups import FailureGroup
from passport_events.operating.text import format_duration, format_line

MAX_NAMED = 3
"""Organizations of a group that are named; the others are counted."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FailureRow:
    """One group."""

    group: FailureGroup
    url: str
    cause: FailureCause
    error: str
    text: str
    place: str
    trend: Trend
    first_seen: datetime | None
    organizations: tuple[str, ...]
    """Those with the most messages."""
    more_organizations: int
    event_types: str
    releases: str
    """Of its oldest and its newest message."""


def build_rows(
    found: Sequence[FailureGroup], homes: Mapping[str, str], url_of: Callable[[str], str]
) -> list[FailureRow]:
    """The rows of a page; two queries, or none where there are no groups."""
    if not found:
        return []
    ends = _find_first_and_last(found)
    attempts = MessageAttempt.objects.defer("traceback").in_bulk(
        [end.last_attempt for end in ends.values() if end.last_attempt]
    )
    rows = []
    for group in found:
        oldest, newest = ends.get(group.oldest), ends.get(group.newest)
        if oldest is None or newest is None:
            continue  # purged between two queries
        cause = explain_failure(newest, attempts.get(newest.last_attempt))
        names = [format_line(homes.get(id_, id_) or gettext("unknown"), 60) for id_ in group.organizations]
        rows.append(
            FailureRow(
                group=group,
                url=url_of(group.fingerprint),
                cause=cause,
                error=format_line(cause.error, 120) or gettext("Unknown error"),
                text=format_line(cause.text, 160),
                place=format_line(cause.place, 120),
                trend=Trend.from_counts(group.by_hour),
                first_seen=min(filter(None, (group.first_seen, oldest.first_failure)), default=None),
                organizations=tuple(names[:MAX_NAMED]),
                more_organizations=len(names[MAX_NAMED:]),
                event_types=_list_event_types(group.event_types),
                releases=" → ".join(dict.fromkeys(filter(None, map(_list_releases, (oldest, newest))))),
            )
        )
    return rows


def find_backlog(waiting: Sequence[DueBacklog]) -> list[dict[str, Any]]:
    """What waits for long, the longest first."""
    ordered = sorted(waiting, key=lambda each: each.age, reverse=True)
    return [{"waiting": each, "age": format_duration(each.age)} for each in ordered]


def _find_first_and_last(found: Sequence[FailureGroup]) -> dict[int, Any]:
    """The oldest and the newest message of each group, with the attempts that tell about them."""
    attempts = MessageAttempt.objects.filter(message=OuterRef("pk"))
    # Of whatever message: the oldest of the group may have failed for something else before.
    of_group = MessageAttempt.objects.filter(fingerprint=OuterRef("fingerprint")).exclude(fingerprint="")
    return (
        ProcessedMessage.objects.only("status", "reason", "release")
        .annotate(
            last_attempt=Subquery(attempts.order_by("-pk").values("pk")[:1]),
            first_failure=Subquery(of_group.order_by("ended_at").values("ended_at")[:1]),
        )
        .in_bulk({key for group in found for key in (group.oldest, group.newest)})
    )


def _list_event_types(names: Sequence[str]) -> str:
    more = (
        " " + gettext("and %(count)s more") % {"count": len(names) - MAX_NAMED}
        if len(names) > MAX_NAMED
        else ""
    )
    return ", ".join(format_line(name, 64) for name in names[:MAX_NAMED]) + more


def _list_releases(message: ProcessedMessage) -> str:
    return format_line(message.release, 64)


_BARS = "▁▂▃▄▅▆▇█"
_MARKED = 1.5
"""So many times the hours before is more than chance."""


@dataclasses.dataclass(frozen=True, slots=True)
class Trend:
    """Bars for the eyes, a sentence for everybody."""

    bars: str
    text: str

    @classmethod
    def from_counts(cls, by_hour: Sequence[int]) -> Self:
        """Of the failures of each of the last hours, the oldest first."""
        highest = max(by_hour, default=0)
        bars = "".join(_draw_bar(count, highest) for count in by_hour)
        return cls(bars, _describe_trend(by_hour))


def _draw_bar(count: int, highest: int) -> str:
    """Of none the lowest bar, of one already the next one."""
    return _BARS[-(-count * (len(_BARS) - 1) // highest)] if highest else _BARS[0]


def _describe_trend(by_hour: Sequence[int]) -> str:
    *before, last = by_hour
    usual = sum(before) / len(before) if before else 0
    if not last:
        return gettext("none in the last hour")
    said = gettext("%(count)s in the last hour") % {"count": f"{last:,}"}
    if not sum(before):
        return f"{said}, {gettext('new')}"
    if last > usual * _MARKED:
        return f"{said}, {gettext('growing')}"
    return f"{said}, {gettext('falling')}" if last * _MARKED < usual else f"{said}, {gettext('steady')}"
