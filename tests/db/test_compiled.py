"""What is written once says what the ORM says each time."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from passport_events.db.compiled import CompiledSelect, CompiledUpdate, make_placeholders
from passport_events.models import Mode, SalesforceOrganization, SalesforceRecord

pytestmark = pytest.mark.django_db

NAMES = ('plain {with} "quotes"', "%s %(name)s %%", "back\\slash'", "", "üñ😀\n")


@pytest.fixture
def home() -> SalesforceOrganization:
    return SalesforceOrganization.objects.create(salesforce_id="00D000000000001AAA", name="home", mode="live")


@pytest.fixture
def records(home: SalesforceOrganization) -> list[SalesforceRecord]:
    return [
        SalesforceRecord.objects.create(
            organization=home,
            entity="Opportunity",
            record_id=f"006{number:012d}AAA",
            fields={"Name": name, "Amount": 1.5, "none": None},
            merge_state={"stamps": [name]},
            version=name,
            is_complete=number % 2 == 0,
        )
        for number, name in enumerate(NAMES)
    ]


def a_look_up() -> CompiledSelect[SalesforceRecord]:
    return CompiledSelect(
        lambda: SalesforceRecord.objects.select_for_update(no_key=True).filter(
            **make_placeholders(SalesforceRecord, "organization", "version")
        ),
        SalesforceRecord,
    )


def columns(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_a_row_is_what_the_orm_makes_of_it(records: list[SalesforceRecord]) -> None:
    look_up = a_look_up()
    for record in records:
        found = look_up.get(organization=record.organization_id, version=record.version)
        assert columns(found) == columns(SalesforceRecord.objects.get(pk=record.pk))
        assert found._state.db == connection.alias
        assert not found._state.adding


def test_a_row_that_is_not_there_is_the_models_own_error(records: list[SalesforceRecord]) -> None:
    with pytest.raises(SalesforceRecord.DoesNotExist):
        a_look_up().get(organization=records[0].organization_id, version="another")


@pytest.mark.django_db(transaction=True)
def test_a_lock_needs_a_transaction_each_time(records: list[SalesforceRecord]) -> None:
    look_up, values = a_look_up(), {"organization": records[0].organization_id, "version": NAMES[0]}
    with transaction.atomic():
        look_up.get(**values)
    with pytest.raises(TransactionManagementError, match="there is none"):
        look_up.get(**values)


@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_the_lock_of_the_query_is_kept(records: list[SalesforceRecord]) -> None:
    with CaptureQueriesContext(connection) as said, transaction.atomic():
        a_look_up().get(organization=records[0].organization_id, version=NAMES[0])
    assert any(each["sql"].endswith("FOR NO KEY UPDATE") for each in said)


def an_update() -> CompiledUpdate:
    of = make_placeholders(SalesforceOrganization, "salesforce_id", "name", "mode", "heartbeat_sent_at")
    return CompiledUpdate(
        lambda: SalesforceOrganization.objects.filter(salesforce_id=of.pop("salesforce_id")),
        SalesforceOrganization,
        mode=of["mode"],
        heartbeat_sent_at=of["heartbeat_sent_at"],
        created_at=F("updated_at"),
        heartbeat_received_at=None,
        name=of["name"],
    )


def test_an_update_changes_what_it_finds_and_counts_it(home: SalesforceOrganization) -> None:
    other = SalesforceOrganization.objects.create(
        salesforce_id="00D000000000002AAA", name="other", mode="live"
    )
    update = an_update()
    for name in NAMES:
        now = timezone.now()
        values = {"mode": Mode.SHADOW, "heartbeat_sent_at": now, "name": name}
        assert update.run(salesforce_id=home.salesforce_id, **values) == 1
        home.refresh_from_db()
        assert (home.mode, home.heartbeat_sent_at, home.name) == (Mode.SHADOW, now, name)
        assert (home.created_at, home.heartbeat_received_at) == (home.updated_at, None)
    other.refresh_from_db()
    assert (other.name, other.mode) == ("other", Mode.LIVE)
    assert update.run(salesforce_id="nobody's", mode="off", heartbeat_sent_at=None, name="") == 0


def test_the_orm_writes_a_statement_at_its_first_use_only(records: list[SalesforceRecord]) -> None:
    written: list[int] = []

    def rows() -> Any:
        written.append(1)
        return SalesforceRecord.objects.filter(**make_placeholders(SalesforceRecord, "version"))

    look_up = CompiledSelect[SalesforceRecord](rows, SalesforceRecord)
    assert [look_up.get(version=name).version for name in NAMES] == list(NAMES)
    assert written == [1]


def test_every_kind_of_field_goes_its_own_way_to_the_database(records: list[SalesforceRecord]) -> None:
    """A UUID is text on SQLite, JSON has its adapter, and a time its form."""
    update = CompiledUpdate(
        lambda: SalesforceRecord.objects.filter(**make_placeholders(SalesforceRecord, "version")),
        SalesforceRecord,
        **make_placeholders(SalesforceRecord, "fields", "is_deleted", "updated_at"),
    )
    fields = {"text": 'a "b" %s', "list": [1, None, {"x": str(uuid.UUID(int=1))}]}
    now = timezone.now()
    assert update.run(version=NAMES[1], fields=fields, is_deleted=True, updated_at=now) == 1
    found = SalesforceRecord.objects.get(version=NAMES[1])
    assert (found.fields, found.is_deleted, found.updated_at) == (fields, True, now)
