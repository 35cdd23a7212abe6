"""What became of the messages that an action changed: how many of them stand where now.

Each message knows the last action that changed it, so what a later action took over counts there, and is
neither done nor failed because of this one. One query for any number of actions; each word is counted up
to a limit of its own, so that the few that failed again are exact however many are done.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import IntegerField, OuterRef, Subquery

from passport_events.models import OperatorAction, ProcessedMessage
from passport_events.operating.explain import STATUSES, Word
from passport_events.operating.runner import CHANGES
from passport_events.operating.selection import MOST_COUNTED

WORDS = (Word.DONE, Word.WAITING, Word.WORKING, Word.NEEDS_YOU, Word.PUT_AWAY)
"""In the order in which they are read after a retry."""
_OPEN = (Word.WAITING, Word.WORKING)


@dataclasses.dataclass(frozen=True, slots=True)
class Became:
    """The messages of one action."""

    counts: Mapping[Word, int]
    """Up to MOST_COUNTED each."""
    elsewhere: int | None
    """A later action changed them, or they were purged; None where more stand than are counted."""

    @property
    def is_open(self) -> bool:
        """Whether workers still have some of them before them, or in hand."""
        return any(self.counts[word] for word in _OPEN)

    def __str__(self) -> str:
        """For people; what none of them is, is not said."""
        said = [f"{word.label} {_number(count)}" for word, count in self.counts.items() if count]
        if self.elsewhere:
            said.append(f"changed by a later action or purged {self.elsewhere:,}")
        return ", ".join(said)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        counts = {word.name.lower(): count for word, count in self.counts.items()}
        return {**counts, "later_action_or_purged": self.elsewhere, "counted_up_to": MOST_COUNTED}


def became(actions: Collection[OperatorAction]) -> dict[int, Became]:
    """By primary key, of those of them that change messages; one query, or none."""
    keys = [action.pk for action in actions if action.kind in CHANGES]
    if not keys:
        return {}
    names = [word.name for word in WORDS]
    # How many it changed is read by the same statement: it may go on meanwhile.
    rows = (
        OperatorAction.objects.filter(pk__in=keys)
        .annotate(**{word.name: _standing_at(word) for word in WORDS})
        .values_list("pk", "affected", *names)
    )
    return {pk: _became(affected, dict(zip(WORDS, counts, strict=True))) for pk, affected, *counts in rows}


def _became(affected: int, counts: Mapping[Word, int]) -> Became:
    is_capped = MOST_COUNTED in counts.values()
    return Became(counts, None if is_capped else affected - sum(counts.values()))


class _Count(Subquery):
    """How many rows a query has, which may have a limit."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def _standing_at(word: Word) -> _Count:
    rows = ProcessedMessage.objects.filter(last_action=OuterRef("pk"), status__in=STATUSES[word])
    return _Count(rows.order_by().values("pk")[:MOST_COUNTED])


def _number(count: int) -> str:
    return f"{count:,}{'+' if count >= MOST_COUNTED else ''}"
