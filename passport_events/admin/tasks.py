"""What can be done to a selection from the admin: its name, its permission, what it asks, and who does it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from django import forms

from passport_events.operating import audit_log, dry_run, export
from passport_events.operating.operations import DISCARD, RESTORE, RETRY, RETRY_NOW, Operation
from passport_events.operating.replay import REPLAY
from passport_events.operating.reprocess import REPROCESS
from passport_events.operating.selection import Messages, Selection

TRIAL, EXPORT, REHEARSE, NOTE = "trial", "export", "rehearse", "note"
EVERYTHING = "everything"
"""The field that confirms an action on a selection without a filter."""


class WhyForm(forms.Form):
    """Why?"""

    reason = forms.CharField(
        max_length=500, label="Why? It is kept in the journal", widget=forms.Textarea(attrs={"rows": 3})
    )


class PaceForm(WhyForm):
    """Why, and how fast?"""

    per_minute = forms.IntegerField(
        min_value=1, max_value=1_000_000, required=False, label="At most so many a minute (empty: no limit)"
    )


class UnaskedPaceForm(PaceForm):
    """How fast, and why if anybody likes to say."""

    reason = forms.CharField(
        max_length=500, required=False, label="Why, if you like", widget=forms.Textarea(attrs={"rows": 3})
    )


class NoteForm(forms.Form):
    """What?"""

    reason = forms.CharField(
        max_length=audit_log.MAX_NOTE_CHARACTERS, label="Note", widget=forms.Textarea(attrs={"rows": 3})
    )


class ExportForm(forms.Form):
    """Of what kind, with what in it, and why?"""

    form = forms.ChoiceField(choices=[("csv", "CSV"), ("jsonl", "JSON lines")], label="File")
    with_payload = forms.BooleanField(required=False, label="With what events say, which is student data")
    reason = forms.CharField(max_length=500, required=False, label="What for, if you like")


class RehearseForm(forms.Form):
    """How many?"""

    most = forms.IntegerField(
        min_value=1, max_value=dry_run.MAX_MESSAGES, initial=20, label="How many, the newest first"
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One button."""

    name: str
    label: str
    permission: str
    meaning: str
    """What will happen, said on the page that asks."""
    form: type[forms.Form]
    filter_eligible: Callable[[Messages], Messages]
    change: Operation | None = None
    """Worked in steps."""
    needs_group: bool = False

    def needs_confirmation(self, selection: Selection) -> bool:
        """Whether the selection has no filter, and a person can confirm that all are meant."""
        return self.change is not None and self.change.can_mean_everything and not selection.is_narrow

    def check(self, selection: Selection) -> None:
        """Raises OperationRefused for a selection without a filter that no confirmation makes right."""
        if self.name == TRIAL:
            RETRY.check(selection)
        elif self.change is not None:
            self.change.check(selection, everything=True)


def _in_steps(change: Operation, label: str, meaning: str) -> Task:
    return Task(
        name=str(change.kind),
        label=label,
        permission=change.permission,
        meaning=meaning,
        form=PaceForm if change.needs_reason else UnaskedPaceForm,
        filter_eligible=change.filter_eligible,
        change=change,
    )


def _every(messages: Messages) -> Messages:
    return messages


TASKS = (
    Task(
        name=TRIAL,
        label="Retry one as a trial",
        permission=RETRY.permission,
        meaning="The newest of them is sent back to its handler; see how it fares before you send the rest.",
        form=WhyForm,
        filter_eligible=RETRY.filter_eligible,
    ),
    _in_steps(
        RETRY,
        "Retry",
        "Sent back to the handler with all attempts. The idempotency key stays the same. Whether they were "
        "handled, their status says afterwards.",
    ),
    _in_steps(
        RETRY_NOW,
        "Retry now",
        "What waits for its next attempt is due at once. No attempt is lost; what is paused stays paused.",
    ),
    Task(
        name=REHEARSE,
        label="Rehearse",
        permission=dry_run.PERMISSION,
        meaning="The handler of this release runs against the newest of them, each in a transaction that is "
        "rolled back, and you see what would differ. What a handler does outside of the database is done.",
        form=RehearseForm,
        filter_eligible=REPLAY.filter_eligible,
    ),
    _in_steps(
        REPLAY,
        "Replay",
        "Run again in a new generation, under another idempotency key, what succeeded included. What the "
        "handler does elsewhere is done again, too.",
    ),
    _in_steps(
        DISCARD, "Discard", "Nobody will handle what is discarded. It can be restored until it is purged."
    ),
    _in_steps(RESTORE, "Restore", "What was a dead letter becomes one again; what was quarantined, too."),
    _in_steps(
        REPROCESS,
        "Reprocess",
        "The stored bytes are read again with today's settings and organizations. What can be read now is "
        "handled; what cannot stays quarantined, with the reason of today.",
    ),
    Task(
        name=EXPORT,
        label="Export",
        permission=export.PERMISSION,
        meaning=f"A file with at most {export.MAX_EXPORTED:,} of them, the oldest first.",
        form=ExportForm,
        filter_eligible=_every,
    ),
    Task(
        name=NOTE,
        label="Write a note",
        permission=audit_log.PERMISSION,
        meaning="Kept on this group for the others; a retry does not clear it.",
        form=NoteForm,
        filter_eligible=_every,
        needs_group=True,
    ),
)
BY_NAME = {task.name: task for task in TASKS}
