"""Pages over a table of any size."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet

MOST_COUNTED = 2_000


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # takes no parameter when it runs
    """Counts up to a limit: counting millions of rows takes longer than anybody reads."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]  # Django's change list gives one
        return rows.order_by()[:MOST_COUNTED].count()

    @property
    def is_capped(self) -> bool:
        return self.count >= MOST_COUNTED
