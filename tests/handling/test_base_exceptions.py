"""What a handler raises that is no Exception is an error of the handler, and a signal is not."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest
from django.db import transaction

from passport_events import Event, handles
from passport_events.exceptions import JobFailed
from passport_events.handling import jobs, worker
from passport_events.handling.worker import work
from passport_events.instrumentation import Notification
from passport_events.models import MessageAttempt, SalesforceRecord
from tests.handling.factories import (
    OPPORTUNITIES,
    a_message,
    an_organization,
    of_each,
    outcome,
    statuses,
    work_again,
    write,
    written,
)
from tests.harness.notifications import Notifications

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "unhurried")]


async def cancelled() -> None:
    task = asyncio.create_task(asyncio.sleep(9))
    await asyncio.sleep(0)
    task.cancel()
    await task


def press() -> NoReturn:
    raise KeyboardInterrupt


def close() -> NoReturn:
    raise GeneratorExit


class Odd(BaseException):
    """Of a library."""


def odd() -> NoReturn:
    raise Odd("this is odd")


RAISED: dict[str, Callable[[], Any]] = {
    "builtins.SystemExit": lambda: argparse.ArgumentParser().parse_args(["--nope"]),
    "asyncio.exceptions.CancelledError": lambda: asyncio.run(cancelled()),
    "builtins.KeyboardInterrupt": press,
    "builtins.GeneratorExit": close,
    f"{__name__}.Odd": odd,
}


@pytest.mark.parametrize("error_class", RAISED)
def test_it_is_an_attempt_like_any_other(error_class: str) -> None:
    """Case B7."""

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        write("effect")
        RAISED[error_class]()

    message = a_message(an_organization())
    work_again(17)

    assert outcome(message) == ("dead", f"retries used up: {error_class}", 16)
    assert written() == []
    assert "in handler" in message.failures.all()[0].traceback


@pytest.mark.parametrize("error_class", RAISED)
def test_in_prepare_too(error_class: str) -> None:
    """Case B7."""
    handles("opportunity", prepare=lambda event: RAISED[error_class]())(lambda event, record: None)
    message = a_message(an_organization())
    work(OPPORTUNITIES)

    assert outcome(message) == ("waiting", error_class, 1)


@pytest.mark.parametrize("error_class", RAISED)
def test_in_a_shared_transaction_too_and_its_neighbours_succeed(error_class: str) -> None:
    """Case B7."""

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        if event.fields["Name"] == "2":
            RAISED[error_class]()

    messages = of_each(3)
    work(OPPORTUNITIES)

    assert outcome(messages[1]) == ("waiting", error_class, 1)
    assert statuses() == {"succeeded": 2, "waiting": 1}


@pytest.mark.parametrize("shares", [False, True])
def test_after_the_commit_it_undoes_nothing_and_ends_nothing(
    notifications: Notifications,
    shares: bool,  # noqa: FBT001
) -> None:
    """Case B7."""

    @handles("opportunity", shares_transaction=shares)
    def handler(event: Event, record: SalesforceRecord) -> None:
        transaction.on_commit(odd)

    of_each(3)
    work(OPPORTUNITIES)

    assert statuses() == {"succeeded": 3}
    assert {facts["error_class"] for stage, facts in notifications if stage is Notification.CRASHED} == {
        "Odd"
    }


@pytest.fixture
def python_listens() -> Iterator[None]:
    """To Ctrl-C, as in a command on a terminal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def cold_shutdown() -> Iterator[None]:
    """A handler of SIGUSR1 that ends the process as RQ's second SIGTERM does."""

    def stop(number: int, frame: Any) -> NoReturn:
        raise SystemExit

    before = signal.signal(signal.SIGUSR1, stop)
    yield
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.usefixtures("cold_shutdown")
@pytest.mark.parametrize("shares", [False, True])
def test_a_signal_that_ends_the_process_ends_it(shares: bool) -> None:  # noqa: FBT001
    """Case B7: RQ's cold shutdown is no failure of the message that was in hand."""

    @handles("opportunity", shares_transaction=shares)
    def handler(event: Event, record: SalesforceRecord) -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        sum(range(100_000))

    of_each(3)
    with pytest.raises(SystemExit):
        work(OPPORTUNITIES)

    assert MessageAttempt.objects.count() == 0


@pytest.mark.usefixtures("python_listens")
def test_ctrl_c_ends_the_process() -> None:
    """Case B7: as in a dry run on a terminal."""

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        sum(range(100_000))

    a_message(an_organization())
    with pytest.raises(KeyboardInterrupt):
        work(OPPORTUNITIES)
    assert MessageAttempt.objects.count() == 0


def test_an_error_of_ours_reaches_rq_without_texts_and_causes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Case A6: RQ keeps the text of an error, and of its causes, in Redis."""
    secret, empty = "Maria Lopez", dict[str, str]()

    def broken(queue: str) -> None:
        try:
            empty[secret]
        except KeyError as error:
            raise RuntimeError(f"it broke at {secret}") from error

    monkeypatch.setattr(jobs, "work", broken)
    with pytest.raises(JobFailed) as raised:
        jobs.work_on_queue(OPPORTUNITIES)
    assert str(raised.value) == "builtins.RuntimeError: it broke at [value]"
    assert raised.value.__suppress_context__
    assert worker.work is work
