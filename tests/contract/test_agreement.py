"""What the types accept the reader accepts, and the other way round."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from passport_events.contract.problems import find_violations
from tests.wire.deliveries import ORGANIZATION

from .agreement import about_change_event, about_message
from .edges import ABSENT, DATA, HEADER, MESSAGE, SOURCES, Edge
from .messages import changed, opportunity
from .strategies import CHANGE_EVENTS, MESSAGES, without_absent

pytestmark = pytest.mark.any_database

EXAMPLES = settings(deadline=None, max_examples=3 * settings().max_examples)


@EXAMPLES
@given(MESSAGES)
def test_reader_and_types_agree_on_messages_of_the_contract(body: dict[str, Any]) -> None:
    assert about_message(body) == []


@EXAMPLES
@given(CHANGE_EVENTS)
def test_reader_and_types_agree_on_change_events(body: dict[str, Any]) -> None:
    assert about_change_event(body) == []


def at_the_edge(whole: dict[str, Any], edges: dict[str, Edge]) -> Iterator[dict[str, Any]]:
    """The same with every member in turn at each of its edges, and beyond."""
    for name, edge in edges.items():
        for value in [*edge.right, *edge.wrong, ABSENT, None, [], {}, [5]]:
            yield without_absent({**whole, name: value})


def test_they_agree_at_the_edge_of_every_member_of_a_message() -> None:
    bodies = list(at_the_edge(opportunity(), MESSAGE | {"data": Edge([], [5, "{}"])}))
    bodies += [
        opportunity(subject=None) | {"data": data} for data in at_the_edge(opportunity()["data"], DATA)
    ]

    assert [(body, found) for body in bodies if (found := about_message(body))] == []


@pytest.mark.parametrize("change", ["CREATE", "UPDATE", "DELETE", "GAP_UPDATE"])
def test_they_agree_at_the_edge_of_every_member_of_a_change_event(change: str) -> None:
    whole = changed(changeType=change)
    headers = at_the_edge(whole["detail"]["payload"]["ChangeEventHeader"], HEADER)
    bodies = [{**whole, "detail": {"payload": {"ChangeEventHeader": header}}} for header in headers]
    bodies += at_the_edge(whole, {"source": SOURCES, "detail": Edge([], [5, {"payload": 5}])})

    assert [(body, found) for body in bodies if (found := about_change_event(body))] == []


@pytest.mark.parametrize("name", MESSAGE)
def test_what_is_right_has_no_problems_and_what_is_just_wrong_has(name: str) -> None:
    usual = opportunity(orgid=ORGANIZATION)
    right = [without_absent({**usual, name: value}) for value in MESSAGE[name].right]

    assert [body for body in right if find_violations(body, "opportunity")] == []
    assert [
        value for value in MESSAGE[name].wrong if not find_violations({**usual, name: value}, "opportunity")
    ] == []
