"""What the types accept the reader accepts, and the other way round; every exception is named here."""

from __future__ import annotations

from typing import Any

from hypothesis import event, given, settings

from passport_events.contract.problems import Problem, problems_of
from passport_events.event import Change
from passport_events.receiving import wire
from tests.receiving.wire.deliveries import SETTINGS

from .strategies import CHANGE_EVENTS, MESSAGES, delivered

EXAMPLES = settings(deadline=None, max_examples=3 * settings().max_examples)


@EXAMPLES
@given(MESSAGES)
def test_the_reader_and_the_types_agree_on_messages_of_the_contract(body: dict[str, Any]) -> None:
    problems = problems_of(body, "opportunity")
    reading = wire.read(delivered(body), SETTINGS)
    event(f"problems: {bool(problems)}, refused: {bool(reading.refusal)}")

    if not problems:
        assert reading.refusal is None, str(reading.refusal)
        assert {found.event_type for found in reading.events} == {"opportunity"}
    if reading.refusal is None:
        # The reader knows every event type, the type only its own.
        is_other = {found.event_type for found in reading.events} != {"opportunity"}
        assert [one for one in problems if not (is_other or is_tolerated(one, body, reading))] == []


def is_tolerated(problem: Problem, body: dict[str, Any], reading: wire.Reading) -> bool:
    """What the contract asks for and the reader does not."""
    (found,) = reading.events
    if problem.path in {"time", "datacontenttype", "dataschema"}:
        return True  # CloudEvents says what these must be; nothing here depends on them.
    if problem.path.startswith("data."):
        # The mirror takes any value in any field. Without data.record_id the reader believes `subject`.
        return True
    if problem.path == "data":
        return found.change is Change.DELETED  # The fields of a deleted record are not looked at.
    if problem.path == "entity":
        return bool(body["entity"] == "")  # For the reader the same as absent; in the contract a mistake.
    if problem.path in {"source", "orgid"}:
        # Any id will do for the reader, because the next stage looks for it among the organizations.
        return not found.organization.startswith("00D")
    return False


@EXAMPLES
@given(CHANGE_EVENTS)
def test_the_reader_and_the_types_agree_on_change_events(body: dict[str, Any]) -> None:
    problems = problems_of(body, "change_event")
    reading = wire.read(delivered(body), SETTINGS)
    event(f"problems: {bool(problems)}, refused: {reading.refusal and reading.refusal.reason}")

    if not problems:
        # Both come from Salesforce and are right: an overflow or a wildcard stands for records that
        # must be read again, and which objects are covered is each project's own setting.
        reasons = {"resync_needed", "unknown_event_type"}
        assert reading.refusal is None or reading.refusal.reason in reasons, str(reading.refusal)
    if reading.refusal is None:
        assert [one for one in problems if not is_tolerated_of_salesforce(one, reading)] == []


def is_tolerated_of_salesforce(problem: Problem, reading: wire.Reading) -> bool:
    """The same for change events."""
    found = reading.events[0]
    if problem.path == "source":
        return not found.organization.startswith("00D")
    # Of a deleted record, and where the record is read again, the fields are not looked at.
    return problem.path == "detail.payload" and (found.is_gap or found.change is Change.DELETED)
