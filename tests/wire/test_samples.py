"""Every sample, and what it becomes: the captured formats at a glance.

They are read as a project would that covers the objects in them, and each comes with the attribute
`org_id`, raw and through SNS.
"""

import dataclasses
from collections.abc import Callable

import pytest

from passport_events.conf import EventType, PlatformEvent
from passport_events.wire.parser import parse_delivery
from passport_events.wire.raw_delivery import RawDelivery
from tests.wire.deliveries import ORGANIZATION, SAMPLES, SETTINGS, raw, sns

COVERED = ("Account", "Employee__c", "Case")
PROJECT = dataclasses.replace(
    SETTINGS,
    event_types={
        **SETTINGS.event_types,
        **{entity: EventType(entity, (entity,), "queue") for entity in COVERED},
    },
    platform_events={
        "Case Created": PlatformEvent(
            event_type="Case", record_id="Record_Id__c", sequence="CreatedDate", fields="Payload__c"
        )
    },
)

# Format, and for each event: its identity, its object, what happened, and how many fields it gives;
# or the format and the reason of the refusal.
EVENTS: dict[str, tuple[str, list[tuple[str, str, str, int]]]] = {
    "01_cdc_opportunity_create.json": ("bare-cdc", [("cdc", "Opportunity", "created", 16)]),
    # Nobody decoded its bitmap, and every field is null for "unchanged": each record is read again.
    "02_cdc_account_update_merged_3_records.json": ("bare-cdc", [("cdc", "Account", "updated gap", 0)] * 3),
    "03_cdc_account_gap_create.json": ("bare-cdc", [("cdc", "Account", "created gap", 0)]),
    "05_cdc_customobject_create.json": ("bare-cdc", [("cdc", "Employee__c", "created", 8)]),
    "06_cdc_customobject_update_bitmap.json": ("bare-cdc", [("cdc", "Employee__c", "updated gap", 0)]),
    "07_cdc_customobject_delete.json": ("bare-cdc", [("cdc", "Employee__c", "deleted", 0)]),
    # It names two fields and brings neither: only the time of the change is known.
    "10_cdc_decoded_account_update_changedfields_without_values.json": (
        "bare-cdc",
        [("cdc", "Account", "updated", 1)],
    ),
    "11_eventbridge_appflow_account_update.json": ("appflow", [("cdc", "Account", "updated", 2)]),
    "12_eventbridge_eventrelay_account_create_two_records.json": (
        "eventbridge-relay-cdc",
        [("cdc", "Account", "created", 4)] * 2,
    ),
    "synthetic/S1_eventrelay_contentversion_create.json": (
        "eventbridge-relay-cdc",
        [("cdc", "ContentVersion", "created", 11)],
    ),
    "synthetic/S2_eventrelay_opportunitylineitem_delete.json": (
        "eventbridge-relay-cdc",
        [("cdc", "OpportunityLineItem", "deleted", 0)],
    ),
    "synthetic/S3_eventrelay_opportunity_gap_update.json": (
        "eventbridge-relay-cdc",
        [("cdc", "Opportunity", "updated gap", 0)],
    ),
    "synthetic/S4_custom_sns_message_attachment.json": (
        "cloudevents",
        [("cloudevents", "ContentVersion", "snapshot", 5)],
    ),
}
REFUSALS = {
    # Nothing in it says when the case was created.
    "14_eventbridge_eventrelay_platform_event_json_string_payload.json": ("platform-event", "no_version"),
    "19_sns_notification_with_attributes.json": ("unknown", "invalid_json"),
    "20_sns_notification_wrapping_eventbridge.json": ("eventbridge", "unsupported_format"),
    # No bucket has a name of one letter.
    "23_s3_pointer_body_v2.json": ("s3-pointer", "schema"),
    "30_outbound_message_batch_3_contacts.xml": ("unknown", "unsupported_format"),
    # What boto3 returns, not a body: its own body is the pointer (test_s3_pointer.py).
    "synthetic/S5_sqs_receive_raw_delivery_with_s3_pointer.json": ("unknown", "unsupported_format"),
}


def test_every_sample_is_below() -> None:
    files = {path.relative_to(SAMPLES).as_posix() for path in SAMPLES.rglob("*") if path.is_file()}
    assert files - {"SOURCES.md"} == EVENTS.keys() | REFUSALS.keys()


@pytest.mark.parametrize("deliver", [raw, sns])
@pytest.mark.parametrize(("name", "expected"), EVENTS.items(), ids=EVENTS.keys())
def test_a_sample_gives_these_events(
    name: str, expected: tuple[str, list[tuple[str, str, str, int]]], deliver: Callable[..., RawDelivery]
) -> None:
    reading = parse_delivery(deliver(text_or_bytes(name, deliver), org_id=ORGANIZATION), PROJECT)
    assert reading.refusal is None
    assert reading.wire_format == f"{deliver.__name__}+{expected[0]}"
    assert expected[1] == [
        (e.identity.strength, e.entity, f"{e.change}{' gap' * e.is_gap}", len(e.fields))
        for e in reading.events
    ]
    assert {event.organization for event in reading.events} == {ORGANIZATION}


@pytest.mark.parametrize(("name", "expected"), REFUSALS.items(), ids=REFUSALS.keys())
def test_a_sample_is_refused(name: str, expected: tuple[str, str]) -> None:
    reading = parse_delivery(raw((SAMPLES / name).read_bytes(), org_id=ORGANIZATION), PROJECT)
    assert reading.refusal is not None
    assert (reading.wire_format.partition("+")[2], reading.refusal.reason) == expected


def text_or_bytes(name: str, deliver: Callable[..., RawDelivery]) -> str | bytes:
    """SNS wraps text, SQS hands us bytes."""
    body = (SAMPLES / name).read_bytes()
    return body.decode() if deliver is sns else body
