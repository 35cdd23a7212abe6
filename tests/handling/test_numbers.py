"""Case A9. A number reaches the handler with all of its digits."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from passport_events import Event, exact_json, handles
from passport_events.handling.worker import work
from passport_events.models import ProcessedMessage, SalesforceRecord, Status
from passport_events.operating.audit_log import Actor
from passport_events.operating.export import CSV, JSON_LINES, export_messages
from passport_events.operating.selection import Selection
from passport_events.operating.text import format_value
from passport_events.receiving.poll import poll_once
from passport_events.testing import FakeQueue, organization_id, record_id, relay_message
from tests.handling.factories import OPPORTUNITIES, an_organization

pytestmark = pytest.mark.django_db
records = itertools.count(1)

_DIGITS = r"-?(0|[1-9][0-9]{0,24})"
TEXTS = st.from_regex(_DIGITS + r"(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)


def sent(*texts: str, path: str = "%s") -> FakeQueue:
    """One message whose fields are these numbers, as they are written."""
    fields = {f"F{number}__c": f"number {number}" for number in range(len(texts))}
    record = record_id("Opportunity", next(records))
    body = json.dumps(relay_message("Opportunity", record, fields=fields, organization=organization_id(1)))
    for number, text in enumerate(texts):
        body = body.replace(f'"number {number}"', path % text)
    queue = FakeQueue()
    queue.send(body)
    return queue


def handled(queue: FakeQueue) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the handler finds on event and record, each from the database."""
    seen: list[tuple[dict[str, Any], dict[str, Any]]] = []
    from passport_events.handling import registry  # noqa: PLC0415  each example registers anew

    registry._handlers.clear()

    @handles("opportunity")
    def look(event: Event, record: SalesforceRecord) -> None:
        assert all(record[name] == value for name, value in event.fields.items())
        seen.append((dict(event.fields), SalesforceRecord.objects.get(pk=record.pk).fields))

    poll_once(queue, wait_seconds=0)
    assert work(OPPORTUNITIES) == 1
    return seen[0]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXTS, min_size=1, max_size=20))
@example(["12345678901234567.89", "1.10", "100.0", "1e3", "1E-7", "-0.0", "0e9", "2e+0", "9007199254740993"])
@example(["1.7976931348623157e308", "5e-324", "123456.789e3", "0.00", "-0", "9" * 64])
def test_any_number_arrives_as_it_was_sent(redis_server: object, texts: list[str]) -> None:
    from passport_events.models import SalesforceOrganization  # noqa: PLC0415

    if not SalesforceOrganization.objects.exists():
        an_organization()

    on_event, on_record = handled(sent(*texts))

    for number, text in enumerate(texts):
        for found in (on_event[f"F{number}__c"], on_record[f"F{number}__c"]):
            assert found == Decimal(text)
            # Always the same type, whatever the value is.
            assert type(found) is (Decimal if set(text) & set(".eE") else int)
            if "e" not in text.lower():
                assert str(found) == text.removeprefix("-") or (found != 0 and str(found) == text)


def test_so_does_a_number_inside_a_compound_and_a_list(redis_server: object) -> None:
    an_organization()
    on_event, on_record = handled(sent("12345678901234567.89", path="[%s]"))
    assert on_event == on_record == {"F0__c": [Decimal("12345678901234567.89")]}


def test_exports_and_pages_write_it_as_a_number() -> None:
    an_organization()
    poll_once(sent("12345678901234567.89"), wait_seconds=0)
    for form in (JSON_LINES, CSV):
        text = "".join(export_messages(Selection(), form, Actor("Ann"), with_payload=True))
        assert "12345678901234567.89" in text
        assert '"12345678901234567.89"' not in text.replace('""', '"')
    content = ProcessedMessage.objects.get().content
    assert format_value(content["fields"]) == '{"F0__c": 12345678901234567.89}'
    assert format_value(content["fields"]["F0__c"]) == "12345678901234567.89"


REFUSED = {
    "5,000 digits": ("9" * 5_000, "number_too_long"),
    "65 digits": ("9" * 65, "number_too_long"),
    "too large": ("1e309", "non_finite"),
    "too small": ("1e-400", "non_finite"),
    "a bomb": ("1e999999999", "non_finite"),
    "a small bomb": ("1e-999999999", "non_finite"),
    "NaN": ("NaN", "non_finite"),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_kept_is_refused_by_name(text: str, reason: str) -> None:
    an_organization()
    poll_once(sent(text), wait_seconds=0)
    message = ProcessedMessage.objects.get()
    assert (message.status, message.reason.partition(":")[0]) == (Status.QUARANTINED, reason)


def test_two_spellings_of_one_number_are_no_contradiction(redis_server: object) -> None:
    an_organization()
    record = record_id("Opportunity", next(records))
    queue = FakeQueue()
    for key, amount in (("a", "1.10"), ("b", "1.1")):
        fields = {"Amount": Decimal(amount)}
        message = relay_message("Opportunity", record, fields=fields, organization=organization_id(1))
        message["detail"]["payload"]["ChangeEventHeader"]["transactionKey"] = key
        queue.send(exact_json.dumps(message))
    poll_once(queue, wait_seconds=0)
    work(OPPORTUNITIES)
    assert SalesforceRecord.objects.get().merge_state["contested"] == []
