"""What is one message in a file, and on which line it stands."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport_events.contract.input_files import split_payloads


def found(data: bytes) -> list[tuple[int, bytes]]:
    """Line and bytes of every payload."""
    return [(payload.line, payload.body) for payload in split_payloads(data)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b" \r\n\t\n", []),
        (b"\xef\xbb\xbf\n", []),
        (b'{"a": 1}', [(1, b'{"a": 1}')]),
        (b'\xef\xbb\xbf\n\n {"a": 1} \r\n', [(3, b'{"a": 1}')]),
        (b'{"a": 1}\r\n\r\n{"b": 2}\r\n', [(1, b'{"a": 1}'), (3, b'{"b": 2}')]),
        (b'\n{\n"a": 1\n}\n', [(2, b'{\n"a": 1\n}')]),
        # A pointer to S3 is an array, and one message.
        (b'["class",\n{"s3Key": "k"}]', [(1, b'["class",\n{"s3Key": "k"}]')]),
        (b'[\n{"a": 1}\n]', [(1, b'[\n{"a": 1}\n]')]),
        # Lines that are broken do not hide the others, and a broken document is not many messages.
        (b'{"a": 1\n{"b": 2}\nx', [(1, b'{"a": 1'), (2, b'{"b": 2}'), (3, b"x")]),
        (b'{\n"a": {},\n"b": \n}', [(1, b'{\n"a": {},\n"b": \n}')]),
        (b'{"a": 1}\n\xff\xfe', [(1, b'{"a": 1}'), (2, b"\xff\xfe")]),
        (b"\x00\n\xff", [(1, b"\x00\n\xff")]),
        # Only a line feed ends a line: JSON may hold the others of Unicode as they are.
        ('{"a": "x\u2028y\x85z"}'.encode(), [(1, '{"a": "x\u2028y\x85z"}'.encode())]),
    ],
)
def test_a_file_is_one_document_or_lines(data: bytes, expected: list[tuple[int, bytes]]) -> None:
    assert found(data) == expected


OBJECTS = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=10), min_size=1, max_size=3)


@given(st.lists(OBJECTS, min_size=1, max_size=6), st.booleans())
def test_every_line_is_found_again(values: list[dict[str, Any]], is_ascii: bool) -> None:  # noqa: FBT001
    lines = [json.dumps(value, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass") for value in values]
    assert found(b"\n".join(lines)) == list(enumerate(lines, 1))


@given(OBJECTS)
def test_a_document_is_one_message_however_it_is_written(value: dict[str, Any]) -> None:
    assert len(found(json.dumps(value, indent=1).encode())) == 1


@given(st.binary(max_size=200))
def test_no_byte_but_blanks_is_lost(data: bytes) -> None:
    blanks = b" \t\r\n"
    text = data.removeprefix(b"\xef\xbb\xbf")
    assert b"".join(body for _, body in found(data)).translate(None, blanks) == text.translate(None, blanks)
