"""Keep of a text what is known not to be a value; pure.

Known are phrases, which are looked for as whole words, and names, which count only where one of them, or a
list of them, is all that stands between two phrases. So no value can be put together from short pieces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

MASK = "[value]"
MIN_LETTERS = 3
"""A phrase with fewer is no phrase: values could be put together from such ones."""
MAX_EDGE_LETTERS = 3
"""A word of a phrase's edge that may be the end of a value, as in "4th of May" or "id42"."""

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
    """Phrases by their words, as a tree; and the constants that are one word, which are names."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.words: set[str] = set()
        self._tree: _Node = {}
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Add a constant: as a whole, and in pieces where it has placeholders."""
        for piece in {text, *_PLACEHOLDER.split(text)}:
            tokens = tokens_of(piece)
            if len(tokens) == 1:
                self.words.add(piece)
            else:
                for phrase in _with_its_edges_cut(_stripped(tokens)):
                    self._insert(phrase)

    def match(self, tokens: Sequence[str], start: int) -> int:
        """The length of the longest phrase that begins at `start`; 0 where none does."""
        node, end = self._tree, start
        for at in range(start, len(tokens)):
            below = node.get(tokens[at])
            if below is None:
                break
            node = below
            if _END in node:
                end = at + 1
        return end - start

    def _insert(self, tokens: Sequence[str]) -> None:
        if sum(map(_letters, tokens)) < MIN_LETTERS:
            return
        node = self._tree
        for token in tokens:
            node = node.setdefault(token, {})
        node[_END] = {}


def redact(text: str, phrases: Phrases, is_name: Callable[[str], bool]) -> str:
    """Return `text` with everything that is neither a phrase nor a name as MASK."""
    tokens = tokens_of(text)
    kept: list[str] = []
    gap: list[str] = []
    at = 0
    while at < len(tokens):
        length = phrases.match(tokens, at)
        if length:
            kept += _filled(kept, gap, tokens[at], is_name)
            kept += tokens[at : at + length]
            gap = []
        else:
            gap.append(tokens[at])
        at += length or 1
    return "".join([*kept, *_filled(kept, gap, "", is_name)]).strip()


def tokens_of(text: str) -> list[str]:
    """Words, single other characters, and one space for each run of white space."""
    return [" " if token.isspace() else token for token in _TOKEN.findall(text)]


def _filled(kept: Sequence[str], gap: list[str], following: str, is_name: Callable[[str], bool]) -> list[str]:
    """What to show of a gap: names, or MASK, between the punctuation that belongs to its neighbours."""
    before = gap[:1] if kept and gap[:1] and gap[0] in _SEPARATORS and gap[1:2] == [" "] else []
    core = _stripped(gap[len(before) :])
    if not core:
        return gap
    text = "".join(core)
    is_punctuation = len(text) <= _MAX_ALONE and _ALONE.issuperset(text)
    if not is_punctuation and not _are_names(core, is_name):
        # A quote that a neighbour closes or opens, or a reader and the fingerprint take that one for quoted.
        first = core[0] if core[0] in _QUOTES and core[0] == following else ""
        last = core[-1] if core[-1] in _QUOTES and kept[-1:] == [core[-1]] else ""
        text = f"{first}{MASK}{last}"
    is_apart = gap[len(before)] == " "
    return [*before, " " if is_apart else "", text, " " if gap[-1] == " " else ""]


def _are_names(tokens: Sequence[str], is_name: Callable[[str], bool]) -> bool:
    """Whether these are one name or a list of them; two that only a space divides are a sentence."""
    if not all(each in _BESIDE_NAMES or each == " " or _WORD.match(each) for each in tokens):
        return False
    text = "".join(tokens)
    if _SENTENCE.search(text):
        return False
    names = _DOTTED.findall(text)
    return bool(names) and all(is_name(name) or all(map(is_name, name.split("."))) for name in names)


def _stripped(tokens: Sequence[str]) -> Sequence[str]:
    start, end = 0, len(tokens)
    while start < end and tokens[start] == " ":
        start += 1
    while end > start and tokens[end - 1] == " ":
        end -= 1
    return tokens[start:end]


def _with_its_edges_cut(tokens: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(1 + _is_edge(tokens[:1])):
        for last in range(1 + _is_edge(tokens[-1:])):
            yield _stripped(tokens[first : len(tokens) - last])


def _is_edge(tokens: Sequence[str]) -> bool:
    return bool(tokens) and 0 < _letters(tokens[0]) <= MAX_EDGE_LETTERS


def _letters(token: str) -> int:
    return sum(map(str.isalpha, token))
