"""What is done with a message, decided before anything runs."""

from __future__ import annotations

import pytest

from passport_events import Event, handles
from passport_events.conf import Settings
from passport_events.event import S3_POINTER
from passport_events.handling.plan import Plan, is_echo, make_plan
from passport_events.handling.registry import find_handler
from passport_events.models import Mode, ProcessedMessage, SalesforceOrganization, SalesforceRecord, Status

SETTINGS = Settings(own_change_origins=("passport",))
ECHO = "com/salesforce/api/rest/66.0;client=passport"
OFF = Plan(None, merges=False, status=Status.IGNORED, reason="organization_off")
SHADOW = Plan(None, reason="shadow")
MERGED = Plan(None)
OWN_CHANGE = Plan(None, status=Status.IGNORED, reason="own_change", needs_own_transaction=True)


def handler(event: Event, record: SalesforceRecord) -> None:
    """A handler."""


def message(mode: Mode | None, origin: str = "") -> ProcessedMessage:
    organization = SalesforceOrganization(mode=mode) if mode else None
    return ProcessedMessage(event_type="item", organization=organization, content={"origin": origin})


@pytest.mark.parametrize("origin", ["", ECHO])
@pytest.mark.parametrize(
    ("mode", "plan"), [(None, OFF), (Mode.OFF, OFF), (Mode.SHADOW, SHADOW), (Mode.LIVE, MERGED)]
)
def test_without_a_handler_the_mode_decides(mode: Mode | None, plan: Plan, origin: str) -> None:
    assert make_plan(message(mode, origin), SETTINGS) == plan


@pytest.mark.parametrize(
    ("mode", "origin", "plan"),
    [
        (None, "", OFF),
        (Mode.OFF, ECHO, OFF),
        (Mode.SHADOW, "", SHADOW),
        (Mode.SHADOW, ECHO, SHADOW),
        (Mode.LIVE, ECHO, OWN_CHANGE),
    ],
)
def test_a_handler_is_not_called_for_these(mode: Mode | None, origin: str, plan: Plan) -> None:
    handles("item")(handler)

    assert make_plan(message(mode, origin), SETTINGS) == plan


def test_a_live_event_goes_to_its_handler_in_a_transaction_of_its_own() -> None:
    handles("item")(handler)

    assert make_plan(message(Mode.LIVE), SETTINGS) == Plan(find_handler("item"), needs_own_transaction=True)


def test_a_pointer_needs_its_own_transaction_and_is_not_merged() -> None:
    pointer = ProcessedMessage(event_type=S3_POINTER, content={"bucket": "b", "key": "k"})

    plan = make_plan(pointer, SETTINGS)

    assert plan == Plan(None, merges=False, needs_own_transaction=True)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (ECHO, True),
        (ECHO + "/", True),
        ("com/salesforce/api/rest/66.0;client=passport-two", False),
        ("com/salesforce/api/rest/66.0;client=", False),
        ("com/salesforce/api/rest/66.0;client=SfdcInternalAPI/", False),
        ("passport", False),
        ("", False),
    ],
)
def test_an_echo_is_told_by_its_client(origin: str, *, expected: bool) -> None:
    assert is_echo(origin, ("passport",)) is expected
