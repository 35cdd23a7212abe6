"""Which messages are meant: one value for the admin, the commands and the journal, and one door to rows."""

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
"""Between the ids of a list. No locale groups digits by it, so `1,234` is never read as two ids."""
MAX_DIGITS = 18
"""A database's bigint holds every number of so many."""


def parse_id(text: str) -> int | None:
    """One primary key, or None where the text is anything but ASCII digits."""
    is_plain = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    return int(text) if is_plain else None


def parse_ids(text: str, most: int) -> tuple[int, ...]:
    """A list of primary keys in one field, because Django limits the number of fields.

    Raises OperationRefused for more than `most`, and where one of them is no plain number.
    """
    parts = text.split(SEPARATOR, most)
    found = tuple(map(parse_id, parts))
    if len(found) > most or None in found:
        raise OperationRefused(f"Ids are at most {most} plain numbers with “{SEPARATOR}” between them.")
    return tuple(id_ for id_ in found if id_ is not None)


def join_ids(ids: Iterable[int]) -> str:
    """As `parse_ids` reads them."""
    return SEPARATOR.join(map(str, ids))


MAX_COUNTED = 10_000
"""Counting further takes longer than anybody reads."""

MAX_LOOKBACK_MESSAGES = 100_000
"""The newest messages; where no index fits a selection, no page looks at more."""

Messages = QuerySet[ProcessedMessage]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Messages in these statuses, and only those that everything else fits. What is not said does not matter.

    It survives as JSON, so that an action goes on in another process, and the journal says what was meant.
    """

    statuses: tuple[Status, ...] = ()
    event_type: str = ""
    organization: str = ""
    """Salesforce's id of it, 18 characters: messages of one that is not known have no other."""
    fingerprint: str = ""
    """The group of the desk."""
    record_id: str = ""
    handler: str = ""
    """Module and function: the event types that it handles now."""
    release: str = ""
    """The release of the code that ended them."""
    received_since: datetime | None = None
    received_until: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    """When they ended, as when they were received: from the first instant on, and before the second."""
    ids: tuple[int, ...] = ()

    @property
    def is_narrow(self) -> bool:
        """Whether anything but a status is said: without, it means all that ever came."""
        return any(getattr(self, name) for name in _FIELDS if name != "statuses")

    def messages(self) -> Messages:
        """The rows. Raises OperationRefused where `handler` names none."""
        wanted = {column: getattr(self, name) for name, column in _COLUMNS.items()}
        wanted |= {column: convert_to_database(getattr(self, name)) for name, column in _TIME_COLUMNS.items()}
        wanted |= {"pk__in": self.ids, "event_type__in": self._handled_types()}
        rows = ProcessedMessage.objects.filter(**{column: value for column, value in wanted.items() if value})
        if not self.statuses:
            return rows
        rows = rows.filter(status__in=self.statuses)
        # The same rows, and what lets the database use the index of due rows.
        return rows.filter(due_at__isnull=False) if set(self.statuses) <= set(LIVE) else rows

    @property
    def is_found_by_index(self) -> bool:
        """Whether the database finds the rows without reading all that ever came."""
        # Every other status has an index, because so few stand there.
        is_few = bool(self.statuses) and Status.SUCCEEDED not in self.statuses
        return is_few or any((self.ids, self.record_id, self.fingerprint, self.since, self.until))

    def bounded(self) -> Messages:
        """The rows as far as a page or a command looks before anything is done.

        All of them where an index finds them; else those among the newest LOOK_BACK of the table.
        """
        rows = self.messages()
        if self.is_found_by_index:
            return rows
        newest = ProcessedMessage.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        return rows.filter(pk__gt=newest - MAX_LOOKBACK_MESSAGES)

    def _handled_types(self) -> tuple[str, ...]:
        if not self.handler:
            return ()
        names = {event_type: handler.name for event_type, handler in get_handlers().items()}
        found = tuple(event_type for event_type, name in names.items() if name == self.handler)
        if not found:
            there_are = ", ".join(sorted(set(names.values()))) or "none"
            raise OperationRefused(f"There is no handler {self.handler}. There are: {there_are}.")
        return found

    def to_json(self) -> dict[str, Any]:
        """What is said, and nothing else."""
        said = {name: getattr(self, name) for name in _FIELDS if getattr(self, name)}
        return {name: _convert_value(value) for name, value in said.items()}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        """Raises OperationRefused for a word it does not know: to leave it out would mean more messages."""
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
        """For people, in the words of the fields."""
        said = self.to_json()
        statuses = " or ".join(said.pop("statuses", ["any status"]))
        ids = said.pop("ids", [])
        parts = [f"{name.replace('_', ' ')} {value}" for name, value in said.items()]
        if ids:
            parts.append(f"message {ids[0]}" if len(ids) == 1 else f"{len(ids):,} chosen messages")
        return ", ".join([statuses, *parts])


def count(messages: Messages) -> int:
    """How many, counted up to MOST_COUNTED."""
    return messages.order_by()[:MAX_COUNTED].count()


def find_newest(messages: Messages, most: int) -> Messages:
    """The newest of them.

    Asked for in order at once, PostgreSQL may walk the whole table backwards to find a few.
    """
    keys = list(messages.order_by().values_list("pk", flat=True)[:MAX_COUNTED])
    if len(keys) == MAX_COUNTED:  # then they are near
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
