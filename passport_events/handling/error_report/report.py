"""Report an exception: enough to fix the code, and no student data.

A value can be in an exception in any form, so no list of values can find all of them. The report has only
what cannot be a value: classes, frames, constants of the code that raised the exception, and names.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Container, Iterable, Iterator, Sequence

from passport_events import fingerprint
from passport_events.exception_chains import collect_causes, iterate_leaves
from passport_events.handling.error_report.facts import (
    Fact,
    get_schema_names,
    get_standard_texts,
    read_facts,
)
from passport_events.handling.error_report.frames import get_class_name, read_frames, read_own_frames
from passport_events.handling.error_report.known_texts import DATABASE_TEXTS, PYTHON_NAMES, PYTHON_TEXTS
from passport_events.handling.error_report.masking import Phrases, mask, normalize_value
from passport_events.handling.error_report.source_constants import (
    SourceCode,
    find_source,
    find_templates,
    get_validation_texts,
)
from passport_events.handling.rq_timeout import is_job_timeout
from passport_events.process_interrupts import is_interrupt

MAX_TEXT_CHARACTERS = 1_000
MAX_READ_CHARACTERS = 10_000
"""Part of an error's text that is read; the rest is dropped."""
MAX_INNER_SHOWN = 5
MAX_INNER_READ = 50
"""Errors of a group that are read."""
MIN_NAME_LETTERS = 3
"""Length of a name in the code, for example of a variable; a shorter one is often a part of a value."""
UNREADABLE_TEXT = "(the error's text cannot be made)"


@dataclasses.dataclass(frozen=True, slots=True)
class ErrorReport:
    """An exception, safe to store and to show."""

    error_class: str
    text: str
    frames: str
    own_frames: tuple[str, ...] = ()
    """`module:function` of the project's own code, the innermost first; no lines."""
    normalized_text: str = ""
    """The text without what differs from message to message, for the fingerprint."""
    inner: tuple[str, ...] = ()
    """Digests of the errors in a group, sorted, each once."""

    def fingerprint(self, event_type: str) -> str:
        """Fingerprint of the failure group that this error belongs to."""
        return fingerprint.compute_error_fingerprint(
            event_type, self.error_class, self.own_frames, self.normalized_text, self.inner
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Failure:
    """An error of a handler, with its report, which is made at once: the error's own code makes its text."""

    error: BaseException
    report: ErrorReport


def capture(
    error: BaseException, names: Iterable[Container[str]] = (), values: Container[str] = frozenset()
) -> Failure:
    """Describe `error`. If RQ's job timeout interrupts that, the timeout is the failure."""
    try:
        return Failure(error, describe(error, names, values))
    except BaseException as raised:
        if is_interrupt(raised):
            raise
        if is_job_timeout(raised):
            raised.__context__ = raised.__context__ or error
            return Failure(raised, describe(raised, names, values))
        return Failure(
            error, ErrorReport(f"{Exception.__module__}.{Exception.__name__}", UNREADABLE_TEXT, "")
        )


def describe(
    error: BaseException, names: Iterable[Container[str]] = (), values: Container[str] = frozenset()
) -> ErrorReport:
    """Report `error`. Its text may repeat `names`, which are those of fields, organizations and records.

    It does not repeat `values`, in the form of `normalize_value`, even where the code has the same constant.
    Raises what RQ's job timeout or a signal raises meanwhile.
    """
    chain = list(_collect_chain(error))
    masker = _TextMasker(chain, tuple(names), values)
    text = masker.mask_text(error)
    inner: list[BaseException] = []
    if isinstance(error, BaseExceptionGroup):
        inner = _take(iterate_leaves(error), MAX_INNER_READ)
    normalized_text = fingerprint.normalize_text(text)
    lines = [text, *(f"{get_class_name(one)}: {masker.mask_text(one)}" for one in inner[:MAX_INNER_SHOWN])]
    if len(inner) > MAX_INNER_SHOWN:
        lines.append("and others")
    own = read_own_frames(inner[0]) if len(inner) == 1 else []
    return ErrorReport(
        error_class=get_class_name(error),
        text="\n".join(lines)[:MAX_TEXT_CHARACTERS],
        frames=_make_storable("which led to\n".join(map(_format_frames, chain))),
        own_frames=tuple(own or read_own_frames(error)),
        normalized_text=normalized_text,
        inner=tuple(sorted({_digest(one, masker) for one in inner})),
    )


def _collect_chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the causes of `error`, the first cause first, each after what it groups; then `error`."""
    for one in reversed(collect_causes(error)):
        if isinstance(one, BaseExceptionGroup):
            yield from _take(iterate_leaves(one), MAX_INNER_SHOWN)
        yield one


def _take(errors: Iterator[BaseException], limit: int) -> list[BaseException]:
    return [error for error, _ in zip(errors, range(limit), strict=False)]


def _format_frames(error: BaseException) -> str:
    """Files, lines and functions, the innermost last."""
    return f"{get_class_name(error)}\n{''.join(map(str, read_frames(error)))}"


def _digest(error: BaseException, masker: _TextMasker) -> str:
    text = fingerprint.normalize_text(masker.mask_text(error))
    return "|".join((get_class_name(error), *read_own_frames(error), text))


class _TextMasker:
    """Masks the texts of related errors by the constants of the code that all of them passed through."""

    def __init__(
        self, chain: Sequence[BaseException], names: tuple[Container[str], ...], values: Container[str]
    ) -> None:
        self._phrases = Phrases(base=_make_known_phrases(get_validation_texts(chain)))
        self._code_names: set[str] = set()
        self._names = (PYTHON_NAMES, get_schema_names(), *names)
        self._values = values
        for error in chain:
            for source in _find_sources(error):
                self._code_names |= source.names
                for text in source.texts:
                    if not self._is_value(text):  # nor are its pieces shown
                        self._phrases.add(text)
            for frame in read_frames(error):
                for template in find_templates(frame.module, frame.source):
                    self._phrases.add(template)
            for standard in get_standard_texts(self._read_facts(error)):
                self._phrases.add(standard)

    def mask_text(self, error: BaseException) -> str:
        """Return its text without values, then the facts of it and of its causes that the text lacks."""
        facts = [fact for one in collect_causes(error) for fact in self._read_facts(one)]
        values = {value for _, value in facts}
        text = _read_text(error)
        if text is None:
            return UNREADABLE_TEXT
        kept = mask(text, self._phrases, lambda word: word in values or self._is_name(word), self._is_value)
        return _append_facts(kept, list(dict(facts[::-1]).items())[::-1])

    def _read_facts(self, error: BaseException) -> list[Fact]:
        return [fact for fact in read_facts(error) if not self._is_value(fact[1])]

    def _is_value(self, text: str) -> bool:
        return normalize_value(text) in self._values

    def _is_name(self, word: str) -> bool:
        if len(word) >= MIN_NAME_LETTERS and (word in self._code_names or word in self._phrases.words):
            return True
        return not word.isdecimal() and any(word in names for names in self._names)


@functools.lru_cache(maxsize=8)
def _make_known_phrases(validation_texts: frozenset[str]) -> Phrases:
    return Phrases((*PYTHON_TEXTS, *DATABASE_TEXTS, *validation_texts))


def _find_sources(error: BaseException) -> Iterator[SourceCode]:
    """Yield the code that may have made an error's text: its frames and its classes."""
    yield from (frame.source for frame in read_frames(error) if frame.source is not None)
    for kind in type(error).__mro__:
        source = find_source(str(kind.__module__), kind.__qualname__)
        if source is not None:
            yield source


def _read_text(error: BaseException) -> str | None:
    try:
        text = error.message if isinstance(error, BaseExceptionGroup) else str(error)
        # A subclass of str may override methods.
        return _make_storable(str.__getitem__(text, slice(0, MAX_READ_CHARACTERS)))
    except BaseException as own:
        if is_interrupt(own) or is_job_timeout(own):
            raise
        return None


def _make_storable(text: str) -> str:
    """Remove NUL and lone surrogates, which PostgreSQL refuses."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _append_facts(text: str, facts: Sequence[Fact]) -> str:
    missing = [f"{name}={value}" for name, value in facts if value not in text]
    return f"{text} ({', '.join(missing)})".strip() if missing else text
