"""Mask what may be a value in a text; pure.

A text keeps phrases, which match whole words, and names. Names are kept only if one name or a list of names
is all that is between two phrases. So no value can be composed of short pieces.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from passport_events.event import Event
from passport_events.models import SalesforceRecord

MASK = "[value]"
MIN_LETTERS = 3
"""Letters of the shortest phrase: values could be composed of shorter ones."""
MAX_EDGE_LETTERS = 3
"""A word this short at the edge of a phrase may belong to a value, as in "4th of May" or "id42"."""

MAX_VALUE_CHARACTERS = 200
"""Length of a value that is compared; no name in code is longer."""

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_WORD = re.compile(r"\w+")
_DOTTED = re.compile(r"\w++(?:\.\w++)*+")
_SENTENCE = re.compile(r"\w \w")
_PLACEHOLDER = re.compile(r"%(?:\([^()]*\))?[-#0 +]?\d*(?:\.\d+)?[a-zA-Z]|%%|\{[^{}]*\}")
_BESIDE_NAMES = frozenset("'\"`.,:()[]{}<>")
_ALONE = frozenset(":,.;-()[]{}'\" ")
_MAX_ALONE = 6
"""Characters of punctuation that are kept between phrases, as in "['" and "'], '"."""
_SEPARATORS = frozenset(":;,")
_QUOTES = frozenset("'\"`")
_END = ""

_Node = dict[str, Any]


class Phrases:
    """Phrases as a tree of words; and constants of one word, which are names."""

    def __init__(self, texts: Iterable[str] = (), base: Phrases | None = None) -> None:
        """`base` has further phrases, and is shared: `add` does not change it."""
        self.words: set[str] = set(base.words) if base else set()
        self._tree: _Node = {}
        self._base = base
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Add a constant, and its parts between placeholders."""
        for piece in {text, *_PLACEHOLDER.split(text)}:
            tokens = tokenize(piece)
            if len(tokens) == 1:
                self.words.add(piece)
            else:
                for phrase in _cut_edges(_strip(tokens)):
                    self._insert(phrase)

    def match(self, tokens: Sequence[str], start: int) -> int:
        """Return the length of the longest phrase that begins at `start`; 0 if none does."""
        node, end = self._tree, start
        for at in range(start, len(tokens)):
            below = node.get(tokens[at])
            if below is None:
                break
            node = below
            if _END in node:
                end = at + 1
        return max(end - start, self._base.match(tokens, start) if self._base else 0)

    def _insert(self, tokens: Sequence[str]) -> None:
        if sum(map(_count_letters, tokens)) < MIN_LETTERS:
            return
        node = self._tree
        for token in tokens:
            node = node.setdefault(token, {})
        node[_END] = {}


def mask(text: str, phrases: Phrases, is_name: Callable[[str], bool], is_value: Callable[[str], bool]) -> str:
    """Replace everything that is neither a phrase nor a name by MASK, and also these if they are values."""

    def is_known(name: str) -> bool:
        if is_value(name):
            return False
        return is_name(name) or ("." in name and all(map(is_known, name.split("."))))

    def is_name_list(tokens: Sequence[str]) -> bool:
        names = _find_names(tokens)
        return bool(names) and not is_value("".join(tokens)) and all(map(is_known, names))

    tokens = tokenize(text)
    kept: list[str] = []
    gap: list[str] = []
    at = 0
    while at < len(tokens):
        length = phrases.match(tokens, at)
        found = tokens[at : at + (length or 1)]
        if length and not is_value("".join(found)):
            kept += _fill_gap(kept, gap, found[0], is_name_list)
            kept += found
            gap = []
        else:
            gap += found
        at += len(found)
    return "".join([*kept, *_fill_gap(kept, gap, "", is_name_list)]).strip()


def tokenize(text: str) -> list[str]:
    """Split into words, other single characters, and one space for each run of white space."""
    return [" " if token.isspace() else token for token in _TOKEN.findall(text)]


def _fill_gap(
    kept: Sequence[str], gap: list[str], following: str, is_name_list: Callable[[Sequence[str]], bool]
) -> list[str]:
    """Return what replaces a gap: names or MASK, inside the punctuation that belongs to its neighbours."""
    before = gap[:1] if kept and gap[:1] and gap[0] in _SEPARATORS and gap[1:2] == [" "] else []
    core = _strip(gap[len(before) :])
    if not core:
        return gap
    text = "".join(core)
    is_punctuation = len(text) <= _MAX_ALONE and _ALONE.issuperset(text)
    if not is_punctuation and not is_name_list(core):
        # Keep a quote that pairs with one of a neighbour: else the neighbour would be taken for quoted.
        first = core[0] if core[0] in _QUOTES and core[0] == following else ""
        last = core[-1] if core[-1] in _QUOTES and kept[-1:] == [core[-1]] else ""
        text = f"{first}{MASK}{last}"
    is_apart = gap[len(before)] == " "
    return [*before, " " if is_apart else "", text, " " if gap[-1] == " " else ""]


def _find_names(tokens: Sequence[str]) -> list[str]:
    """Return the names of one name or a list of them; two words with only a space between are a sentence."""
    text = "".join(tokens)
    is_list = all(each in _BESIDE_NAMES or each == " " or _WORD.match(each) for each in tokens)
    return _DOTTED.findall(text) if is_list and not _SENTENCE.search(text) else []


def _strip(tokens: Sequence[str]) -> Sequence[str]:
    start, end = 0, len(tokens)
    while start < end and tokens[start] == " ":
        start += 1
    while end > start and tokens[end - 1] == " ":
        end -= 1
    return tokens[start:end]


def _cut_edges(tokens: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(1 + _is_edge(tokens[:1])):
        for last in range(1 + _is_edge(tokens[-1:])):
            yield _strip(tokens[first : len(tokens) - last])


def _is_edge(tokens: Sequence[str]) -> bool:
    return bool(tokens) and 0 < _count_letters(tokens[0]) <= MAX_EDGE_LETTERS


def _count_letters(token: str) -> int:
    return sum(map(str.isalpha, token))


def collect_names(event: Event, record: SalesforceRecord | None = None) -> tuple[Container[str], ...]:
    """Return field names and ids, which are not secret: an error may repeat them."""
    return (
        _collect_ids(event),
        event.fields,
        frozenset(event.missing),
        *((record.fields,) if record is not None else ()),
    )


def collect_values(event: Event, record: SalesforceRecord | None = None) -> frozenset[str]:
    """Return the normalized values of an event and its record, which no error may repeat."""
    held = [event.fields, record.fields if record is not None else None]
    return frozenset(map(normalize_value, _iterate_values(held))).difference(
        map(normalize_value, _collect_ids(event)), ("",)
    )


def normalize_value(text: str) -> str:
    """Return the form in which texts and values are compared, without case, spacing and outer punctuation."""
    words = " ".join(text.casefold().split())
    return words.strip(string.punctuation + " ") or words


def _collect_ids(event: Event) -> set[str]:
    return {event.event_type, event.entity, event.record_id, event.organization}


def _iterate_values(values: Iterable[Any]) -> Iterator[str]:
    # A stack instead of recursion: the publisher decides how deeply values are nested.
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            waiting.extend(value)
        elif value is not None and not isinstance(value, bool):
            text = str(value)
            if len(text) <= MAX_VALUE_CHARACTERS:
                yield text
