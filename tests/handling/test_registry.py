"""`@handles`: one function for each event type."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from asgiref.sync import async_to_sync

from passport_events import Event, checks, handles
from passport_events.exceptions import (
    ConfigurationError,
    HandlerConflict,
    HandlerOptionsConflict,
    InvalidHandler,
)
from passport_events.handling import registry
from passport_events.handling.worker import work
from passport_events.models import SalesforceRecord
from tests.handling.factories import OPPORTUNITIES, a_message, an_organization, outcome


def one(event: Event, record: SalesforceRecord) -> None:
    """A handler."""


def other(event: Event, record: SalesforceRecord) -> None:
    """Another handler."""


def test_a_handler_is_found_by_its_event_type_with_what_it_asked_for() -> None:
    def fetch(event: Event) -> str:
        return event.record_id

    handles("item", prepare=fetch, latest_only=True, needs_complete=True)(one)
    handler = registry.find_handler("item")

    assert handler == registry.Handler(
        event_type="item",
        function=one,
        prepare=fetch,
        latest_only=True,
        needs_complete=True,
        shares_transaction=False,
    )
    assert handler.name == f"{__name__}.one"


def test_the_decorator_gives_the_function_back() -> None:
    assert handles("item")(one) is one


def test_a_type_without_a_registration_has_no_handler() -> None:
    handles("item")(one)

    assert registry.find_handler("opportunity") is None
    assert set(registry.get_handlers()) == {"item"}


def test_a_second_handler_of_a_type_is_refused_with_both_names() -> None:
    handles("item")(one)

    with pytest.raises(HandlerConflict, match=r"one and .*other|other and .*one") as raised:
        handles("item")(other)
    assert isinstance(raised.value, ConfigurationError)
    assert registry.get_handlers()["item"].function is one


def test_a_module_that_is_imported_again_replaces_its_own_handler() -> None:
    handles("item")(one)
    handles("item", latest_only=True)(one)

    assert registry.get_handlers()["item"].latest_only


def test_one_function_may_handle_two_types() -> None:
    handles("item")(handles("opportunity")(one))

    assert {handler.function for handler in registry.get_handlers().values()} == {one}


def test_the_registry_cannot_be_changed_from_outside() -> None:
    handles("item")(one)
    dict(registry.get_handlers()).clear()

    assert registry.find_handler("item") is not None


def test_what_prepares_cannot_share_its_transaction() -> None:
    with pytest.raises(
        HandlerOptionsConflict, match="'item' has both prepare and shares_transaction"
    ) as raised:
        handles("item", prepare=lambda event: None, shares_transaction=True)(one)
    assert isinstance(raised.value, ConfigurationError)
    assert registry.find_handler("item") is None


async def coroutine(event: Event, record: SalesforceRecord) -> None:
    """A handler that nothing awaits."""


def generator(event: Event, record: SalesforceRecord) -> Iterator[int]:
    yield 1


async def async_generator(event: Event, record: SalesforceRecord) -> AsyncIterator[int]:
    yield 1


class Handlers:
    """Handlers that are methods, and objects that can be called."""

    def sync(self, event: Event, record: SalesforceRecord) -> None:
        """A handler."""

    async def method(self, event: Event, record: SalesforceRecord) -> None:
        """One that nothing awaits."""

    def generator(self, event: Event, record: SalesforceRecord) -> Iterator[int]:
        """One that nothing runs."""
        yield 1

    async def __call__(self, event: Event, record: SalesforceRecord) -> None:
        """One that nothing awaits."""


class Callable_:  # noqa: N801  typing's is another one
    """A handler that is an object."""

    def __call__(self, event: Event, record: SalesforceRecord) -> None:
        """Handle it."""


def one_argument(event: Event) -> None:
    """A handler that forgets the record."""


def three_arguments(self: object, event: Event, record: SalesforceRecord) -> None:
    """A method without its class."""


def keywords_only(*, event: Event, record: SalesforceRecord) -> None:
    """A handler that is called in another way."""


INVALID: dict[str, tuple[Any, str]] = {
    "async": (coroutine, "async_to_sync"),
    "generator": (generator, "yield"),
    "async generator": (async_generator, "yield"),
    "partial": (functools.partial(coroutine), "async_to_sync"),
    "nested partial": (functools.partial(functools.partial(generator)), "yield"),
    "method": (Handlers().method, "async_to_sync"),
    "generator method": (Handlers().generator, "yield"),
    "object": (Handlers(), "async_to_sync"),
    "partial of an object": (functools.partial(Handlers()), "async_to_sync"),
    "async mock": (mock.AsyncMock(), "async_to_sync"),
    "lambda": (lambda event, record: (yield), "yield"),
    "class": (Handlers, "is a class"),
    "partial of a class": (functools.partial(Handlers), "is a class"),
    "one argument": (one_argument, "cannot be called with (event, record)"),
    "three arguments": (three_arguments, "cannot be called with (event, record)"),
    "keywords only": (keywords_only, "cannot be called with (event, record)"),
    "text": ("enrol", "cannot be called"),
    "nothing": (None, "cannot be called"),
}


@pytest.mark.parametrize("what", INVALID)
def test_what_would_never_run_is_refused(what: str) -> None:
    """Case A3."""
    function, text = INVALID[what]

    with pytest.raises(InvalidHandler) as raised:
        handles("item")(function)
    assert text in str(raised.value)
    assert isinstance(raised.value, ConfigurationError)
    assert registry.find_handler("item") is None


async def fetch(event: Event) -> None:
    """A prepare that nothing awaits."""


PREPARES: list[Any] = [fetch, generator, Handlers, one, lambda: None, "fetch", functools.partial(fetch)]


@pytest.mark.parametrize("prepare", PREPARES, ids=range(len(PREPARES)))
def test_so_it_is_of_prepare(prepare: Any) -> None:
    """Case A3."""
    with pytest.raises(InvalidHandler):
        handles("item", prepare=prepare)(one)
    assert registry.find_handler("item") is None


def decorated(function: Callable[..., object]) -> Callable[..., object]:
    """A decorator that brings an argument of its own."""

    @functools.wraps(function)
    def call(event: Event, record: SalesforceRecord) -> object:
        return function(event, record, 1)

    return call


VALID: list[Any] = [
    one,
    Handlers().sync,
    Callable_(),
    mock.Mock(),
    functools.partial(three_arguments, object()),
    async_to_sync(coroutine),
    decorated(three_arguments),
    lambda *arguments: None,
    lambda event, record, more=1: None,
]


@pytest.mark.parametrize("function", VALID, ids=range(len(VALID)))
def test_everything_that_runs_when_it_is_called_is_accepted(function: Any) -> None:
    """Case A3."""
    handles("item")(function)

    handler = registry.find_handler("item")
    assert handler is not None
    assert "." in handler.name


def test_a_decorator_without_its_event_type_is_refused() -> None:
    """Case A3: else nothing would be registered."""
    with pytest.raises(InvalidHandler, match="without an event type"):
        handles(one)  # type: ignore[arg-type]


def same_name(number: int) -> Callable[[Event, SalesforceRecord], None]:
    if number == 1:

        def handler(event: Event, record: SalesforceRecord) -> None:
            """The first."""
    else:

        def handler(event: Event, record: SalesforceRecord) -> None:
            """The second."""

    return handler


def test_a_second_function_of_the_same_name_is_refused() -> None:
    """Case A11."""
    handles("item")(same_name(1))

    with pytest.raises(HandlerConflict, match="both handle 'item'"):
        handles("item")(same_name(2))
    with pytest.raises(HandlerConflict):
        handles("item")(same_name(1))  # one decorator around two handlers makes two such ones


def test_a_module_that_is_loaded_again_replaces_its_handlers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case A11: also with other lines than before."""
    source = "from passport_events import handles\n@handles('item')\ndef enrol(event, record): pass\n"
    (tmp_path / "handlers_of_a11.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("handlers_of_a11")
    (tmp_path / "handlers_of_a11.py").write_text(f"# more\n{source}")
    importlib.invalidate_caches()
    importlib.reload(module)
    del sys.modules["handlers_of_a11"]
    module = importlib.import_module("handlers_of_a11")

    assert registry.get_handlers()["item"].function is module.enrol
    monkeypatch.delitem(sys.modules, "handlers_of_a11")


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As while Django loads event_handlers.py."""
    monkeypatch.setattr(registry, "_collected", [])
    with registry.collect_problems():
        yield


@pytest.mark.usefixtures("collected")
def test_what_django_loads_is_reported_by_check_all_of_it() -> None:
    """Case A3."""
    handles("item")(coroutine)
    handles("opportunity")(one)
    handles("opportunity")(other)

    found = checks.check_handlers(None)
    assert [each.id for each in found] == [checks.WRONG_HANDLER] * 2
    assert "coroutine is async" in found[0].msg
    assert "both handle 'opportunity'" in found[1].msg
    assert checks.check_handlers(None, databases=["default"]) == []  # as `migrate` asks


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_server", "collected")
@pytest.mark.parametrize("what", ["async", "one argument", "class"])
def test_messages_of_a_wrong_handler_fail_and_say_why(what: str) -> None:
    """Case A3: they would succeed if the type had no handler."""
    function, text = INVALID[what]
    handles("opportunity", shares_transaction=True)(function)
    message = a_message(an_organization())
    work(OPPORTUNITIES)

    assert outcome(message) == ("waiting", "passport_events.exceptions.InvalidHandler", 1)
    assert text in message.failures.get().error
