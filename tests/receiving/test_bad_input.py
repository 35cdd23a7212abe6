"""Bad input is never an outage: stored with its reason, deleted after the commit, neighbours unharmed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from passport_events import conf
from passport_events.models import Delivery, ProcessedMessage, SalesforceOrganization
from passport_events.receiving import inbox, wire
from passport_events.receiving.poller import poll
from passport_events.receiving.sqs import SqsQueue
from passport_events.testing import FakeQueue, contract_message, record_id, sns_notification
from tests.harness.aws import Sqs
from tests.receiving.arranging import HOME, left_in_sqs, opportunity

pytestmark = pytest.mark.django_db

GOOD = json.dumps(opportunity(50))
CONTRACT = contract_message("opportunity", record_id("Opportunity", 51), {"Name": "x"}, organization=HOME)


def header(**members: Any) -> str:
    """A change event whose header says something else than it should."""
    event = opportunity(50)
    event["detail"]["payload"]["ChangeEventHeader"] |= members
    return json.dumps(event)


def field(text: str) -> str:
    """A change event with a field whose JSON is exactly `text`."""
    return GOOD.replace('"Acme"', text)


def contract(**members: Any) -> str:
    """A contract message that says something else than it should."""
    return json.dumps(CONTRACT | members)


# What comes, and the reason that a person reads. Text can travel through SNS and SQS, bytes cannot.
BAD: dict[str, tuple[str | bytes, str]] = {
    "nothing": (b"", "empty_body"),
    "only spaces": (" \n ", "empty_body"),
    "not JSON": ("hello", "invalid_json"),
    "a web page": ("<!doctype html><p>502", "unsupported_format: SOAP outbound message"),
    "truncated": (GOOD[:-20], "invalid_json"),
    "more behind the end": (GOOD + " x", "invalid_json"),
    "a control character in a string": (field('"a\\\n"'), "invalid_json"),
    "null": ("null", "not_an_object"),
    "a number": ("5", "not_an_object"),
    "a string": ('"text"', "not_an_object"),
    "an array": (f"[{GOOD}]", "not_an_object"),
    "JSON inside JSON": (json.dumps(GOOD), "not_an_object"),
    "an object that says nothing": ("{}", "unsupported_format: unknown"),
    "ids that are no list": (header(recordIds="006"), "schema"),
    "ids that are numbers": (header(recordIds=[6]), "schema"),
    "no ids": (header(recordIds=[]), "schema"),
    "a time that is text": (header(commitTimestamp="yesterday"), "schema"),
    "a time before 1970": (header(commitTimestamp=-1), "schema"),
    "a time after 5138": (header(commitTimestamp=10**14), "schema"),
    "an unknown change": (header(changeType="EXPLODE"), "schema"),
    "an id that is none": (header(recordIds=["006'; DROP TABLE x"]), "bad_id"),
    "any record": (header(recordIds=["006*"]), "resync_needed"),
    "an object nobody asked for": (header(entityName="Invoice__c"), "unknown_event_type: entity Invoice__c"),
    "an unknown type": (contract(type="a.invoice.upserted.v1"), "unknown_event_type: invoice"),
    "a later version": (contract(type="a.opportunity.upserted.v2"), "unsupported_version"),
    "two organizations": (contract(orgid="00D000000000009"), "organization_mismatch"),
    "a time after tomorrow": (header(commitTimestamp=10**14 - 1), "from_the_future"),
    "no organization": (json.dumps(opportunity(50)["detail"]["payload"]), "no_organization"),
    "an escaped NUL": (field('"a\\u0000b"'), "nul_char"),
    "a NUL": (field('"a\0b"').encode(), "invalid_json"),
    "an escaped lone surrogate": (field('"\\ud800"'), "bad_unicode"),
    "a lone surrogate": (field('"\ud800"').encode("utf-8", "surrogatepass"), "bad_unicode"),
    "not UTF-8": (b"\xff" + GOOD.encode(), "bad_encoding"),
    "UTF-16": (GOOD.encode("utf-16"), "bad_encoding"),
    "NaN": (field("NaN"), "non_finite"),
    "infinity": (field("-Infinity"), "non_finite"),
    "a number beyond a double": (field("1e400"), "non_finite"),
    "a number of 5,000 digits": (field("9" * 5_000), "number_too_long"),
    "a key twice": (GOOD.replace('"Name"', '"a": 1, "a"'), "duplicate_key"),
    "65 levels": (field("[" * 65 + "]" * 65), "too_deep"),
    "100,000 levels": ("[" * 100_000, "too_deep"),
    "100,000 values": (field("[" + "0," * 100_000 + "0]"), "too_many_nodes"),
    "more than is read": (field('"' + "x" * 2**20 + '"').encode(), "too_large"),
    "SNS asks for a confirmation": (json.dumps({"Type": "SubscriptionConfirmation"}), "control_message"),
    "SNS without an id": (json.dumps({"Type": "Notification", "Message": GOOD}), "bad_envelope"),
}
TEXTS = [name for name, (body, _) in BAD.items() if isinstance(body, str) and body.strip()]


def assert_it_is_kept_and_the_others_wait(reason: str) -> None:
    bad = ProcessedMessage.objects.get(status="quarantined")
    assert bad.reason.startswith(reason)
    assert (bad.due_at, bad.finished_at is not None) == (None, True)
    assert ProcessedMessage.objects.filter(status="waiting").count() == 9


@pytest.mark.parametrize("name", BAD)
def test_one_bad_message_among_nine_good_ones(
    home: SalesforceOrganization, queue: FakeQueue, name: str
) -> None:
    body, reason = BAD[name]
    raw = body if isinstance(body, bytes) else body.encode()
    for number in range(9):
        queue.send(opportunity(number))
        if number == 4:
            queue.send(raw)

    assert poll(queue).left == 0

    assert_it_is_kept_and_the_others_wait(reason)
    kept = Delivery.objects.get(messages__status="quarantined")
    assert (bytes(kept.body or b""), kept.body_size) == (raw, len(raw))
    assert queue.bodies == []


def test_the_same_through_sns_and_sqs(home: SalesforceOrganization, sqs: Sqs) -> None:
    for number, name in enumerate(TEXTS):
        body = str(BAD[name][0])
        sqs.topic.publish(Message=json.dumps(opportunity(number)))
        if name.startswith("SNS"):
            sqs.queue.send_message(MessageBody=body)
        else:
            sqs.topic.publish(
                Message=body, MessageAttributes={"n": {"DataType": "String", "StringValue": name}}
            )
    queue = SqsQueue(conf.current())

    while poll(queue, wait_seconds=0).received:
        pass

    kept = ProcessedMessage.objects.filter(status="quarantined").select_related("delivery")
    reasons = {message.delivery.attributes.get("n"): message.reason for message in kept}
    assert {name for name in TEXTS if not reasons.get(name, "").startswith(BAD[name][1])} == {
        name for name in TEXTS if name.startswith("SNS")
    }
    assert kept.count() == ProcessedMessage.objects.filter(status="waiting").count() == len(TEXTS)
    assert left_in_sqs(sqs) == 0


def test_ten_bad_messages_at_once_are_ten_rows(home: SalesforceOrganization, queue: FakeQueue) -> None:
    for number in range(10):
        queue.send(b"\0" * number)

    assert (poll(queue).new, queue.bodies) == (10, [])


def test_a_bad_message_twice_in_one_receive_is_one_row(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    queue.twice_in_one_receive = True
    queue.send("hello")

    assert (poll(queue).new, queue.bodies) == (1, [])


def test_a_bad_message_that_sns_sends_again_is_one_row(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    for _ in range(2):
        queue.send(sns_notification("hello", message_id="sns-1"))

    assert (poll(queue).new, queue.bodies) == (1, [])


def test_an_attribute_that_the_database_could_not_store_is_refused_with_its_message(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    queue.send(GOOD, attributes={"a": "\0"})

    poll(queue)

    assert ProcessedMessage.objects.get().reason.startswith("nul_char")


def test_a_bug_of_a_reader_stops_the_message_that_shows_it_and_no_other(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_or_fail(received: Any, settings: Any) -> Any:
        if b"poison" in received.body:
            raise KeyError("a value that nobody should see")
        return wire.read(received, settings)

    monkeypatch.setattr(inbox, "read", read_or_fail)
    for number in range(9):
        queue.send(opportunity(number))
    queue.send(opportunity(9, "poison"))

    assert poll(queue).left == 0

    assert_it_is_kept_and_the_others_wait("reader_failed: KeyError")
