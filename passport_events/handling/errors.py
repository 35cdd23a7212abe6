"""The report of an exception: enough to fix the code, and no student data.

A value can reach an exception in any form, so no list of values can find it. What stays is what
cannot be a value: classes, places, constants of the code that raised it, and names.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterable, Iterator, Sequence

from passport_events import fingerprint
from passport_events.error_tree import collect_causes, iterate_leaves
from passport_events.handling.error_facts import Fact, facts_of, schema_names, texts_of
from passport_events.handling.error_places import class_name_of, own_frames_of, places_of
from passport_events.handling.event_words import plain
from passport_events.handling.redaction import Phrases, redact
from passport_events.handling.rq_timeout import is_job_timeout
from passport_events.handling.runtime_texts import DATABASES, NAMES, PYTHON
from passport_events.handling.source import SourceCode, find_source, templates_of
from passport_events.handling.validation_texts import validation_texts
from passport_events.interrupts import is_interrupt

LONGEST_TEXT = 1_000
MAX_READ = 10_000
"""Characters of an error's text that are looked at; what comes behind is dropped."""
MAX_INNER_SHOWN = 5
MAX_INNER_READ = 50
"""Errors of a group that are looked at."""
MIN_NAME = 3
"""Letters of a name in the code, for example of a variable; a shorter one is too easily part of a value."""
WITHOUT_TEXT = "(the error's text cannot be made)"


@dataclasses.dataclass(frozen=True, slots=True)
class ErrorReport:
    """An exception, safe to store and to show."""

    error_class: str
    text: str
    frames: str
    own_frames: tuple[str, ...] = ()
    """`module:function` of the project's own code, the innermost first; no lines."""
    gist: str = ""
    """The text without what differs from message to message, for the fingerprint."""
    inner: tuple[str, ...] = ()
    """What tells the errors of a group from those of another, sorted, each once."""

    def fingerprint(self, event_type: str) -> str:
        """Of the group of messages that this error belongs to."""
        return fingerprint.of_error(event_type, self.error_class, self.own_frames, self.gist, self.inner)


@dataclasses.dataclass(frozen=True, slots=True)
class Failure:
    """What a handler raised, with its report: made at once, because the error's own code makes its text."""

    error: BaseException
    report: ErrorReport


def capture(
    error: BaseException, names: Iterable[Container[str]] = (), values: Container[str] = frozenset()
) -> Failure:
    """Describe `error`; where RQ's alarm interrupts the making of its text, the alarm is the failure."""
    try:
        return Failure(error, describe(error, names, values))
    except BaseException as raised:
        if is_interrupt(raised):
            raise
        if is_job_timeout(raised):
            raised.__context__ = raised.__context__ or error
            return Failure(raised, describe(raised, names, values))
        return Failure(error, ErrorReport(f"{Exception.__module__}.{Exception.__name__}", WITHOUT_TEXT, ""))


def describe(
    error: BaseException, names: Iterable[Container[str]] = (), values: Container[str] = frozenset()
) -> ErrorReport:
    """Report `error`. `names` are those of fields and the like, which its text may repeat.

    `values`, in the form of `event_words.plain`, are what it does not repeat although the code says the same.
    Raises what RQ's alarm or a signal raises in the meantime.
    """
    chain = list(_chain(error))
    teller = _Teller(chain, tuple(names), values)
    text = teller.tell(error)
    inner: list[BaseException] = []
    if isinstance(error, BaseExceptionGroup):
        inner = _first(iterate_leaves(error), MAX_INNER_READ)
    gist = fingerprint.gist_of(text)
    lines = [text, *(f"{class_name_of(one)}: {teller.tell(one)}" for one in inner[:MAX_INNER_SHOWN])]
    if len(inner) > MAX_INNER_SHOWN:
        lines.append("and others")
    own = own_frames_of(inner[0]) if len(inner) == 1 else []
    return ErrorReport(
        error_class=class_name_of(error),
        text="\n".join(lines)[:LONGEST_TEXT],
        frames=_storable("which led to\n".join(map(_frames, chain))),
        own_frames=tuple(own or own_frames_of(error)),
        gist=gist,
        inner=tuple(sorted({_digest_of(one, teller) for one in inner})),
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """What led to `error`, the first cause first, then what is in it, then itself."""
    for one in reversed(collect_causes(error)):
        if isinstance(one, BaseExceptionGroup):
            yield from _first(iterate_leaves(one), MAX_INNER_SHOWN)
        yield one


def _first(errors: Iterator[BaseException], most: int) -> list[BaseException]:
    return [error for error, _ in zip(errors, range(most), strict=False)]


def _frames(error: BaseException) -> str:
    """Files, lines and functions, the innermost last."""
    return f"{class_name_of(error)}\n{''.join(map(str, places_of(error)))}"


def _digest_of(error: BaseException, teller: _Teller) -> str:
    return "|".join((class_name_of(error), *own_frames_of(error), fingerprint.gist_of(teller.tell(error))))


class _Teller:
    """Tells the texts of errors that belong together, by what the code of all of them says."""

    def __init__(
        self, chain: Sequence[BaseException], names: tuple[Container[str], ...], values: Container[str]
    ) -> None:
        self._phrases = Phrases((*PYTHON, *DATABASES))
        for text in validation_texts(chain):
            self._phrases.add(text)
        self._code_names: set[str] = set()
        self._names = (NAMES, schema_names(), *names)
        self._values = values
        for error in chain:
            for source in _sources(error):
                self._code_names |= source.names
                for text in source.texts:
                    if not self._is_value(text):
                        self._phrases.add(text)
            for place in places_of(error):
                for template in templates_of(place.module, place.source):
                    self._phrases.add(template)
            for standard in texts_of(self._facts_of(error)):
                self._phrases.add(standard)

    def tell(self, error: BaseException) -> str:
        """Its text without values, then the facts of it and of its causes that the text lacks."""
        facts = [fact for one in collect_causes(error) for fact in self._facts_of(one)]
        values = {value for _, value in facts}
        text = _text_of(error)
        if text is None:
            return WITHOUT_TEXT
        kept = redact(text, self._phrases, lambda word: word in values or self._is_name(word))
        return _with_facts(kept, list(dict(facts[::-1]).items())[::-1])

    def _facts_of(self, error: BaseException) -> list[Fact]:
        return [fact for fact in facts_of(error) if not self._is_value(fact[1])]

    def _is_value(self, text: str) -> bool:
        return plain(text) in self._values

    def _is_name(self, word: str) -> bool:
        if self._is_value(word):
            return False
        if len(word) >= MIN_NAME and (word in self._code_names or word in self._phrases.words):
            return True
        return not word.isdecimal() and any(word in names for names in self._names)


def _sources(error: BaseException) -> Iterator[SourceCode]:
    """The code that may have made an error's text: where it came through, and its classes."""
    yield from (place.source for place in places_of(error) if place.source is not None)
    for kind in type(error).__mro__:
        source = find_source(str(kind.__module__), kind.__qualname__)
        if source is not None:
            yield source


def _text_of(error: BaseException) -> str | None:
    try:
        text = error.message if isinstance(error, BaseExceptionGroup) else str(error)
        # A subclass of str may have methods of its own.
        return _storable(str.__getitem__(text, slice(0, MAX_READ)))
    except BaseException as own:
        if is_interrupt(own) or is_job_timeout(own):
            raise
        return None


def _storable(text: str) -> str:
    """Without NUL and lone surrogates, which PostgreSQL refuses to store."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _with_facts(text: str, facts: Sequence[Fact]) -> str:
    missing = [f"{name}={value}" for name, value in facts if value not in text]
    return f"{text} ({', '.join(missing)})".strip() if missing else text
