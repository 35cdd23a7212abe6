"""What fails for one reason has one fingerprint, and what fails for another has another."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport_events import fingerprint
from passport_events.testing import record_id

WORDS = st.lists(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1), min_size=2, max_size=6)
PLACES = st.from_regex(r"[a-z_]{1,12}(\.[a-z_]{1,12}){0,2}:[a-zA-Z_]{1,12}", fullmatch=True)
FRAMES = st.lists(PLACES, max_size=3)
CLASSES = st.sampled_from(["builtins.ValueError", "builtins.KeyError", "host.errors.EnrolError"])
QUOTED = st.tuples(st.sampled_from("'\"`"), st.text(max_size=30)).map(
    lambda pair: pair[0] + pair[1].replace(pair[0], "") + pair[0]
)
VALUES = st.one_of(
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.uuids().map(str),
    st.integers(0, 10**9).map(lambda number: record_id("Opportunity", number)),
    st.integers(0, 10**9).map(lambda number: record_id("Opportunity", number)[:15]),
    st.emails().map(lambda address: re.sub(r"[\"'`<>()\s]", "x", address)),
    st.dates().map(str),
    st.datetimes().map(str),
    st.just("[value]"),
    QUOTED,
)


def told(words: list[str], values: list[str]) -> str:
    """The same sentence about other values."""
    return " ".join(part for pair in zip(words, values, strict=False) for part in pair)


@given(WORDS, st.data())
def test_ids_numbers_and_quoted_text_make_no_other_group(words: list[str], data: st.DataObject) -> None:
    values = st.lists(VALUES, min_size=len(words), max_size=len(words))
    one, other = told(words, data.draw(values)), told(words, data.draw(values))

    assert (
        fingerprint.normalize_text(one)
        == fingerprint.normalize_text(other)
        == f"{f' {fingerprint.GAP} '.join(words)} #"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rows 1, 2 and 3", "rows 4, 5 and 6"),
        ("rows 1, 2, 3", "rows 1"),
        ("no program for [value]", "no program for 12"),
        ("<Offer object at 0x7f1e>", "<Offer object at 0xffee>"),
        ("can't read 'x' of 006A000001", "can't read 'O'Brien' of 006B01"),
        ("bad date 2026-01-02T03:04:05Z", "bad date 2027-11-12T13:14:15Z"),
        ("never closed 'abc", "never closed 'xyz"),
        ("line\n  one", "line one"),
    ],
)
def test_these_say_the_same(one: str, other: str) -> None:
    assert fingerprint.normalize_text(one) == fingerprint.normalize_text(other)


def test_words_are_kept_and_apostrophes_in_them_too() -> None:
    assert fingerprint.normalize_text("The program's fee isn't 12.50 yet") == "The program's fee isn't # yet"


@given(st.text(max_size=3_000))
def test_any_text_has_a_short_gist_of_one_line(text: str) -> None:
    gist = fingerprint.normalize_text(text)
    assert len(gist) <= fingerprint.MAX_TEXT_LENGTH
    assert not re.search(r"[\d\n]", gist)


@given(st.sampled_from(["opportunity", "item"]), CLASSES, FRAMES, st.text(max_size=50))
def test_a_fingerprint_fits_its_column_and_says_nothing(
    event_type: str, error_class: str, frames: list[str], text: str
) -> None:
    found = fingerprint.compute_error_fingerprint(
        event_type, error_class, frames, fingerprint.normalize_text(text)
    )
    assert re.fullmatch(f"[0-9a-f]{{{fingerprint.LENGTH}}}", found)


@given(
    st.lists(
        st.tuples(st.sampled_from(["opportunity", "item"]), CLASSES, FRAMES.map(tuple), st.text(max_size=9)),
        min_size=2,
        max_size=2,
        unique=True,
    )
)
def test_another_type_class_function_or_gist_is_another_group(
    pair: list[tuple[str, str, tuple[str, ...], str]],
) -> None:
    one, other = (fingerprint.compute_error_fingerprint(*parts) for parts in pair)
    assert one != other


def test_errors_crashes_and_quarantines_never_share_a_group() -> None:
    found = {
        fingerprint.compute_error_fingerprint("a", "b", (), ""),
        fingerprint.compute_crash_fingerprint("a"),
        fingerprint.compute_quarantine_fingerprint("a", "b"),
        fingerprint.compute_quarantine_fingerprint("a", "c"),
        fingerprint.compute_quarantine_fingerprint("c", "b"),
    }
    assert len(found) == 5


def test_another_version_makes_other_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint.compute_crash_fingerprint("item")
    monkeypatch.setattr(fingerprint, "VERSION", fingerprint.VERSION + 1)
    assert fingerprint.compute_crash_fingerprint("item") != before
