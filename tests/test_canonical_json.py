"""One text for equal JSON values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport_events.canonical_json import encode_canonical
from tests.harness.strategies import recursive

VALUES = recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1, "b": {"c": 2, "d": 3}}', '{ "b" : {"d":3,"c":2},"a":1}'),
        ('["\\u00fc\\/"]', '["ü/"]'),
        ("[100.0]", "[100]"),
        ("[1e3, 1.50]", "[1000, 1.5]"),
        ("[-0.0]", "[0]"),
        ("[1778192987716501507]", "[1778192987716501500]"),
    ],
    ids=["order and spaces", "escapes", "a point", "an exponent", "minus zero", "rounded by JavaScript"],
)
def test_two_spellings_of_a_value_are_one_text(one: str, other: str) -> None:
    assert encode_canonical(json.loads(one)) == encode_canonical(json.loads(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1], [True]),
        ([0], [False]),
        ([None], [0]),
        ([1], ["1"]),
        ([1.5], [1]),
        ([1, 2], [2, 1]),
        ([[1], 2], [[1, 2]]),
        ({"a": None}, {}),
        ([2**53], [2**53 - 1]),
    ],
)
def test_different_values_are_different_texts(one: Any, other: Any) -> None:
    assert encode_canonical(one) != encode_canonical(other)


@given(VALUES)
def test_parsing_the_text_and_writing_it_again_changes_nothing(value: Any) -> None:
    text = encode_canonical(value)
    assert encode_canonical(json.loads(text)) == text
    assert encode_canonical(json.loads(json.dumps(value, indent=1, ensure_ascii=False))) == text
