"""One spelling for every id."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passport_events.exceptions import Unreadable
from passport_events.salesforce_ids import normalize_id

# Ids from Salesforce's own documentation and from captured messages.
KNOWN = [
    "00DRM000000Fxts2AC",
    "0YLRM0000004Dfg4AE",
    "00D5f000005KcCnEAK",
    "006SM0000001Tb3YAE",
    "001SM0000000iibYAA",
    "0015f00002JUZPcAAP",
    "a00ak00000FqAsJAAV",
    "005ak00000EpjsfAAB",
    "068SM0000004aBcYAI",
    "000000000000000AAA",
]


@pytest.mark.parametrize("known", KNOWN)
def test_every_spelling_of_an_id_is_one_id(known: str) -> None:
    for spelling in (known, known[:15], known.lower(), known.upper()):
        assert normalize_id(spelling) == known


@settings(deadline=None)
@given(st.from_regex(r"[0-9A-Za-z]{15}", fullmatch=True))
def test_any_id_survives_losing_its_case(fifteen: str) -> None:
    known = normalize_id(fifteen)
    assert len(known) == 18
    assert known.startswith(fifteen)
    assert normalize_id(known) == normalize_id(known.lower()) == normalize_id(known.upper()) == known


WRONG = {
    "too short": "006SM0000001Tb",
    "between": "006SM0000001Tb3Y",
    "too long": "006SM0000001Tb3YAEE",
    "empty": "",
    "a hyphen": "006SM000000-Tb3YAE",
    "a newline at the end": "006SM0000001Tb3\n",
    "letters of another alphabet": "006SM0000001Tb\u0417",
    "digits of another alphabet": "006SM0000001Tb\u0663",
    "another suffix": "006SM0000001Tb3YAF",
    "a suffix beyond its letters": "006sm0000001tb3ya9",
    "a suffix that calls a digit upper case": "000000000000000baa",
    "its case half lost": "006sm0000001Tb3YAE",
    "NUL": "006SM0000001Tb3\0AE",
    "not text": 6,
    "a list": ["006SM0000001Tb3YAE"],
    "nothing": None,
}


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG.keys())
def test_refuses_what_is_no_id(value: object) -> None:
    with pytest.raises(Unreadable) as caught:
        normalize_id(value, "subject")
    assert caught.value.reason == "bad_id"
    assert "subject" in caught.value.detail
    assert not isinstance(value, str) or not value or value not in str(caught.value)


@settings(deadline=None)
@given(st.text(max_size=20))
def test_any_text_is_an_id_or_refused(text: str) -> None:
    with contextlib.suppress(Unreadable):
        assert len(normalize_id(text)) == 18
