"""A handler that returns what never runs, or an error, has failed; anything else that it returns is ignored."""

from __future__ import annotations

import concurrent.futures
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.http import HttpResponse

from passport_events import Discard, Event, Reject, RetryLater, handles
from passport_events.handling.worker import work
from passport_events.models import SalesforceRecord
from tests.handling.factories import OPPORTUNITIES, a_message, an_organization, of_each, outcome, statuses

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "unhurried")]

ERROR = "passport_events.exceptions.InvalidHandlerResult"


async def coroutine() -> None:
    """Do nothing."""


def generator() -> Iterator[int]:
    yield 1


async def async_generator() -> AsyncIterator[int]:
    yield 1


class Awaitable:
    """Of a library."""

    def __await__(self) -> Iterator[None]:
        return iter(())


UNFINISHED: dict[str, tuple[Callable[[], object], str]] = {
    "a coroutine": (coroutine, "asgiref.sync.async_to_sync"),
    "a generator": (generator, "Remove `yield`"),
    "an async generator": (async_generator, "awaits"),
    "an awaitable": (Awaitable, "awaits"),
    "a future": (concurrent.futures.Future, "future.result()"),
    "an exception": (lambda: ValueError("x"), "Raise it"),
    "a verdict": (lambda: Reject("x"), "Raise it"),
    "another verdict": (lambda: Discard("x"), "Raise it"),
    "a class of verdicts": (lambda: RetryLater, "Raise it"),
}
LOST: dict[str, tuple[Callable[[], object], str]] = {
    "False": (lambda: False, "Raise an error"),
    "an iterator": (lambda: map(str, [1]), "Read it"),
    "a function": (lambda: generator, "parentheses"),
    "a partial": (lambda: functools.partial(generator), "parentheses"),
    "a response": (lambda: HttpResponse(status=502), "raise_for_status()"),
}


@pytest.mark.parametrize("shares", [False, True])
@pytest.mark.parametrize("what", [*UNFINISHED, *LOST])
def test_it_is_a_failure_that_says_what_to_do(what: str, shares: bool) -> None:  # noqa: FBT001
    """Case A3."""
    make, text = {**UNFINISHED, **LOST}[what]
    handles("opportunity", shares_transaction=shares)(lambda event, record: make())
    messages = of_each(2)
    work(OPPORTUNITIES)

    assert [outcome(each) for each in messages] == [("waiting", ERROR, 1)] * 2
    assert text in messages[0].failures.get().error


@pytest.mark.parametrize("what", UNFINISHED)
def test_so_it_is_of_prepare(what: str) -> None:
    """Case A3."""
    make, text = UNFINISHED[what]
    handles("opportunity", prepare=lambda event: make())(lambda event, record: None)
    message = a_message(an_organization())
    work(OPPORTUNITIES)

    assert outcome(message) == ("waiting", ERROR, 1)
    assert text in message.failures.get().error


IGNORED: list[Callable[[], Any]] = [
    lambda: Group.objects.create(name="x"),
    lambda: Group.objects.get_or_create(name="x"),
    Group.objects.all,
    lambda: True,
    lambda: 0,
    lambda: "error",
    dict,
    HttpResponse,
    lambda: row_with_a_status(404),
]


def row_with_a_status(status: int) -> Group:
    """A row as a project's log of requests has them."""
    row: Any = Group(name="request")
    row.status_code = status
    return row  # type: ignore[no-any-return]  # a Group


@pytest.mark.parametrize("make", IGNORED, ids=range(len(IGNORED)))
def test_anything_else_is_ignored(make: Callable[[], Any]) -> None:
    """Case A3."""

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> object:
        return make()

    a_message(an_organization())
    work(OPPORTUNITIES)

    assert statuses() == {"succeeded": 1}


@pytest.mark.parametrize("made", [False, [], iter([1]), b"x"], ids=str)
def test_prepare_may_return_any_data(made: object) -> None:
    """Case A3: it is data for the handler."""
    seen = []
    handles("opportunity", prepare=lambda event: made)(lambda event, record: seen.append(event.prepared))
    a_message(an_organization())
    work(OPPORTUNITIES)

    assert seen == [made]
