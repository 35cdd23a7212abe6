"""Every limit of the JSON reader, at the limit and one beyond it."""

import contextlib
import json
import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passport_events.exceptions import Unreadable
from passport_events.wire import strict_json
from passport_events.wire.strict_json import MAX_DEPTH, MAX_NODES, MAX_NUMBER_LENGTH
from tests.harness.strategies import recursive

MEBIBYTE = 1_048_576


def loads(body: bytes) -> object:
    return strict_json.loads(body, MEBIBYTE)


def reason(body: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        loads(body)
    return caught.value.reason


REFUSED = {
    "nothing": (b"", "empty_body"),
    "white space": (b" \r\n\t", "empty_body"),
    "only a byte order mark": (b"\xef\xbb\xbf", "empty_body"),
    "a word": (b"hello", "invalid_json"),
    "HTML": (b"<html></html>", "invalid_json"),
    "truncated": (b'{"a": [1, 2', "invalid_json"),
    "truncated in a string": (b'{"a": "b', "invalid_json"),
    "truncated after a backslash": (b'{"a": "b\\', "invalid_json"),
    "garbage at the end": (b"{} x", "invalid_json"),
    "two values": (b"{}{}", "invalid_json"),
    "single quotes": (b"{'a': 1}", "invalid_json"),
    "a comma too many": (b"[1,]", "invalid_json"),
    "a control character in a string": (b'{"a": "\x01"}', "invalid_json"),
    "a zero in a string": (b'{"a": "x\x00"}', "invalid_json"),
    "a closing bracket too many": (b"]" * 1000, "invalid_json"),
    "one level too many": (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "too_deep"),
    "100,000 levels of objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "too_deep"),
    "100,000 levels never closed": (b"[" * 99_999, "too_deep"),
    "levels behind a string of brackets": (b'["]]]]\\"]]]", ' + b"[" * 64, "too_deep"),
    "a digit too many": (b"1" * (MAX_NUMBER_LENGTH + 1), "number_too_long"),
    "5,000 digits": (b'{"a": ' + b"1" * 5_000 + b"}", "number_too_long"),
    "a decimal place too many": (b"0." + b"1" * (MAX_NUMBER_LENGTH - 1), "number_too_long"),
    "NaN": (b'{"a": NaN}', "non_finite"),
    "Infinity": (b"[Infinity]", "non_finite"),
    "-Infinity": (b"[-Infinity]", "non_finite"),
    "1e400": (b"[1e400]", "non_finite"),
    "-1e140000": (b"[-1e140000]", "non_finite"),
    "a number too small for a double": (b"[1e-400]", "non_finite"),
    "an exponent of twenty digits": (b"[1e99999999999999999999]", "non_finite"),
    "an exponent of minus twenty digits": (b"[0.1e-99999999999999999999]", "non_finite"),
    "a key twice": (b'{"a": 1, "a": 1}', "duplicate_key"),
    "a key twice, once escaped": (b'{"a": 1, "\\u0061": 1}', "duplicate_key"),
    "a key twice, deep inside": (b'[{"x": {"a": 1, "b": 2, "a": 3}}]', "duplicate_key"),
    "NUL in a value": (b'{"a": "x\\u0000"}', "nul_char"),
    "NUL in a key": (b'{"a\\u0000": 1}', "nul_char"),
    "NUL as the whole body": (b'"\\u0000"', "nul_char"),
    "a lone high surrogate": (b'{"a": "\\ud800"}', "bad_unicode"),
    "a lone low surrogate in a key": (b'{"\\uDFFF": 1}', "bad_unicode"),
    "surrogates the wrong way round": (b'["\\udc00\\ud800"]', "bad_unicode"),
    "a lone surrogate that is not escaped": ('["\ud800"]'.encode("utf-8", "surrogatepass"), "bad_unicode"),
    "Latin-1": ('{"a": "é"}'.encode("latin-1"), "bad_encoding"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "bad_encoding"),
    "UTF-16, little end first": ('{"a": 1}'.encode("utf-16-le"), "bad_encoding"),
    "UTF-16, big end first": ('{"a": 1}'.encode("utf-16-be"), "bad_encoding"),
    "UTF-32": ('{"a": 1}'.encode("utf-32"), "bad_encoding"),
    "an overlong encoding": (b'["\xc0\x80"]', "bad_encoding"),
    "a byte too many": (b" " * (MEBIBYTE + 1), "too_large"),
    "a value too many": (b"[" + b"1," * (MAX_NODES - 1) + b"1]", "too_many_nodes"),
    "100,000 keys": (b"{" + b",".join(b'"%d":0' % i for i in range(MAX_NODES)) + b"}", "too_many_nodes"),
    "half a million elements": (b"[" + b"1," * 500_000 + b"1]", "too_many_nodes"),
    "half a million objects": (b"[" + b"{}," * 300_000 + b"{}]", "too_many_nodes"),
}


@pytest.mark.parametrize(("body", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(body: bytes, expected: str) -> None:
    assert reason(body) == expected


ACCEPTED: dict[str, tuple[bytes, object]] = {
    "a scalar": (b"null", None),
    "a byte order mark": (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
    "as many levels as allowed": (b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH, None),
    "many brackets next to each other": (b"[" + b"[]," * 1_000 + b"[]]", [[]] * 1_001),
    "brackets in a string": (json.dumps("[{" * 1_000).encode(), "[{" * 1_000),
    "brackets behind an escaped quote": (json.dumps(['"[[' * 100]).encode(), ['"[[' * 100]),
    "as many digits as allowed": (b"1" * MAX_NUMBER_LENGTH, int("1" * MAX_NUMBER_LENGTH)),
    "digits in a string": (b'"' + b"1" * 5_000 + b'"', "1" * 5_000),
    "an escaped backslash before u0000": (b'["\\\\u0000"]', ["\\u0000"]),
    "an escaped backslash before ud800": (b'["\\\\ud800"]', ["\\ud800"]),
    "a pair of surrogates": (b'["\\ud83d\\ude00"]', ["\U0001f600"]),
    "one key in two objects": (b'[{"a": 1}, {"a": 1}]', [{"a": 1}, {"a": 1}]),
    "keys that Python gives a meaning": (
        b'{"__proto__": "{0.__class__} %s"}',
        {"__proto__": "{0.__class__} %s"},
    ),
    "a full body of white space and a value": (b" " * (MEBIBYTE - 2) + b"{}", {}),
}


@pytest.mark.parametrize(("body", "expected"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepts(body: bytes, expected: object) -> None:
    value = loads(body)
    if expected is not None:
        assert value == expected


def test_accepts_as_many_values_as_allowed() -> None:
    assert len(loads(b"[" + b"1," * (MAX_NODES - 2) + b"1]")) == MAX_NODES - 1  # type: ignore[arg-type]


def test_counts_empty_containers_once() -> None:
    assert len(loads(b"[" + b"{ }," * (MAX_NODES - 2) + b"[\n]]")) == MAX_NODES - 1  # type: ignore[arg-type]


def test_does_not_take_a_list_with_a_string_for_an_empty_one() -> None:
    assert reason(b"[" + b'["a"],' * 60_000 + b"[]]") == "too_many_nodes"


@pytest.mark.parametrize("body", [b"null", b"1", b'"{}"', b"[]", b"true"])
def test_where_an_object_is_required_nothing_else_will_do(body: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        strict_json.loads_object(body, MEBIBYTE)
    assert caught.value.reason == "not_an_object"


HOSTILE = {
    "quotes that never end": b'["' + b'\\"' * 500_000,
    "backslashes": b'"' + b"\\\\" * 500_000 + b'u0000"',
    "escaped NULs": b'"' + b"\\u0000" * 170_000 + b'"',
    "empty strings": b"[" + b'"",' * 340_000 + b'""]',
    "opening brackets": b"[" * 1_000_000,
    "closing brackets": b"[[" * 40 + b"]" * 1_000_000,
    "digits": b"1" * 1_000_000,
    "an exponent": b"1e" + b"9" * 1_000_000,
    "keys": b"{" + b",".join(b'"%d":0' % i for i in range(90_000)) + b"}",
    "escaped pairs of surrogates": b'["' + b"\\ud83d\\ude00" * 87_000 + b'"]',
    "strings": b"[" + b'"\\ud83d\\ude00",' * 65_000 + b'""]',
    "commas": b"," * 1_000_000,
    "colons": b":" * 1_000_000,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_mebibyte_takes_less_than_a_second(body: bytes) -> None:
    started = time.process_time()
    with contextlib.suppress(Unreadable):
        loads(body)
    assert time.process_time() - started < 1


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_unreadable(body: bytes) -> None:
    with contextlib.suppress(Unreadable):
        loads(body)


JSON = recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**60), 10**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(JSON)
def test_reads_what_pythons_own_reader_reads(value: object) -> None:
    for ascii_only in (True, False):
        text = json.dumps(value, ensure_ascii=ascii_only)
        assert loads(text.encode()) == json.loads(text, parse_float=Decimal)


@pytest.mark.parametrize(
    "body",
    [
        b'{"Jane Doe": 1, "Jane Doe": 2}',
        b'{"a": Jane Doe}',
        b'"Jane Doe',
        b'["Jane Doe \\u0000"]',
        b'["Jane Doe \\ud800"]',
        b'["Jane Doe \xff"]',
        b'["Jane Doe"] Jane Doe',
    ],
)
def test_an_error_shows_nothing_of_the_body(body: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        loads(body)
    assert "Jane" not in str(caught.value)


def test_a_duplicate_key_is_named_where_it_looks_like_a_fields_name() -> None:
    with pytest.raises(Unreadable) as caught:
        loads(b'{"Name": 1, "StageName": 2, "StageName": 3}')
    assert caught.value.detail == "StageName"
