"""Five words for eight statuses."""

from __future__ import annotations

from passport_events.models import Status
from passport_events.operating.explain import STATUSES, DisplayStatus, describe_status, get_display_status


def test_every_status_has_one_word() -> None:
    every = [status for statuses in STATUSES.values() for status in statuses]
    assert sorted(every) == sorted(Status)
    assert set(STATUSES) == set(DisplayStatus)
    assert all(status in STATUSES[get_display_status(status)] for status in Status)


def test_the_status_is_added_where_the_word_says_less() -> None:
    assert {describe_status(status) for status in Status} == {
        "waiting",
        "working",
        "done: succeeded",
        "done: superseded",
        "done: ignored",
        "needs you: dead",
        "needs you: quarantined",
        "put away",
    }
