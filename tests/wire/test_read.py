"""Reading as a whole: bad bodies, what a refused delivery is known by, and privacy."""

import dataclasses
import gc
import json

import pytest

from passport_events.conf import Settings
from passport_events.event import Identity
from passport_events.wire.parser import parse_delivery
from tests.wire.deliveries import (
    SAMPLES,
    SETTINGS,
    change_event,
    contract,
    event,
    notification,
    raw,
    read,
    refusal,
    relayed,
    sns,
    update,
    why,
)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"hello", "invalid_json"),
        (b"null", "not_an_object"),
        (b"5", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"[]", "not_an_object"),
        (b'[{"a": 1}]', "not_an_object"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a": NaN}', "non_finite"),
        (b"\xff\xfe{", "bad_encoding"),
        (b'{"a": 1, "a": 2}', "duplicate_key"),
    ],
)
def test_a_body_that_is_no_object_is_refused(body: bytes, reason: str) -> None:
    assert why(body)[0] == reason


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b" \n"])
def test_xml_is_called_what_it_is(start: bytes) -> None:
    body = start + (SAMPLES / "30_outbound_message_batch_3_contacts.xml").read_bytes()
    assert why(body) == ("unsupported_format", "SOAP outbound message")


def test_a_larger_body_than_the_setting_allows_is_not_read() -> None:
    body = json.dumps(contract({"Name": "x" * 2_000})).encode()
    limit = Settings(queue_url="http://127.0.0.1/q", max_body_bytes=len(body))
    assert parse_delivery(raw(body), limit).refusal is None
    refused = parse_delivery(raw(body + b" "), limit).refusal
    assert refused is not None
    assert refused.reason == "too_large"


# SQS took these messages on 2026-05-07 at 22:29:48.123, and the limit is a day later.
@pytest.mark.parametrize(
    ("ahead_ms", "reason"), [(0, None), (86_400_000, None), (86_400_001, "from_the_future")]
)
def test_what_would_win_for_ever_is_refused(ahead_ms: int, reason: str | None) -> None:
    at = 1778192988123 + ahead_ms
    for body in (
        relayed(change_event(commitTimestamp=at)),
        contract(sequence=f"{at:014d}.{0:020d}.{0:06d}"),
    ):
        found = read(raw(body))
        assert (found.refusal and found.refusal.reason) == reason
        assert bool(found.events) == (reason is None)
        assert read(dataclasses.replace(raw(body), attributes={})).refusal is None


def test_a_fourth_event_type_needs_settings_only() -> None:
    types = {**SETTINGS.event_types}
    types["account"] = dataclasses.replace(types["item"], name="account", entities=("Account",))
    settings = dataclasses.replace(SETTINGS, event_types=types)
    (found,) = parse_delivery(raw(relayed(change_event(entityName="Account"))), settings).events
    assert found.event_type == "account"
    (found,) = parse_delivery(raw(contract(type="account.updated.v1")), settings).events
    assert (found.event_type, found.entity) == ("account", "Account")


def test_a_refused_delivery_is_known_by_the_strongest_id_there_is() -> None:
    bad = relayed({})
    assert read(sns(bad)).fallback_identity == Identity.of("sns", "sns-1")
    assert read(sns("not JSON")).fallback_identity == Identity.of("sns", "sns-1")
    assert read(raw(bad)).fallback_identity == Identity.of("sqs", "sqs-1")
    assert read(raw(b"")).fallback_identity == Identity.of("sqs", "sqs-1")
    assert read(raw({"Type": "Notification"}, "sqs-2")).fallback_identity == Identity.of("sqs", "sqs-2")


def test_the_envelope_of_a_refused_delivery_is_kept() -> None:
    reading = read(raw(b"hello", event_type="opportunity"))
    assert reading.envelope is not None
    assert reading.envelope.attributes == {"event_type": "opportunity"}
    assert read(raw({"Type": "Notification"})).envelope is None


@pytest.mark.parametrize(
    "body", [relayed(change_event({"Name": "A"})), relayed(update({"Name": "A"}, ["Name"])), contract()]
)
def test_an_envelope_changes_nothing_of_an_event(body: dict[str, object]) -> None:
    (wrapped,) = read(sns(body, org_id="00D5f000005KcCn")).events
    assert wrapped == event(body)
    assert wrapped.content_hash() == event(body).content_hash()


SECRETS = {
    "a name as an id": contract(subject="Jane Doe"),
    "a name as an organization": contract(orgid="Jane Doe"),
    "a name as an entity": relayed(change_event(entityName="Jane Doe")),
    "a name as a change": relayed(change_event(changeType="Jane Doe")),
    "a name as a time": relayed(change_event(commitTimestamp="Jane Doe")),
    "a name as a type": contract(type="Jane Doe.updated.v1"),
    "a name as a version": contract(type="opportunity.Jane Doe.v1"),
    "a name as a sequence": contract(sequence="Jane Doe"),
    "a name as an attribute": notification(contract()) | {"MessageAttributes": {"Jane Doe": 1}},
    "a name as a field, twice": b'{"Jane Doe": 1, "Jane Doe": 2}',
    "a name as a format": relayed({}, source="Jane Doe"),
    "a name in a message": notification("Jane Doe"),
    "a name in XML": b"<a>Jane Doe</a>",
}


@pytest.mark.parametrize("body", SECRETS.values(), ids=SECRETS.keys())
def test_a_refusal_shows_and_holds_nothing_of_the_payload(body: object) -> None:
    found = refusal(raw(body))
    assert "Jane" not in str(found)
    assert found.__traceback__ is None
    assert found.__context__ is None
    assert not any(isinstance(one, bytes | dict) for one in gc.get_referents(found) if one != found.__dict__)


def test_the_repr_of_a_reading_that_was_refused_shows_no_payload() -> None:
    assert "Jane" not in repr(read(sns(relayed({"Name": "Jane Doe"}), name="Jane Doe")))
