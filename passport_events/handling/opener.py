"""Who opens messages that hold no event but say where some are.

Reading belongs to `receiving`, which imports this folder and is not imported by it; so it registers
itself here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

from passport_events.models import ProcessedMessage


@dataclasses.dataclass(frozen=True, slots=True)
class Opened:
    """What opening a message put into the inbox."""

    due_types: frozenset[str]
    """Event types that have something new to handle."""
    new: int
    duplicates: int
    quarantined: tuple[Mapping[str, Any], ...] = ()
    """Of each new message that is quarantined: its reason, and ids to find it by."""


class Opener(Protocol):
    """Opens the messages of one type."""

    def fetch(self, message: ProcessedMessage) -> Any:
        """Get what the message leads to, outside any transaction and as often as it takes.

        Raises Unreadable when it can never be read, and anything else to be tried again; RetryLater
        when what it is fetched from is away.
        """

    def store(self, payload: Any) -> Opened:
        """Put what was fetched into the inbox, in the caller's transaction and no other.

        Raises Unreadable or RetryLater, with nothing stored.
        """


_openers: dict[str, Opener] = {}


def register(event_type: str, opener: Opener) -> None:
    """Let `opener` open the messages of this type from now on."""
    _openers[event_type] = opener


def opener_for(event_type: str) -> Opener:
    """Who opens messages of this type."""
    return _openers[event_type]
