"""What an address of the desk asks for."""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

from passport_events.operating import failure_groups
from passport_events.operating.selection import parse_id


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class QueryParameters:
    """A part of the desk. What makes no sense in an address is what is usual."""

    event_type: str
    organization: str
    order: str
    page: int

    @classmethod
    def from_request(cls, request: HttpRequest) -> QueryParameters:
        """Out of the query string."""
        order, page = request.GET.get("sort", ""), request.GET.get("page", "")
        return cls(
            event_type=request.GET.get("type", "")[:64],
            organization=request.GET.get("organization", "")[:18],
            order=order if order in failure_groups.ORDERS else "count",
            page=max(1, parse_id(page) or 1),
        )

    def query(self, **changes: Any) -> str:
        """The same, with changes, as a query string."""
        asked = dataclasses.replace(self, **{"page": 1, **changes})
        named = {
            "type": asked.event_type,
            "organization": asked.organization,
            "sort": asked.order if asked.order != "count" else "",
            "page": asked.page if asked.page > 1 else "",
        }
        return "?" + urlencode({name: value for name, value in named.items() if value})
