"""Problems go into tickets and logs, and what is in a message belongs to students."""

from __future__ import annotations

from typing import Any

import pytest

from passport_events.contract import problems
from passport_events.contract.problems import find_violations

from .edges import DATA, HEADER, MESSAGE
from .messages import changed, opportunity

SECRET = "Jane Doe 1234"
VALUES: list[Any] = [
    SECRET,
    [SECRET],
    {SECRET: SECRET},
    {"A": {SECRET: 1}, f"A.{SECRET}": 2},
    {SECRET * 30: 1},
]


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_no_value_and_no_name_of_a_message_is_repeated(value: Any) -> None:
    bodies = [opportunity() | {name: value} for name in [*MESSAGE, "data", SECRET]]
    bodies += [opportunity({name: value}) for name in [*DATA, SECRET, SECRET * 30]]
    header = changed()["detail"]["payload"]["ChangeEventHeader"]
    events = [changed() | {name: value} for name in ("source", "detail", "detail-type", SECRET)]
    events += [
        changed() | {"detail": {"payload": value}},
        changed(value if isinstance(value, dict) else None),
    ]
    events += [
        changed() | {"detail": {"payload": {"ChangeEventHeader": header | {name: value}}}} for name in HEADER
    ]
    found = [find_violations(body, "opportunity") for body in bodies]
    found += [find_violations(body, "change_event") for body in events]

    assert sum(map(bool, found)) > 10
    assert SECRET not in repr(found)
    assert "Jane" not in repr(find_violations(value, "opportunity"))


def test_a_name_that_is_not_ours_is_never_shown_in_a_path() -> None:
    assert problems._format_path(("data", SECRET, 0, "detail-type")) == (
        "data.(a name that cannot be shown)[0].detail-type"
    )
