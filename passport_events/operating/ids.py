"""Primary keys in addresses, forms and commands: plain digits, never formatted for people."""

from __future__ import annotations

from collections.abc import Iterable

from passport_events.exceptions import OperationRefused

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
