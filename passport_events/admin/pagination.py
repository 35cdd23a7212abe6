"""Lists on pages: each shows one part of bounded size, with links to the previous and the next part."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext

from passport_events.operating.selection import parse_id
from passport_events.operating.text import format_line

MAX_ROWS = 200
"""Rows of one part."""
MAX_NAMES = 50
"""Names in one line; the others are counted."""
MAX_CHOICES = 500
"""Organizations that a page offers to choose from."""
MAX_PART = 1_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a list."""

    rows: Sequence[Any]
    first: int
    """The number of the first row, from 1."""
    total: int | None
    """Of the whole list; None where it is not counted."""
    previous_url: str = ""
    next_url: str = ""

    @property
    def last(self) -> int:
        """The number of the last row."""
        return self.first + len(self.rows) - 1


def get_part(
    request: HttpRequest, name: str, rows: Sequence[Any] | QuerySet[Any], size: int = MAX_ROWS
) -> Part:
    """The part of a list that the address asks for by `name`, like `?fields=2`.

    A queryset is not counted: one row more than is shown tells whether there is a next part.
    """
    number = min(max(1, parse_id(request.GET.get(name, "")) or 1), MAX_PART)
    start = size * (number - 1)
    found = list(rows[start : start + size + 1])
    has_more = len(found) > size
    return Part(
        rows=found[:size],
        first=start + 1,
        total=None if isinstance(rows, QuerySet) else len(rows),
        previous_url=_build_url(request, name, number - 1) if number > 1 else "",
        next_url=_build_url(request, name, number + 1) if has_more else "",
    )


def build_query(request: HttpRequest) -> str:
    """The query string, so that another view of the same row shows the same parts."""
    return f"?{request.GET.urlencode()}" if request.GET else ""


def _build_url(request: HttpRequest, name: str, number: int) -> str:
    query = request.GET.copy()
    query[name] = str(number)
    return f"?{query.urlencode()}"


def limit_names(names: Iterable[object], most: int = MAX_NAMES) -> list[str]:
    """The first of them, and how many more there are."""
    every = list(names)
    more = len(every) - most
    return [
        *(format_line(name) for name in islice(every, most)),
        *([gettext("and %(count)s more") % {"count": f"{more:,}"}] if more > 0 else []),
    ]


MAX_COUNTED = 2_000


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # takes no parameter when it runs
    """Counts up to a limit: counting millions of rows takes longer than anybody reads."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]  # Django's change list gives one
        return rows.order_by()[:MAX_COUNTED].count()

    @property
    def is_capped(self) -> bool:
        return self.count >= MAX_COUNTED
