"""Bodies for the reader: those it must refuse, each with its reason, and strange ones that are good."""

from __future__ import annotations

import json
from typing import Any

from passport_events.testing import contract_message, record_id, sns_notification
from tests.receiving.factories import ELSEWHERE, HOME, opportunity

GOOD = json.dumps(opportunity(50))
URL = "http://169.254.169.254/latest/meta-data/"
SOAP = '<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"></e:Envelope>'
CONTRACT = contract_message("opportunity", record_id("Opportunity", 51), {"Name": "x"}, organization=HOME)


def header(**members: Any) -> str:
    """A change event whose header says something else than it should."""
    event = opportunity(50)
    event["detail"]["payload"]["ChangeEventHeader"] |= members
    return json.dumps(event)


def field(text: str) -> str:
    """A change event with a field whose JSON is exactly `text`."""
    return GOOD.replace('"Acme"', text)


def without(*names: str) -> str:
    """A change event whose header lacks something."""
    event = opportunity(50)
    for name in names:
        del event["detail"]["payload"]["ChangeEventHeader"][name]
    return json.dumps(event)


def notification(**members: Any) -> str:
    """SNS's envelope around a good event, with other members, or without those that are None."""
    envelope = json.loads(sns_notification(GOOD)) | members
    return json.dumps({name: value for name, value in envelope.items() if value is not None})


def contract(**members: Any) -> str:
    """A contract message that says something else than it should."""
    return json.dumps(CONTRACT | members)


# What comes, and the reason that a person reads. Text can travel through SNS and SQS, bytes cannot.
BAD: dict[str, tuple[str | bytes, str]] = {
    "nothing": (b"", "empty_body"),
    "only spaces": (" \n ", "empty_body"),
    "not JSON": ("hello", "invalid_json"),
    "a web page": ("<!doctype html><p>502", "invalid_json"),
    "an outbound message": (SOAP, "unsupported_format: SOAP outbound message"),
    "truncated": (GOOD[:-20], "invalid_json"),
    "more behind the end": (GOOD + " x", "invalid_json"),
    "a control character in a string": (field('"a\\\n"'), "invalid_json"),
    "null": ("null", "not_an_object"),
    "a number": ("5", "not_an_object"),
    "a string": ('"text"', "not_an_object"),
    "an array": (f"[{GOOD}]", "not_an_object"),
    "JSON inside JSON": (json.dumps(GOOD), "not_an_object"),
    "an object that says nothing": ("{}", "unsupported_format: unknown"),
    "no time of commit": (without("commitTimestamp"), "schema: detail.payload.ChangeEventHeader.commitT"),
    "no transaction": (without("transactionKey"), "schema: detail.payload.ChangeEventHeader.transactionKey"),
    "ids that are no list": (header(recordIds="006"), "schema"),
    "ids that are numbers": (header(recordIds=[6]), "schema"),
    "no ids": (header(recordIds=[]), "schema"),
    "a time that is text": (header(commitTimestamp="yesterday"), "schema"),
    "a time before 1970": (header(commitTimestamp=-1), "schema"),
    "a time after 5138": (header(commitTimestamp=10**14), "schema"),
    "an unknown change": (header(changeType="EXPLODE"), "schema"),
    "an id that is none": (header(recordIds=["006'; DROP TABLE x"]), "bad_id"),
    "an id of 16 characters": (header(recordIds=["0065f00000TQ2mAA"]), "bad_id"),
    "an id with the wrong last three": (header(recordIds=["0065f00000TQ2mAAAA"]), "bad_id"),
    "any record": (header(recordIds=["006*"]), "resync_needed"),
    "an object nobody asked for": (header(entityName="Invoice__c"), "unknown_event_type: entity Invoice__c"),
    "an unknown type": (contract(type="a.invoice.upserted.v1"), "unknown_event_type: invoice"),
    "a type that is a path": (contract(type="a.../../x.upserted.v1"), "unknown_event_type: (a name"),
    "a type that is a module": (contract(type="os.system.upserted.v1"), "unknown_event_type: system"),
    "a type that is Python's": (contract(type="__import__.upserted.v1"), "unknown_event_type: __import__"),
    "a sequence that is a date": (contract(sequence="infinity"), "schema: sequence"),
    "a sequence that is a number": (contract(sequence=1778192987000), "schema: sequence"),
    "a later version": (contract(type="a.opportunity.upserted.v2"), "unsupported_version"),
    "two organizations": (contract(orgid="00D000000000009"), "organization_mismatch"),
    "a time after tomorrow": (header(commitTimestamp=10**14 - 1), "from_the_future"),
    "no organization": (json.dumps(opportunity(50)["detail"]["payload"]), "no_organization"),
    "an escaped NUL": (field('"a\\u0000b"'), "nul_char"),
    "a NUL": (field('"a\0b"').encode(), "invalid_json"),
    "an escaped NUL in a name": (GOOD.replace('"Name"', '"Na\\u0000me"'), "nul_char"),
    "an escaped lone surrogate": (field('"\\ud800"'), "bad_unicode"),
    "a lone surrogate": (field('"\ud800"').encode("utf-8", "surrogatepass"), "bad_unicode"),
    "not UTF-8": (b"\xff" + GOOD.encode(), "bad_encoding"),
    "UTF-16": (GOOD.encode("utf-16"), "bad_encoding"),
    "NaN": (field("NaN"), "non_finite"),
    "infinity": (field("-Infinity"), "non_finite"),
    "a number beyond a double": (field("1e400"), "non_finite"),
    "a number far beyond a double": (field("1e140000"), "non_finite"),
    "a number of 5,000 digits": (field("9" * 5_000), "number_too_long"),
    "a key twice": (GOOD.replace('"Name"', '"a": 1, "a"'), "duplicate_key"),
    "65 levels": (field("[" * 65 + "]" * 65), "too_deep"),
    "a value in Avro's JSON": (field('{"string": "Acme"}'), "unknown_shape: Name"),
    "lists in lists": (field("[" * 50 + "]" * 50), "unknown_shape: Name"),
    "100,000 levels": ("[" * 100_000, "too_deep"),
    "100,000 values": (field("[" + "0," * 100_000 + "0]"), "too_many_nodes"),
    "more than is read": (field('"' + "x" * 2**20 + '"').encode(), "too_large"),
    "SNS asks for a confirmation": (
        notification(Type="SubscriptionConfirmation", SubscribeURL=URL),
        "control_message",
    ),
    "SNS asks again": (notification(Type="UnsubscribeConfirmation", SubscribeURL=URL), "control_message"),
    "SNS without a message": (notification(Message=None), "bad_envelope: Message"),
    "SNS without an id": (notification(MessageId=None), "bad_envelope: MessageId"),
    "SNS without a topic": (notification(TopicArn=None), "bad_envelope: TopicArn"),
    "SNS with an object inside": (notification(Message={"a": 1}), "bad_envelope: Message"),
    "SNS with nothing inside": (notification(Message=" "), "empty_body: inside SNS Message"),
    "SNS with other text inside": (notification(Message="hello"), "invalid_json"),
    "SNS with JSON in JSON": (notification(Message=json.dumps(GOOD)), "not_an_object"),
    "SNS with attributes that are a list": (notification(MessageAttributes=[]), "bad_envelope"),
    "an attribute of another organization": (
        notification(MessageAttributes={"org_id": {"Type": "String", "Value": ELSEWHERE}}),
        "organization_mismatch",
    ),
}


def _filled(size: int) -> str:
    """A change event of exactly `size` bytes."""
    return field('"' + "x" * (size - len(field('""'))) + '"')


# Nothing of this is wrong, whatever it looks like.
ODD: dict[str, str | bytes] = {
    "a byte order mark": b"\xef\xbb\xbf" + GOOD.encode(),
    "64 levels": f'{GOOD[:-1]}, "more": {"[" * 63 + "]" * 63}}}',
    "as large as is read": _filled(2**20),
    "keys that Python would hash alike": GOOD.replace(
        '"Name"', json.dumps({str(n * (2**61 - 1)): n for n in range(5_000)})[1:-1] + ', "Name"'
    ),
    "a string for a careless pattern": field(json.dumps("\\" * 50_000 + "!" * 50_000)),
    "members nobody knows": GOOD.replace('"Name"', '"Unheard_Of__c": [1, null], "Name"'),
    "a name that JavaScript knows": GOOD.replace('"Name"', '"__proto__": "x", "Name"'),
    "a name that Python knows": GOOD.replace('"Name"', '"__class__": "x", "Name"'),
    "a name that MongoDB knows": GOOD.replace('"Name"', '"$ne": 1, "Name"'),
    "a format": field('"%s %(a)s {0.__class__} ${jndi:ldap://127.0.0.1/a}"'),
    "a script": field('"<script>alert(1)</script><img src=x onerror=alert(1)>"'),
    "a link": field('"javascript:alert(1)"'),
    "a formula": field("\"=cmd|' /C calc'!A0\""),
    "SQL": field('"\'; DROP TABLE passport_events_processedmessage; --"'),
    "lines for a log": field('"\\r\\n2026-01-01 CRITICAL \\u001b[31mred"'),
    "other directions of writing": field('"\\u202eevil\\u200b"'),
    "an id of 15 characters": header(recordIds=[record_id("Opportunity", 50)[:15]]),
    "an id in lower case": header(recordIds=[record_id("Opportunity", 50).lower()]),
    "the first millisecond": header(commitTimestamp=0),
    "an identity of 10,000 characters": header(transactionKey="k" * 10_000),
    "SNS's time from another world": notification(Timestamp="infinity"),
    "SNS's time with a leap second": notification(Timestamp="2016-12-31T23:59:60Z"),
    "SNS's time without a zone": notification(Timestamp="2026-01-01T00:00:00"),
    "a certificate's address": notification(SigningCertURL=URL, UnsubscribeURL=URL, Signature="?"),
}
