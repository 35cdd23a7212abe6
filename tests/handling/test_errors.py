"""What is kept of an exception: never a value of the payload."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport_events.handling.errors import LONGEST_TEXT, MASK, ErrorReport, describe


def report(error: BaseException, *values: Any) -> ErrorReport:
    """Raise it first, so that it has a traceback."""
    try:
        raise error
    except type(error) as raised:
        return describe(raised, values)


def test_the_class_is_named_in_full() -> None:
    assert report(json.JSONDecodeError("x", "", 0)).error_class == "json.decoder.JSONDecodeError"


def test_a_value_of_the_event_is_masked_wherever_it_stands() -> None:
    told = report(ValueError("Maria Lopez is not Maria Lopez"), {"Name": "Maria Lopez"})

    assert told.text == f"{MASK} is not {MASK}"


@pytest.mark.parametrize(
    "quoted",
    [
        repr('O\'Brien\n"x"'),
        "'O''Brien\n\"x\"'",
        json.dumps('O\'Brien\n"x"'),
    ],
    ids=["python", "sql", "json"],
)
def test_a_value_is_masked_in_the_form_that_messages_quote_it(quoted: str) -> None:
    assert "Brien" not in report(ValueError(f"bad: {quoted}"), {"Name": 'O\'Brien\n"x"'}).text


def test_nested_values_and_numbers_are_masked() -> None:
    values = {"Address": {"City": "Boston", "Codes": [40012, 12.75]}}

    assert report(ValueError("Boston 40012 12.75"), values).text == f"{MASK} {MASK} {MASK}"


def test_parts_of_a_number_are_no_values() -> None:
    assert report(ValueError("line 234"), {"Amount": 12345}).text == "line 234"


def test_short_values_truth_and_nothing_are_left() -> None:
    assert report(ValueError("is True or None"), {"A": "is", "B": True, "C": None}).text == "is True or None"


def test_what_postgresql_repeats_behind_detail_is_cut_off() -> None:
    text = 'duplicate key value violates "x"\nDETAIL:  Key (name)=(somebody else) already exists.'

    assert report(ValueError(text)).text == 'duplicate key value violates "x"'


def test_a_value_that_holds_the_word_detail_does_not_survive_in_halves() -> None:
    value = "first half DETAIL: second half"

    assert report(ValueError(f"bad {value}"), {"Note": value}).text == f"bad {MASK}"


def test_a_value_with_spaces_around_it_is_masked() -> None:
    assert "Maria" not in report(ValueError("bad  Maria "), {"Name": " Maria "}).text


def test_a_value_does_not_appear_by_dropping_what_cannot_be_stored() -> None:
    assert "secret" not in report(ValueError("se\x00cret"), {"Name": "secret"}).text


def test_masks_are_not_masked_again() -> None:
    assert report(ValueError("Maria, value"), {"A": "Maria", "B": "value"}).text == f"{MASK}, {MASK}"


def test_what_postgresql_refuses_is_left_out() -> None:
    told = report(ValueError("a\x00b\ud800c"))

    assert told.text == "ab?c"
    told.frames.encode()


def test_an_error_whose_text_cannot_be_made_is_told_all_the_same() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    assert report(Mute()).text == "(the error's text cannot be made)"


def test_a_long_text_is_cut() -> None:
    assert len(report(ValueError("x" * 100_000)).text) == LONGEST_TEXT


def test_a_cause_is_told_before_its_error_and_without_texts() -> None:
    def read() -> None:
        raise KeyError("Maria")

    def fail() -> None:
        try:
            read()
        except KeyError as error:
            raise ValueError("Lopez") from error

    with pytest.raises(ValueError, match="Lopez") as raised:
        fail()
    frames = describe(raised.value, []).frames

    assert (
        frames.index("builtins.KeyError") < frames.index("which led to") < frames.index("builtins.ValueError")
    )
    assert "in read" in frames
    assert "Maria" not in frames
    assert "Lopez" not in frames


def test_an_error_that_hides_its_context_is_told_alone() -> None:
    def read() -> None:
        raise KeyError("Maria")

    def fail() -> None:
        try:
            read()
        except KeyError:
            raise ValueError("Lopez") from None

    with pytest.raises(ValueError, match="Lopez") as raised:
        fail()

    assert "KeyError" not in describe(raised.value, []).frames


leaves = (
    st.text(min_size=3, max_size=40) | st.integers(100) | st.floats(allow_nan=False).map(lambda x: x + 0.5)
)
payloads = st.dictionaries(st.text(max_size=5), leaves | st.lists(leaves, max_size=3), min_size=1, max_size=5)
quotings = st.sampled_from([str, repr, json.dumps, lambda value: str(value).replace("'", "''")])


def values_of(payload: Any) -> list[str]:
    if isinstance(payload, dict):
        return [text for value in payload.values() for text in values_of(value)]
    if isinstance(payload, list):
        return [text for value in payload for text in values_of(value)]
    return [str(payload)]


@given(payloads, quotings, st.sampled_from(["bad {} here", "{}", "'{}'", "({}) DETAIL: Key ({})"]))
def test_no_value_of_the_payload_survives(payload: dict[str, Any], quote: Any, sentence: str) -> None:
    """Given an error that repeats every value, when it is described, no value is left in its text."""
    told = [sentence.replace("{}", quote(value)) for value in values_of(payload)]
    text = report(ValueError(" ".join(told)), payload).text.replace(MASK, "\n\n\n")

    sentences = " ".join(sentence.replace("{}", "\n\n\n") for _ in told)
    assert not [value for value in values_of(payload) if value in text and value not in sentences]
