"""A selection of messages: one value for the admin, the commands and the audit log."""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Self

from django.db.models import QuerySet

from passport_events.clock import convert_to_database
from passport_events.exceptions import OperationRefused
from passport_events.handling.registry import get_handlers
from passport_events.models import LIVE, ProcessedMessage, Status

SEPARATOR = "-"
"""Between the ids of a list. No locale groups digits with it, as in `1,234`."""
MAX_DIGITS = 18
"""Every number with so many digits fits into a bigint."""


def parse_id(text: str) -> int | None:
    """A primary key, or None if the text is not ASCII digits."""
    is_plain = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    return int(text) if is_plain else None


def parse_ids(text: str, most: int) -> tuple[int, ...]:
    """A list of primary keys from one form field, because Django limits the number of fields.

    Raises OperationRefused for more than `most`, and for anything but plain numbers.
    """
    parts = text.split(SEPARATOR, most)
    found = tuple(map(parse_id, parts))
    if len(found) > most or None in found:
        raise OperationRefused(f"Ids are at most {most} plain numbers with “{SEPARATOR}” between them.")
    return tuple(id_ for id_ in found if id_ is not None)


def join_ids(ids: Iterable[int]) -> str:
    """The text that `parse_ids` parses."""
    return SEPARATOR.join(map(str, ids))


MAX_COUNTED = 10_000
"""Counts stop here, to stay fast."""

MAX_LOOKBACK_MESSAGES = 100_000
"""Without an index, counts and previews look only at so many of the newest messages."""

Messages = QuerySet[ProcessedMessage]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Filters, combined with AND; an empty one matches everything.

    The audit log stores it as JSON, so that another process can continue an operation.
    """

    statuses: tuple[Status, ...] = ()
    event_type: str = ""
    organization: str = ""
    """Salesforce id, 18 characters, which messages of an unknown organization have too."""
    fingerprint: str = ""
    """The failure group."""
    record_id: str = ""
    handler: str = ""
    """Module and function: selects the event types of this handler."""
    release: str = ""
    """The release of the code that finished the messages."""
    received_since: datetime | None = None
    received_until: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    """When the messages finished: at or after `since`, and before `until`."""
    ids: tuple[int, ...] = ()

    @property
    def is_narrow(self) -> bool:
        """True if there is a filter besides the status. Without one it selects the whole table."""
        return any(getattr(self, name) for name in _FIELDS if name != "statuses")

    def messages(self) -> Messages:
        """The rows. Raises OperationRefused if there is no such handler."""
        wanted = {column: getattr(self, name) for name, column in _COLUMNS.items()}
        wanted |= {column: convert_to_database(getattr(self, name)) for name, column in _TIME_COLUMNS.items()}
        wanted |= {"pk__in": self.ids, "event_type__in": self._list_handled_types()}
        rows = ProcessedMessage.objects.filter(**{column: value for column, value in wanted.items() if value})
        if not self.statuses:
            return rows
        rows = rows.filter(status__in=self.statuses)
        # The same rows; the condition lets the database use the index of due rows.
        return rows.filter(due_at__isnull=False) if set(self.statuses) <= set(LIVE) else rows

    @property
    def is_found_by_index(self) -> bool:
        """True if the database has an index for these filters."""
        # Every status but succeeded has a partial index.
        is_few = bool(self.statuses) and Status.SUCCEEDED not in self.statuses
        return is_few or any((self.ids, self.record_id, self.fingerprint, self.since, self.until))

    def bounded(self) -> Messages:
        """The rows for counts and previews.

        All if an index finds them, else those among the newest MAX_LOOKBACK_MESSAGES.
        """
        rows = self.messages()
        if self.is_found_by_index:
            return rows
        newest = ProcessedMessage.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        return rows.filter(pk__gt=newest - MAX_LOOKBACK_MESSAGES)

    def _list_handled_types(self) -> tuple[str, ...]:
        if not self.handler:
            return ()
        names = {event_type: handler.name for event_type, handler in get_handlers().items()}
        found = tuple(event_type for event_type, name in names.items() if name == self.handler)
        if not found:
            there_are = ", ".join(sorted(set(names.values()))) or "none"
            raise OperationRefused(f"There is no handler {self.handler}. There are: {there_are}.")
        return found

    def to_json(self) -> dict[str, Any]:
        """The filters that are set."""
        said = {name: getattr(self, name) for name in _FIELDS if getattr(self, name)}
        return {name: _convert_value(value) for name, value in said.items()}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        """Raises OperationRefused for an unknown filter: without it more messages would match."""
        if unknown := said.keys() - set(_FIELDS):
            raise OperationRefused(
                f"This release does not know {', '.join(sorted(unknown))} of a selection. Deploy the one "
                "that wrote it, or cancel the action."
            )
        values = dict(said)
        for name in set(_TIME_FIELDS) & said.keys():
            values[name] = datetime.fromisoformat(said[name])
        if "statuses" in said:
            values["statuses"] = tuple(map(Status, said["statuses"]))
        if "ids" in said:
            values["ids"] = tuple(said["ids"])
        return cls(**values)

    def __str__(self) -> str:
        """The filters for people."""
        said = self.to_json()
        statuses = " or ".join(said.pop("statuses", ["any status"]))
        ids = said.pop("ids", [])
        parts = [f"{name.replace('_', ' ')} {value}" for name, value in said.items()]
        if ids:
            parts.append(f"message {ids[0]}" if len(ids) == 1 else f"{len(ids):,} chosen messages")
        return ", ".join([statuses, *parts])


def count(messages: Messages) -> int:
    """The number of messages, up to MAX_COUNTED."""
    return messages.order_by()[:MAX_COUNTED].count()


def find_newest(messages: Messages, most: int) -> Messages:
    """The newest messages.

    Sorts primary keys in Python: for few matches PostgreSQL would scan the primary key index backwards.
    """
    keys = list(messages.order_by().values_list("pk", flat=True)[:MAX_COUNTED])
    if len(keys) == MAX_COUNTED:  # then a backward scan finds enough soon
        return messages.order_by("-pk")[:most]
    return ProcessedMessage.objects.filter(pk__in=heapq.nlargest(most, keys)).order_by("-pk")


def _convert_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return [_convert_value(each) for each in value] if isinstance(value, tuple) else value


_FIELDS = tuple(field.name for field in dataclasses.fields(Selection))
_TIME_COLUMNS = {
    "received_since": "delivery__received_at__gte",
    "received_until": "delivery__received_at__lt",
    "since": "finished_at__gte",
    "until": "finished_at__lt",
}
_TIME_FIELDS = tuple(_TIME_COLUMNS)
_COLUMNS = {
    "event_type": "event_type",
    "organization": "organization_salesforce_id",
    "fingerprint": "fingerprint",
    "record_id": "record_id",
    "release": "release",
}
