"""Case A9. JSON whose numbers keep their digits."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from passport_events import exact_json
from passport_events.exact_json import ExactDecoder, ExactEncoder
from tests.harness.strategies import recursive

# NUL is refused before: `strict_json`.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20) | (
    st.sampled_from(['"', "\\", "\\u0000number:1.5", '"\\u0000number:1.5"', '\\"u0000number:1', "number:1.5"])
)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)
VALUES = recursive(
    st.none() | st.booleans() | st.integers() | DECIMALS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def shape(value: Any) -> Any:
    """With types and spelling, because to Python 1, 1.0 and true are equal."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return (type(value), str(value))


@given(VALUES)
def test_writing_and_reading_gives_the_value(value: Any) -> None:
    for text in (exact_json.dumps(value), exact_json.dumps(value, ensure_ascii=True, indent=1)):
        found = exact_json.loads(text)
        assert found == value
        assert exact_json.is_equal(found, value)
        json.loads(text)


@given(st.lists(TEXT | st.from_regex(r"-?(0|[1-9][0-9]{0,20})\.[0-9]{1,20}", fullmatch=True).map(Decimal)))
@example([Decimal("1.10"), '"\\u0000number:1.5"'])
def test_the_spelling_of_a_number_stays(value: list[Any]) -> None:
    assert shape(exact_json.loads(exact_json.dumps(value))) == shape(value)


@pytest.mark.parametrize("text", ["12345678901234567.89", "0.1", "1.10", "100.0", "-0.5", "1E+2", "3E-7"])
def test_a_number_with_a_fraction_or_an_exponent_is_a_decimal(text: str) -> None:
    number = exact_json.loads(text)
    assert type(number) is Decimal
    assert exact_json.dumps({"a": [number]}) == f'{{"a": [{text}]}}'


def test_a_whole_number_is_an_int() -> None:
    assert type(exact_json.loads("12345678901234567890")) is int


def test_the_classes_do_the_same_for_json_and_for_fields() -> None:
    text = json.dumps({"a": Decimal("1.10")}, cls=ExactEncoder)
    assert text == '{"a": 1.10}'
    assert shape(json.loads(text, cls=ExactDecoder)) == {"a": (Decimal, "1.10")}


def test_one_encoder_can_write_twice() -> None:
    encoder = ExactEncoder()
    assert [encoder.encode(value) for value in (Decimal("1.5"), "a", 1)] == ["1.5", '"a"', "1"]


def test_what_is_no_json_goes_through_default() -> None:
    key = uuid.UUID(int=1)
    assert exact_json.dumps([key, Decimal("1.50")], default=str) == f'["{key}", 1.50]'
    with pytest.raises(TypeError):
        exact_json.dumps([key])


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="JSON has no"):
        exact_json.dumps([Decimal(number)])


EQUAL = [
    (Decimal("1.10"), Decimal("1.1")),
    (100, Decimal("100.0")),
    ({"a": [1], "b": None}, {"b": None, "a": [Decimal("1.0")]}),
    (True, True),
    (None, None),
]
DIFFERENT = [
    (1, True),
    (False, 0),
    (Decimal("1.0"), True),
    ([1], [True]),
    ({"a": 1}, {"a": True}),
    ({"a": None}, {}),
    ([1], [1, 1]),
    ("1", 1),
    (None, 0),
    ({}, []),
    (Decimal("12345678901234567.89"), Decimal("12345678901234567.90")),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal_values(one: Any, other: Any) -> None:
    assert exact_json.is_equal(one, other)
    assert exact_json.is_equal(other, one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_values(one: Any, other: Any) -> None:
    assert not exact_json.is_equal(one, other)
    assert not exact_json.is_equal(other, one)
