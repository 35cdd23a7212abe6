"""Messages around the contract: mostly right, so that both ways to judge them are taken often."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from passport_events.wire.raw_delivery import RawDelivery
from tests.harness.strategies import recursive

from .edges import ABSENT, DATA, HEADER, MESSAGE, SOURCES, Edge
from .messages import changed

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
ANYTHING = recursive(
    # What JSON cannot say, or strict_json refuses before anybody looks, is not drawn.
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=4,
)
_FIELDS = st.dictionaries(
    st.sampled_from(["A", "A.B", "A.B.C", "B" * 255, "B" * 256]) | _TEXT, ANYTHING, max_size=2
)


def _mostly(usual: st.SearchStrategy[Any], unusual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    # Of ten members one that is wrong makes a wrong message.
    return st.integers(0, 11).flatmap(lambda number: usual if number else unusual)


def _member(edge: Edge) -> st.SearchStrategy[Any]:
    return _mostly(st.sampled_from(edge.right), st.sampled_from([*edge.wrong, ABSENT, None]) | ANYTHING)


def _members(edges: dict[str, Edge]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({name: _member(edge) for name, edge in edges.items()}).map(without_absent)


def without_absent(members: dict[str, Any]) -> dict[str, Any]:
    """Only what is there."""
    return {name: value for name, value in members.items() if value is not ABSENT}


def _change_event(source: Any, name: Any, header: Any, fields: dict[str, Any]) -> dict[str, Any]:
    payload = fields | without_absent({"ChangeEventHeader": header})
    return without_absent(
        {**changed(), "source": source, "detail-type": name, "detail": {"payload": payload}}
    )


_DATA = st.builds(lambda fields, known: fields | known, _FIELDS, _members(DATA))
MESSAGES = st.builds(
    lambda message, data: message | {"data": data}, _members(MESSAGE), _mostly(_DATA, ANYTHING)
)
CHANGE_EVENTS = st.builds(
    _change_event,
    _member(SOURCES),
    st.sampled_from(["OpportunityChangeEvent", "Changed", 5, ABSENT]),
    _mostly(_members(HEADER), ANYTHING | st.just(ABSENT)),
    _FIELDS,
)


def delivered(body: object) -> RawDelivery:
    """Raw, without attributes or a time: the body has to say everything, and no clock disagrees."""
    return RawDelivery(message_id="sqs-1", receipt_handle="receipt", body=json.dumps(body).encode())
