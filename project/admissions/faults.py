"""Handlers that fail when the publisher asks for it, so that the demo has something to retry."""

from __future__ import annotations

from passport_events import Event

FIELD = "Description"
"""The Salesforce field that asks."""
ONCE = "fails once"
ALWAYS = "always fails"


class FileStoreBusy(Exception):
    """Something outside did not answer; the next attempt finds it well."""


class ProgramClosed(Exception):
    """Something that no retry mends; an operator has to decide."""


def fail_if_asked(event: Event) -> None:
    """Raise what `Description` asks for. The attempt decides, so that it is the same in every run."""
    wish = event.fields.get(FIELD)
    if wish == ALWAYS:
        raise ProgramClosed("the program takes no more applications")
    if wish == ONCE and event.attempt == 1:
        raise FileStoreBusy("the file store did not answer")
