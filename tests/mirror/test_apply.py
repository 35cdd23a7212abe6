"""The rows of the mirror: stubs, locks, and what a merge writes to them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from pytest_django import DjangoAssertNumQueries, Settings

from passport_events.db.bulk import insert_many
from passport_events.event import Change, VersionKind
from passport_events.mirror import apply
from passport_events.mirror.apply import (
    ensure_records,
    lock_record,
    lock_records,
    merge_into,
    merge_reading,
    save_merge,
)
from passport_events.models import ProcessedMessage, SalesforceOrganization, SalesforceRecord
from tests.mirror.histories import RECORD, Step

pytestmark = pytest.mark.django_db

OTHER = "0065g00000AbCdFAAV"


@pytest.fixture
def mba(db: None) -> SalesforceOrganization:
    return SalesforceOrganization.objects.create(salesforce_id="00D5g000004XyzAEAS", name="MBA", mode="live")


@pytest.fixture
def law(db: None) -> SalesforceOrganization:
    return SalesforceOrganization.objects.create(salesforce_id="00D5g000004XyzBEAS", name="Law", mode="live")


def message(organization: SalesforceOrganization, record_id: str = RECORD) -> ProcessedMessage:
    return ProcessedMessage(organization=organization, record_id=record_id, entity="Opportunity")


def updated(at: int, **fields: Any) -> Step:
    return Step(Change.UPDATED, at, fields)


def keys() -> list[tuple[int, str, str]]:
    return list(SalesforceRecord.objects.order_by("pk").values_list("organization_id", "record_id", "entity"))


# Stubs.


def test_a_record_gets_one_stub_however_many_messages_it_has(
    mba: SalesforceOrganization, law: SalesforceOrganization
) -> None:
    ensure_records([message(mba, OTHER), message(mba), message(mba), message(law)])

    assert keys() == [
        (mba.pk, RECORD, "Opportunity"),
        (mba.pk, OTHER, "Opportunity"),
        (law.pk, RECORD, "Opportunity"),
    ]


def test_a_stub_knows_nothing(mba: SalesforceOrganization) -> None:
    ensure_records([message(mba)])

    stub = SalesforceRecord.objects.get()
    assert (stub.fields, stub.merge_state, stub.version) == ({}, {}, "")
    assert (stub.is_complete, stub.is_deleted, stub.needs_refetch) == (False, False, False)


def test_records_that_exist_are_left_alone(
    mba: SalesforceOrganization, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ensure_records([message(mba)])
    record = SalesforceRecord.objects.get()
    merge_into(record, updated(1, Name="a").event, 1)
    save_merge(record)

    with django_assert_num_queries(1):
        ensure_records([message(mba)])

    assert SalesforceRecord.objects.get().fields == {"Name": "a"}


def test_a_worker_that_makes_the_stub_between_look_and_insert_does_no_harm(
    mba: SalesforceOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_late(*args: Any, **kwargs: Any) -> None:
        SalesforceRecord.objects.create(organization=mba, record_id=RECORD, entity="Opportunity")
        insert_many(*args, **kwargs)

    monkeypatch.setattr(apply, "insert_many", be_late)

    ensure_records([message(mba), message(mba, OTHER)])

    assert {record_id for _, record_id, _ in keys()} == {RECORD, OTHER}


# Locks.


def test_lock_record_finds_the_record_of_its_own_organization(
    mba: SalesforceOrganization, law: SalesforceOrganization
) -> None:
    # A sandbox has the record ids of production.
    ensure_records([message(mba), message(law)])

    with transaction.atomic():
        record = lock_record(message(law))

    assert (record.organization_id, record.record_id) == (law.pk, RECORD)


def test_lock_records_returns_them_by_organization_and_record(
    mba: SalesforceOrganization, law: SalesforceOrganization
) -> None:
    ensure_records([message(mba), message(mba, OTHER), message(law)])

    with transaction.atomic():
        records = lock_records([message(mba), message(mba), message(mba, OTHER), message(law)])

    assert {key: (row.organization_id, row.record_id) for key, row in records.items()} == {
        (mba.pk, RECORD): (mba.pk, RECORD),
        (mba.pk, OTHER): (mba.pk, OTHER),
        (law.pk, RECORD): (law.pk, RECORD),
    }


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("lock", [lock_record, lambda message: lock_records([message])])
def test_a_locked_record_is_locked_for_everybody_else(
    lock: Callable[[ProcessedMessage], object], mba: SalesforceOrganization
) -> None:
    ensure_records([message(mba), message(mba, OTHER)])
    free: list[str] = []

    def try_to_lock() -> None:
        try:
            for record_id in (OTHER, RECORD):
                with transaction.atomic():
                    SalesforceRecord.objects.select_for_update(nowait=True).get(record_id=record_id)
                    free.append(record_id)
        except OperationalError:
            pass
        finally:
            connection.close()

    with transaction.atomic():
        lock(message(mba))
        worker = threading.Thread(target=try_to_lock)
        worker.start()
        worker.join()

    assert free == [OTHER]


# Merges.


@pytest.fixture
def record(mba: SalesforceOrganization) -> SalesforceRecord:
    ensure_records([message(mba)])
    return SalesforceRecord.objects.get()


def test_a_saved_merge_is_in_every_column(record: SalesforceRecord) -> None:
    record.needs_refetch, record.is_deleted = True, True
    step = Step(Change.CREATED, 5, {"Name": "Zoë", "Amount": 12.5, "Tags": ["a", None]})

    merged = merge_into(record, step.event, 42)
    save_merge(record)

    row = SalesforceRecord.objects.get()
    assert row.fields == {"Name": "Zoë", "Amount": 12.5, "Tags": ["a", None]}
    assert row.merge_state == merged.state.to_json()
    assert row.version == step.version.value
    assert (row.is_complete, row.is_deleted, row.needs_refetch) == (True, False, False)
    assert row.updated_at > row.created_at


def test_merges_continue_where_the_saved_state_ended(record: SalesforceRecord) -> None:
    merge_into(record, updated(5, Name="a").event, 1)
    save_merge(record)

    again = SalesforceRecord.objects.get()
    merged = merge_into(again, updated(3, Name="late", City="Bonn").event, 2)
    save_merge(again)

    assert (merged.wrote, merged.lost, merged.is_stale) == (("City",), ("Name",), True)
    row = SalesforceRecord.objects.get()
    assert row.fields == {"Name": "a", "City": "Bonn"}
    assert row.version == updated(5).version.value
    assert row.needs_refetch


def test_a_delete_is_saved(record: SalesforceRecord) -> None:
    merge_into(record, Step(Change.CREATED, 1, {"Name": "a"}).event, 1)
    merge_into(record, Step(Change.DELETED, 2).event, 2)
    save_merge(record)

    row = SalesforceRecord.objects.get()
    assert (row.is_deleted, row.is_complete, row.fields) == (True, False, {})


def test_a_re_read_is_saved(record: SalesforceRecord) -> None:
    merge_into(record, updated(1, Name="a").event, 1)

    merge_reading(record, 2, {"Name": "b"})
    save_merge(record)

    row = SalesforceRecord.objects.get()
    assert (row.fields, row.is_complete, row.needs_refetch) == ({"Name": "b"}, True, False)
    assert row["City"] is None


def test_many_records_are_saved_in_one_statement(
    mba: SalesforceOrganization, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    messages = [message(mba), message(mba, OTHER)]
    ensure_records(messages)
    with transaction.atomic():
        records = lock_records(messages)
        for number, row in enumerate(records.values(), start=1):
            merge_into(row, Step(Change.CREATED, number, {"Name": row.record_id}).event, number)
        with django_assert_num_queries(1):
            save_merge(*records.values())

    for row in SalesforceRecord.objects.all():
        assert row.fields == {"Name": row.record_id}
        assert row.is_complete
        assert row.version
        assert row.merge_state["newest"].startswith(VersionKind.COMMIT)
        assert row.updated_at - row.created_at > timedelta(0)


def test_saving_nothing_asks_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        save_merge()


def test_only_fields_that_the_mirror_may_keep_are_saved(record: SalesforceRecord, settings: Settings) -> None:
    settings.PASSPORT_EVENTS = settings.PASSPORT_EVENTS | {"MIRROR_FIELDS": {"Opportunity": ["Name"]}}

    merge_into(record, Step(Change.CREATED, 1, {"Name": "a", "BirthDate": "2001-02-03"}).event, 1)
    save_merge(record)

    assert SalesforceRecord.objects.get().fields == {"Name": "a"}


def test_only_fields_that_the_mirror_may_keep_are_saved_from_a_re_read(
    record: SalesforceRecord, settings: Settings
) -> None:
    settings.PASSPORT_EVENTS = settings.PASSPORT_EVENTS | {"MIRROR_FIELDS": {"Opportunity": ["Name", "Addr"]}}

    merge_reading(record, 1, {"Name": "a", "Addr.City": "Bonn", "BirthDate": "2001-02-03"})
    save_merge(record)

    row = SalesforceRecord.objects.get()
    assert row.fields == {"Addr.City": "Bonn", "Name": "a"}
    assert (row.is_complete, row.needs_refetch, row["Addr.Street"]) == (True, False, None)


def test_a_re_read_that_found_nothing_is_saved(record: SalesforceRecord, settings: Settings) -> None:
    settings.PASSPORT_EVENTS = settings.PASSPORT_EVENTS | {"MIRROR_FIELDS": {"Opportunity": ["Name"]}}
    merge_into(record, Step(Change.CREATED, 1, {"Name": "a"}).event, 1)

    merge_reading(record, 2, None)
    save_merge(record)

    row = SalesforceRecord.objects.get()
    assert (row.is_deleted, row.fields, row.needs_refetch) == (True, {}, False)


def test_a_gap_and_what_settles_it_are_saved(record: SalesforceRecord) -> None:
    merge_into(record, Step(Change.CREATED, 1, {"Name": "a"}).event, 1)
    merge_into(record, Step(Change.UPDATED, 3, is_gap=True).event, 2)
    save_merge(record)

    row = SalesforceRecord.objects.get()
    assert (row.is_complete, row.needs_refetch) == (False, True)

    merge_reading(row, 4, {"Name": "b"})
    save_merge(row)

    row = SalesforceRecord.objects.get()
    assert (row.is_complete, row.needs_refetch) == (True, False)


def test_a_compound_is_saved_and_speaks_for_later_merges(record: SalesforceRecord) -> None:
    merge_into(record, Step(Change.UPDATED, 2, missing=("Addr",)).event, 1)
    save_merge(record)

    row = SalesforceRecord.objects.get()
    merged = merge_into(row, Step(Change.CREATED, 1, {"Addr.City": "Bonn", "Name": "a"}).event, 2)
    save_merge(row)

    assert (merged.wrote, merged.lost) == (("Name",), ("Addr.City",))
    row = SalesforceRecord.objects.get()
    assert (row.fields, row.merge_state["unknown"], row.needs_refetch) == ({"Name": "a"}, ["Addr"], True)
    assert ("Addr.City" in row, row["City"]) == (False, None)
