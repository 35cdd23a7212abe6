"""Notes on groups."""

from __future__ import annotations

import pytest

from passport_events.exceptions import OperationRefused
from passport_events.operating import audit_log, runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import RETRY
from passport_events.operating.selection import Selection
from tests.operating.inbox import dead, organization, rows

pytestmark = pytest.mark.django_db


def test_notes_of_a_group_are_kept_the_newest_first(ann: Actor) -> None:
    audit_log.add_note("f00", "fixed in 41", ann)
    audit_log.add_note("f00", "and 42", Actor("bob"))
    audit_log.add_note("ba5", "other", ann)

    found = audit_log.list_notes("f00")

    assert [(note.actor_name, note.reason) for note in found] == [("bob", "and 42"), ("ann", "fixed in 41")]
    assert not audit_log.list_notes("").exists()


@pytest.mark.parametrize(("fingerprint", "text"), [("", "x"), ("f00", " "), ("f00", "x" * 501)])
def test_a_note_without_a_group_or_a_text_is_refused(ann: Actor, fingerprint: str, text: str) -> None:
    with pytest.raises(OperationRefused):
        audit_log.add_note(fingerprint, text, ann)


def test_what_was_done_to_a_group_stands_beside_its_notes(ann: Actor) -> None:
    organization()
    rows(dead()).update(fingerprint="f00")
    audit_log.add_note("f00", "retry after the deploy", ann)
    runner.start(RETRY, Selection(fingerprint="f00"), ann, "deployed")
    assert [action.kind for action in audit_log.list_group_entries("f00")] == ["retry", "note"]
