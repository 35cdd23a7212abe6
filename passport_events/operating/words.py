"""Five words for whoever reads: the eight statuses say more than a person needs at three in the morning."""

from __future__ import annotations

from django.db import models

from passport_events.models import Status


class Word(models.TextChoices):
    """Where a message stands, as a person would ask for it."""

    NEEDS_YOU = "needs-you", "needs you"
    WAITING = "waiting", "waiting"
    WORKING = "working", "working"
    DONE = "done", "done"
    PUT_AWAY = "put-away", "put away"


STATUSES: dict[Word, tuple[Status, ...]] = {
    Word.NEEDS_YOU: (Status.DEAD, Status.QUARANTINED),
    Word.WAITING: (Status.WAITING,),
    Word.WORKING: (Status.PROCESSING,),
    Word.DONE: (Status.SUCCEEDED, Status.SUPERSEDED, Status.IGNORED),
    Word.PUT_AWAY: (Status.DISCARDED,),
}
_WORDS = {status: word for word, statuses in STATUSES.items() for status in statuses}


def word_of(status: str) -> Word:
    """The word for a status."""
    return _WORDS[Status(status)]


def said(status: str) -> str:
    """The word, and the status where that tells more: `needs you: dead`."""
    word = word_of(status)
    return word.label if len(STATUSES[word]) == 1 else f"{word.label}: {status}"
