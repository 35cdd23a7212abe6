"""A group of errors, as asyncio.TaskGroup raises it, is told by what is in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from rq.timeouts import JobTimeoutException

from passport_events import Discard, Event, Reject, RetryLater, handles
from passport_events.handling.error_report.report import MAX_TEXT_CHARACTERS, ErrorReport, describe
from passport_events.handling.rq_timeout import is_job_timeout
from passport_events.handling.worker import work
from passport_events.models import SalesforceRecord
from tests.handling.factories import OPPORTUNITIES, a_message, an_organization, outcome


def report_of(function: Callable[[], object]) -> ErrorReport:
    """Run it, and describe what it raises."""
    try:
        function()
    except BaseException as error:  # noqa: BLE001  whatever it is
        return describe(error)
    raise AssertionError("it raised nothing")


def program() -> None:
    raise KeyError("program")


def crm() -> None:
    raise ConnectionError("CRM away")


def absent() -> None:
    raise LookupError("absent")


def several() -> None:
    raise ExceptionGroup("several", [ValueError("Maria")])


def of_tasks(*functions: Callable[[], None]) -> ErrorReport:
    async def run(function: Callable[[], None]) -> None:
        function()

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as group:
            for function in functions:
                group.create_task(run(function))

    return report_of(lambda: asyncio.run(all_of_them()))


def nested(*errors: BaseException, depth: int = 1) -> ErrorReport:
    def fail() -> None:
        group: BaseException = BaseExceptionGroup("several things", errors)
        for _ in range(depth - 1):
            group = BaseExceptionGroup("several things", [group])
        raise group

    return report_of(fail)


def test_what_is_in_it_is_shown() -> None:
    """Case C6."""
    told = of_tasks(program, crm)

    assert told.error_class == "builtins.ExceptionGroup"
    assert told.text.splitlines() == [
        "unhandled errors in a TaskGroup",
        "builtins.KeyError: 'program'",
        "builtins.ConnectionError: CRM away",
    ]
    assert "in program" in told.frames
    assert "in crm" in told.frames


def test_the_place_of_a_single_error_is_the_place_of_the_group() -> None:
    """Case C6."""
    assert of_tasks(program).own_frames[0] == f"{__name__}:program"


def test_other_errors_are_another_failure_and_their_order_and_number_are_not() -> None:
    """Case C6."""
    found = [of_tasks(*each).fingerprint("item") for each in ((program,), (crm,), (program, crm))]
    assert len(set(found)) == 3
    assert of_tasks(crm, absent).fingerprint("item") not in found
    assert of_tasks(crm, program, program).fingerprint("item") == found[2]


def test_nested_groups_are_opened() -> None:
    """Case C6."""
    told = nested(ValueError(), KeyError(), depth=30)

    assert told.text.splitlines() == ["several things", "builtins.ValueError: ", "builtins.KeyError: "]
    assert told.inner == nested(ValueError(), KeyError()).inner


def test_groups_that_share_their_errors_and_groups_without_end_cost_little() -> None:
    """Case C6: two to the power of 200 ways lead to one error."""
    shared: Exception = ValueError("x")
    for _ in range(200):
        shared = ExceptionGroup("twice", [shared, shared])
    assert len(nested(shared, depth=3_000).inner) == 1


def test_a_large_group_is_told_by_its_first_ones() -> None:
    """Case C6."""
    told = nested(*(ValueError("x" * 1_000) for _ in range(20_000)))

    assert len(told.text) <= MAX_TEXT_CHARACTERS
    assert told.text.endswith("and others")
    assert told.frames.count("builtins.ValueError") <= 6


def test_a_group_that_is_the_cause_is_told_in_the_frames() -> None:
    """Case C6."""

    def fail() -> None:
        try:
            several()
        except ExceptionGroup as group:
            raise LookupError from group

    frames = report_of(fail).frames
    assert frames.index("ValueError") < frames.index("ExceptionGroup") < frames.index("LookupError")
    assert "Maria" not in frames


def test_a_job_timeout_in_a_group_is_found() -> None:
    """Case C6."""
    inner = ExceptionGroup("inner", [ValueError(), JobTimeoutException()])
    assert is_job_timeout(ExceptionGroup("outer", [inner]))
    assert not is_job_timeout(ExceptionGroup("outer", [ValueError()]))


VERDICTS: dict[str, tuple[list[Exception], str]] = {
    "rejected: builtins.ExceptionGroup": ([Reject("no"), Reject("no")], "dead"),
    "several things\npassport_events.exceptions.Discard: of no interest": (
        [Discard("of no interest")],
        "ignored",
    ),
    "several things\npassport_events.exceptions.RetryLater: the handler asked to be called again later": (
        [RetryLater(60)],
        "waiting",
    ),
    "builtins.ExceptionGroup": ([Reject("no"), ValueError()], "waiting"),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_server")
@pytest.mark.parametrize("reason", VERDICTS)
def test_verdicts_of_one_kind_are_that_verdict_and_mixed_ones_are_an_error(reason: str) -> None:
    """Case C6."""
    errors, status = VERDICTS[reason]

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        raise ExceptionGroup("several things" if event.fields else "of no interest", errors)

    message = a_message(an_organization())
    work(OPPORTUNITIES)

    assert outcome(message)[:2] == (status, reason)
