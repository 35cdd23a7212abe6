"""Many rows in one statement: the same rows as the ORM makes, on both databases."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection, models, transaction
from django.db.models.fields import NOT_PROVIDED
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passport_events.clock import ClockTimestamp
from passport_events.db.bulk import insert_many, update_many
from passport_events.models import Delivery, ProcessedMessage, SalesforceOrganization, SalesforceRecord
from tests.harness.strategies import recursive

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 22, 18, 30, 0, 123456, tzinfo=UTC)
# What PostgreSQL takes: no NUL, no half of a surrogate pair.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
# jsonb keeps decimals, and gives back a whole number for a large double.
NUMBERS = st.integers(-(2**60), 2**60) | st.floats(-1e6, 1e6)
VALUES = recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def a_delivery(body: bytes = b"{}", **also: Any) -> Delivery:
    return Delivery(body=body, body_size=len(body), sqs_message_id="m", received_at=ClockTimestamp(), **also)


def a_message(key: str, delivery: Delivery, **also: Any) -> ProcessedMessage:
    ended = {"status": "quarantined", "finished_at": ClockTimestamp()}
    return ProcessedMessage(dedup_key=key, identity="body", delivery=delivery, **ended | also)


@pytest.fixture
def delivery() -> Delivery:
    rows = [a_delivery()]
    insert_many(rows)
    return rows[0]


@contextmanager
def statements() -> Iterator[list[str]]:
    """The texts of all statements in the block, as a tracer sees them."""
    texts: list[str] = []

    def note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        texts.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        yield texts


@given(
    bodies=st.lists(st.binary(max_size=60), max_size=4),
    attributes=st.dictionaries(TEXT, VALUES, max_size=3),
    moment=st.none() | st.integers(0, 2**37).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_inserted_is_found_again_in_order(
    bodies: list[bytes], attributes: dict[str, Any], moment: datetime | None
) -> None:
    with transaction.atomic():
        rows = [a_delivery(body, attributes=attributes, sent_at=moment, topic_arn="'%s") for body in bodies]
        insert_many(rows)
        found = [Delivery.objects.get(pk=row.pk) for row in rows]
        assert [bytes(row.body or b"") for row in found] == bodies
        assert all((row.attributes, row.sent_at) == (attributes, moment) for row in found)
        assert all(row.topic_arn == "'%s" and row.received_at for row in found)
        assert sorted({row.pk for row in rows}) == [row.pk for row in rows]
        transaction.set_rollback(True)


def test_a_row_gets_the_defaults_of_its_model(delivery: Delivery) -> None:
    insert_many([a_message("k", delivery)], once_by=("dedup_key",))
    found = ProcessedMessage.objects.get()
    for field in ProcessedMessage._meta.concrete_fields:
        if field.default is not NOT_PROVIDED and field.name != "status":
            assert getattr(found, field.attname) == field.get_default()
        elif field.db_default is not NOT_PROVIDED:
            assert getattr(found, field.attname) == field.db_default, field.name
    assert (found.due_at, found.lease_token, found.organization_id) == (None, None, None)


def test_the_row_of_who_was_first_stays(delivery: Delivery) -> None:
    insert_many([a_message("k", delivery, reason="first")], once_by=("dedup_key",))
    insert_many([a_message("k", delivery, reason="second"), a_message("l", delivery)], once_by=("dedup_key",))
    assert dict(ProcessedMessage.objects.values_list("dedup_key", "reason")) == {"k": "first", "l": ""}


def test_rows_that_are_unique_by_two_fields_are_inserted_once_and_not_touched() -> None:
    first, second = (
        SalesforceOrganization.objects.create(salesforce_id=f"o{n}", name="o", mode="live") for n in (1, 2)
    )
    SalesforceRecord.objects.create(organization=first, record_id="r", entity="as it was")
    before = SalesforceRecord.objects.get()
    rows = [SalesforceRecord(organization=each, record_id="r", entity="new") for each in (first, second)]
    insert_many(rows, once_by=("organization", "record_id"))
    known, new = SalesforceRecord.objects.order_by("organization")
    assert (known.pk, known.entity, known.updated_at) == (before.pk, "as it was", before.updated_at)
    assert (new.organization_id, new.entity) == (second.pk, "new")
    assert before.created_at <= new.created_at <= new.updated_at


def test_any_other_violation_is_an_error(delivery: Delivery) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_many([a_message("k", delivery, finished_at=None)], once_by=("dedup_key",))
    insert_many([SalesforceOrganization(salesforce_id="o", name="1", mode="live")])
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_many([SalesforceOrganization(salesforce_id="o", name="2", mode="live")])


def test_fields_of_every_kind_are_updated_and_no_other(delivery: Delivery) -> None:
    insert_many([a_message(key, delivery, reason="as before") for key in "klm"], once_by=("dedup_key",))
    organization = SalesforceOrganization.objects.create(salesforce_id="o", name="1", mode="live")
    ProcessedMessage.objects.update(organization=organization, record_id="r", event_type="opportunity")
    rows = list(ProcessedMessage.objects.order_by("dedup_key"))
    token = uuid.uuid4()
    for number, row in enumerate(rows[:2], start=1):
        row.status, row.lease_token, row.due_at, row.isolated = "processing", token, AT, True
        row.finished_at, row.attempts, row.merged, row.reason = None, number, {"wrote": ["Name"]}, "not named"
    names = ["status", "lease_token", "due_at", "finished_at", "isolated", "attempts", "merged"]
    update_many(rows[:2], names)
    for number, row in enumerate(ProcessedMessage.objects.order_by("dedup_key")[:2], start=1):
        assert (row.status, row.lease_token, row.due_at) == ("processing", token, AT)
        assert (row.finished_at, row.isolated) == (None, True)
        assert (row.attempts, row.merged, row.reason) == (number, {"wrote": ["Name"]}, "as before")
    assert ProcessedMessage.objects.get(dedup_key="m").status == "quarantined"


def test_nothing_is_asked_for_no_rows() -> None:
    with statements() as texts:
        insert_many([])
        update_many([], ["reason"])
    assert texts == []


def test_a_text_that_is_too_long_is_refused_and_not_cut(delivery: Delivery) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite keeps any text.")
    with pytest.raises(DataError), transaction.atomic():
        insert_many([a_message("k", delivery, reason="r" * 201)], once_by=("dedup_key",))


@pytest.mark.parametrize("refused", ["\0", "\ud800"])
def test_text_that_no_column_takes_is_a_data_error(delivery: Delivery, refused: str) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite takes them, or the driver refuses them with errors of its own.")
    with pytest.raises(DataError), transaction.atomic():
        insert_many([a_message("k", delivery, content={"fields": {"Name": refused}})], once_by=("dedup_key",))


def test_no_value_is_in_the_text_of_a_statement(delivery: Delivery) -> None:
    """Django's own statement on SQLite has none either."""
    with statements() as texts:
        insert_many([a_message("k", delivery, content={"fields": {"Name": "Ada"}})], once_by=("dedup_key",))
        row = ProcessedMessage.objects.get()
        row.content = {"fields": {"Name": "Ada"}}
        update_many([row], ["content"])
    assert len(texts) >= 2
    assert not any("Ada" in text for text in texts)


def test_a_mirror_row_goes_through_whole(db: None) -> None:
    organization = SalesforceOrganization.objects.create(salesforce_id="o", name="1", mode="live")
    record = SalesforceRecord(organization=organization, entity="Opportunity", record_id="r")
    insert_many([record])
    record.fields, record.version, record.is_deleted = {"A": 1.5, "B": None}, "1", True
    update_many([record], ["fields", "version", "is_deleted"])
    assert model_values(SalesforceRecord.objects.get()) == model_values(record) | {
        "updated_at": record.updated_at
    }


def model_values(row: models.Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
