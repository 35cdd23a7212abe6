"""Messages that fail for one reason have one fingerprint, whoever they are about."""

from __future__ import annotations

import pytest

from passport_events import Event, Reject, fingerprint, handles
from passport_events.handling.error_report.report import ErrorReport, describe
from passport_events.handling.worker import work
from passport_events.models import MessageAttempt, ProcessedMessage, SalesforceRecord, Status
from tests.handling.factories import OPPORTUNITIES, a_message, an_organization, now, outcome, work_again
from tests.operating.inbox import organization, store


def look_up(number: int) -> None:
    raise LookupError(f"no program for 'student {number}' in {number}")


def enrol(number: int) -> None:
    look_up(number)


def report_of(function: object, *arguments: object) -> ErrorReport:
    assert callable(function)
    try:
        function(*arguments)
    except Exception as error:  # noqa: BLE001  whatever the test raises
        return describe(error, [])
    raise AssertionError("it raised nothing")


def test_own_frames_are_the_innermost_functions_of_the_project_without_lines() -> None:
    here = __name__
    assert report_of(enrol, 1).own_frames == (f"{here}:look_up", f"{here}:enrol", f"{here}:report_of")


def test_libraries_and_this_package_are_not_the_projects_own_code() -> None:
    from django.urls import reverse  # noqa: PLC0415

    own = (f"{__name__}:report_of",)
    assert report_of(reverse, "nowhere").own_frames == own
    assert report_of(__import__("json").loads, "{").own_frames == own
    assert report_of(MessageAttempt.objects.create, 1).own_frames == own
    assert report_of(eval, "1 / 0").own_frames == own


def test_a_function_that_calls_itself_is_one_place_however_deep_it_goes() -> None:
    def dig(depth: int) -> None:
        if not depth:
            raise ValueError
        dig(depth - 1)

    assert report_of(dig, 2).own_frames == report_of(dig, 9).own_frames


def test_other_numbers_and_lines_are_the_same_group_and_another_function_is_not() -> None:
    def elsewhere(number: int) -> None:
        look_up(number)

    first = report_of(enrol, 1).fingerprint("opportunity")
    assert report_of(enrol, 22).fingerprint("opportunity") == first
    assert report_of(elsewhere, 1).fingerprint("opportunity") != first
    assert report_of(enrol, 1).fingerprint("item") != first


def test_an_endless_text_is_normalised_before_it_is_cut() -> None:
    def fail(length: int) -> None:
        raise ValueError(f"'{'x' * length}' is too long")

    assert report_of(fail, 5).normalized_text == report_of(fail, 5_000).normalized_text == "# is too long"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_server")
def test_failing_messages_are_grouped_while_they_wait_and_when_they_are_dead() -> None:
    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        if event.fields["Name"] == "odd":
            raise Reject("odd")
        raise LookupError(f"no program for {event.fields['Name']}")

    home = an_organization()
    one, two = a_message(home, 1, fields={"Name": "Ada"}), a_message(home, 2, fields={"Name": "Grace"})
    odd = a_message(home, 3, fields={"Name": "odd"})
    work(OPPORTUNITIES)

    group = now(one).fingerprint
    assert len(group) == fingerprint.LENGTH
    assert (now(two).fingerprint, now(one).status) == (group, Status.WAITING)
    assert now(odd).fingerprint not in ("", group)
    work_again(15)
    assert (now(one).fingerprint, now(one).status) == (group, Status.DEAD)
    attempt = one.failures.latest("pk")
    assert attempt.own_frames.endswith("<locals>.handler")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_server")
def test_a_message_that_succeeds_at_last_keeps_the_group_of_its_failure() -> None:
    failing = [True]

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        if failing:
            raise ValueError(failing.pop())

    message, other = a_message(home := an_organization(), 1), a_message(home, 2)
    work(OPPORTUNITIES)
    group = now(message).fingerprint
    work_again()

    assert outcome(message)[0] == "succeeded"
    assert (bool(group), now(message).fingerprint) == (True, group)
    assert now(other).fingerprint == ""


@pytest.mark.django_db
def test_what_cannot_be_read_is_grouped_by_format_and_reason() -> None:
    organization(2)
    bytes_, more_bytes = store(b"?"), store(b"??")
    empty = store({})
    groups = [message.fingerprint for message in (bytes_, more_bytes, empty)]

    assert ProcessedMessage.objects.filter(status=Status.QUARANTINED).count() == 3
    assert groups[0] == groups[1] != groups[2]
    reason = bytes_.reason.partition(":")[0]
    assert groups[0] == fingerprint.compute_quarantine_fingerprint(bytes_.delivery.wire_format, reason)
