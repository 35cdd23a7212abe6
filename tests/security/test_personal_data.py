"""Case A7. The inventory of personal data is whole, and what it promises happens."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection, models
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from passport_events.exceptions import NothingToDo
from passport_events.handling import registry
from passport_events.handling.worker import work
from passport_events.models import (
    Delivery,
    MessageAttempt,
    OperatorAction,
    ProcessedMessage,
    SalesforceRecord,
    Status,
)
from passport_events.models.personal_data import (
    DELETED,
    HARMLESS,
    PERSONAL,
    Display,
    PersonalColumn,
    build_empty_values,
    get_masked_columns,
    is_exportable,
)
from passport_events.operating import audit_log, operations, runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.erasure import ErasureCounts, erase, preview_erasure
from passport_events.operating.export import COLUMNS
from passport_events.operating.operations import REPLAY, Operation
from passport_events.operating.record_search import contains_record
from passport_events.operating.retention import Retention, purge
from passport_events.operating.selection import Selection
from passport_events.receiving import inbox
from passport_events.testing import organization_id, record_id, relay_message, sns_notification
from passport_events.wire.raw_delivery import RawDelivery
from passport_events.wire.s3_pointer import CLASSES
from project.embedded import ValkeyServer
from tests.harness.aws import BUCKET
from tests.operating.inbox import HOME, operate, opportunity, organization, rows, store

RECORD = record_id("Opportunity", 700)
OTHER = record_id("Opportunity", 701)
MARKER = "Zyx Qwv 7391"
"""Stands in every copy of the record, and nowhere else."""
ANN = Actor("ann")
DOCS = Path(__file__).parents[2] / "docs" / "operating.md"
QUEUES = ("passport-opportunities", "passport-attachments", "passport-items")


def ours() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model.__module__.startswith("passport_events.")]


# The inventory


def test_every_column_is_declared_once_as_personal_or_as_harmless() -> None:
    declared = {label: list(columns) for label, columns in HARMLESS.items()}
    for each in PERSONAL:
        declared.setdefault(each.model, []).append(each.column)

    columns = {model._meta.label: [field.name for field in model._meta.concrete_fields] for model in ours()}

    assert {label: sorted(names) for label, names in declared.items()} == {
        label: sorted(names) for label, names in columns.items()
    }


@pytest.mark.parametrize("each", PERSONAL, ids=lambda each: f"{each.model}.{each.column}")
def test_the_empty_value_is_one_of_the_column(each: PersonalColumn) -> None:
    field = apps.get_model(each.model)._meta.get_field(each.column)
    if each.empty is not DELETED:
        assert each.empty in (None, "", {})
        assert each.empty is not None or field.null


def test_a_file_holds_no_column_that_the_inventory_forbids() -> None:
    assert [
        name
        for name, column in COLUMNS.items()
        if not is_exportable(ProcessedMessage, column, with_payload=False)
    ] == ["content"]
    assert is_exportable(ProcessedMessage, "content", with_payload=True)
    assert not is_exportable(ProcessedMessage, "content", with_payload=False)
    assert not is_exportable(Delivery, "body", with_payload=True)


def test_no_list_of_the_admin_shows_filters_or_searches_a_masked_column() -> None:
    for model, page in admin.site._registry.items():
        named = [*page.list_display, *page.list_filter, *page.search_fields, *(page.sortable_by or ())]
        assert not get_masked_columns(model) & {str(name).partition("__")[0] for name in named}, model


def test_the_table_of_the_documents_is_the_inventory() -> None:
    found = re.findall(
        r"^\| `(\w+)\.(\w+)` \| (.+) \| (.+) \| (.+) \| (.+) \|$", DOCS.read_text(), re.MULTILINE
    )

    assert found == [
        (
            each.model.rpartition(".")[2],
            each.column,
            each.holds,
            "the row is deleted" if each.empty is DELETED else "emptied",
            "yes" if each.is_purged else "no",
            f"{each.display.value}; exported: {each.export.value}",
        )
        for each in PERSONAL
    ]


# Erasing


def event(record: str | list[str] = RECORD, **about: Any) -> dict[str, Any]:
    about.setdefault("fields", {"Name": MARKER})
    about.setdefault("organization", HOME)
    return relay_message("Opportunity", record, **about)


def wrapped(body: object, **attributes: str) -> bytes:
    """By SNS, with the marker in an attribute and in the trace."""
    text = body if isinstance(body, str) else json.dumps(body)
    attributes = {"org_id": HOME, "note": MARKER, **attributes}
    trace = {"traceparent": "00-1", "tracestate": MARKER}
    return sns_notification(text, attributes=attributes, trace=trace).encode()


def fail(_event: Any, _record: Any) -> None:
    raise ValueError(MARKER)


REFUSED: dict[str, Callable[[str], bytes]] = {
    "broken JSON": lambda record: f'{{"Id": "{record}", "Name": "{MARKER}"'.encode(),
    "an id of 15 characters": lambda record: json.dumps({"Id": record[:15], "n": MARKER}).encode(),
    "an id without case": lambda record: json.dumps({"Id": record.lower(), "n": MARKER}).encode(),
    "wrapped by SNS": lambda record: wrapped({"Id": record, "Name": MARKER}),
    "JSON in JSON in JSON": lambda record: json.dumps(json.dumps(json.dumps({record: MARKER}))).encode(),
    "escaped": lambda record: (
        json.dumps({"x": "ESC", "n": MARKER})
        .replace("ESC", "".join(f"\\u{ord(letter):04x}" for letter in record))
        .encode()
    ),
    "escaped and wrapped": lambda record: wrapped(
        '{"x": "' + "".join(f"\\u{ord(letter):04x}" for letter in record) + f'", "n": "{MARKER}"}}'
    ),
    "in base64": lambda record: base64.b64encode(f"{record} {MARKER}".encode()),
    "compressed, in base64, wrapped": lambda record: wrapped(
        base64.b64encode(gzip.compress(json.dumps({"Id": record, "n": MARKER}).encode())).decode()
    ),
    "in lines of base64": lambda record: json.dumps(
        {"file": base64.encodebytes(f"{'x' * 200} {record} {MARKER}".encode()).decode(), "n": MARKER}
    ).encode(),
    "behind a path": lambda record: b'{"f": "a/b/' + base64.b64encode(f"{record} {MARKER}".encode()) + b'"}',
    "in a form": lambda record: f"id=%{ord(record[0]):x}{record[1:]}&name={MARKER}".encode(),
    "only in an attribute": lambda record: wrapped("not JSON " + MARKER, record=record),
}


@pytest.mark.parametrize("record", [RECORD, record_id("Opportunity", 2**60), record_id("Account", 5**20)])
@pytest.mark.parametrize("how", [how for how in REFUSED if how != "only in an attribute"])
def test_bytes_name_a_record_however_they_are_encoded(how: str, record: str) -> None:
    assert contains_record(REFUSED[how](record), record)
    assert not contains_record(REFUSED[how](OTHER), record)


def test_another_case_of_the_same_letters_is_another_record() -> None:
    lower, upper = record_id("Opportunity", 40), record_id("Opportunity", 14)
    assert lower[:15].lower() == upper[:15].lower()
    assert not contains_record(upper.encode(), lower)
    assert not contains_record(upper[:15].encode(), lower)


def plant(row: models.Model) -> None:
    """Write the marker into every personal column that does not hold it yet."""
    values: dict[str, Any] = {}
    for column in build_empty_values(type(row)):
        value = getattr(row, column)
        if isinstance(value, dict):
            values[column] = {**value, "planted": [MARKER]}
        elif isinstance(value, str):
            values[column] = f"{value} {MARKER}"[-200:]
    type(row)._base_manager.filter(pk=row.pk).update(**values)


def copies(needle: str = MARKER) -> list[str]:
    """Every table and column of the database that holds the marker."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608  names of the database's own
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                found += [
                    f"{table}.{name}" for name, value in zip(names, row, strict=True) if needle in said(value)
                ]
    return sorted(set(found))


def said(value: object) -> str:
    return bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)


@pytest.fixture
def everywhere(redis_server: ValkeyServer, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The record in every table, on every way that leads there; returns its deliveries."""
    monkeypatch.setattr(registry, "_handlers", {})
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "S3_PAYLOAD_BUCKETS": [BUCKET]}
    organization()
    registry.handles("opportunity")(fail)
    received = [wrapped(event(at_ms=1_000)), json.dumps(event(at_ms=2_000)).encode()]
    received += [wrapped([CLASSES[0], {"s3BucketName": BUCKET, "s3Key": f"{MARKER}/{RECORD}.json"}])]
    received += [refused(RECORD) for refused in REFUSED.values()]
    inbox.store(
        [RawDelivery(message_id=f"sqs-{n}", receipt_handle="", body=body) for n, body in enumerate(received)]
    )
    for queue in QUEUES:
        work(queue)
    found = list(Delivery.objects.values_list("pk", flat=True))
    assert len(found) == len(received)
    own = ProcessedMessage.objects.filter(record_id=RECORD).order_by("pk")
    first = own[0]
    # What a pointer led to, and the pointer, whose key does not name the record.
    ProcessedMessage.objects.filter(pk=own[1].pk).update(status=Status.WAITING)
    Delivery.objects.filter(pk=own[1].delivery_id).update(sqs_message_id="sqs-pointer")
    led = [CLASSES[0], {"s3BucketName": BUCKET, "s3Key": f"{MARKER}.json"}]
    inbox.store([RawDelivery(message_id="sqs-pointer", receipt_handle="", body=wrapped(led))])
    rows(first).update(status=Status.DEAD, due_at=None, finished_at=timezone.now())
    operate(operations.DISCARD, rows(first), ANN, f"the case of {MARKER}")
    audit_log.add_note("f00", f"{RECORD} is {MARKER}", ANN)
    audit_log.add_note("f00", f"{RECORD[:15]} was {MARKER}", ANN)
    for model in (Delivery, ProcessedMessage, MessageAttempt):
        for row in model._base_manager.all():
            plant(row)
    return list(Delivery.objects.values_list("pk", flat=True))


@pytest.mark.django_db
def test_no_copy_of_an_erased_record_is_left_anywhere(everywhere: list[int], admin_client: Client) -> None:
    assert {f"passport_events_{each.model.partition('.')[2].lower()}.{each.column}" for each in PERSONAL} <= {
        *copies(),
        "passport_events_salesforcerecord.fields",
        "passport_events_salesforcerecord.merge_state",
    }
    counted = preview_erasure(HOME, RECORD)
    assert copies()

    assert erase(HOME, RECORD, ANN, "request 17") == counted

    assert copies() == []
    assert not Delivery.objects.filter(pk__in=everywhere, body__isnull=False).exists()
    assert not SalesforceRecord.objects.filter(record_id=RECORD).exists()
    assert OperatorAction.objects.get(kind="erase").reason == "request 17"


@pytest.mark.django_db
def test_what_is_about_others_stays_whole(redis_server: ValkeyServer) -> None:
    organization(1)
    organization(2)
    related = store(
        relay_message(
            "OpportunityLineItem",
            record_id("OpportunityLineItem", 1),
            fields={"OpportunityId": RECORD},
            organization=HOME,
        )
    )
    others = [
        store(REFUSED["broken JSON"](OTHER)),
        store(json.dumps({"Id": RECORD}).encode()),  # goes
        store(event(organization=organization_id(2))),
        opportunity(3),
        related,
    ]
    audit_log.add_note("f00", f"{OTHER} stays", ANN)

    assert erase(HOME, RECORD, ANN, "request 17") == ErasureCounts(0, 1, 1, 0)

    kept = [bool(Delivery.objects.get(messages=message).body) for message in others]
    assert kept == [True, False, True, True, True]
    assert OperatorAction.objects.get(kind="note").reason == f"{OTHER} stays"


@pytest.mark.django_db
@pytest.mark.parametrize("named", [HOME, HOME[:15], HOME.lower()])
def test_a_refused_delivery_that_claims_another_organization_goes_where_it_names_this_one(named: str) -> None:
    """Nobody checked the claim of what could not be read."""
    organization(1)
    organization(2)
    claim = {"org_id": organization_id(2)}
    ours = store(wrapped(f'{{"Id": "{RECORD}", "of": "{named}", "Name": "{MARKER}"', **claim))
    theirs = store(sns_notification(f'{{"Id": "{RECORD}", "Name": "Bob"', attributes=claim).encode())
    assert ours.organization_salesforce_id == theirs.organization_salesforce_id == organization_id(2)

    assert erase(HOME, RECORD, ANN, "request 17") == ErasureCounts(0, 1, 1, 0)

    assert copies() == []
    theirs.delivery.refresh_from_db()
    assert theirs.delivery.body


@pytest.mark.django_db
def test_an_event_that_was_stored_as_part_of_another_delivery_goes_too() -> None:
    organization()
    store(event(at_ms=1_000))
    both = event([RECORD, OTHER], at_ms=1_000)
    both["detail"]["payload"]["ChangeEventHeader"]["transactionKey"] = "other"
    message = store(event(OTHER, at_ms=2_000, fields={"Name": "Bob"}))
    Delivery.objects.filter(pk=message.delivery_id).update(body=json.dumps(both).encode())

    erase(HOME, RECORD, ANN, "request 17")

    assert copies() == []
    message.refresh_from_db()
    assert (message.content["fields"], bytes(message.delivery.body or b"?")) == ({"Name": "Bob"}, b"?")


@pytest.mark.django_db
def test_messages_of_an_organization_that_is_not_known_are_erased() -> None:
    message = store(event())
    assert message.reason == "unknown_organization"
    assert erase(HOME, RECORD, ANN, "request 17") == ErasureCounts(0, 1, 1, 0)
    assert copies() == []


@pytest.mark.django_db
def test_the_purge_empties_what_another_record_left_in_a_shared_delivery() -> None:
    organization()
    inbox.store(
        [RawDelivery(message_id="1", receipt_handle="", body=json.dumps(event([RECORD, OTHER])).encode())]
    )
    erase(HOME, RECORD, ANN, "request 17")
    assert copies() == ["passport_events_processedmessage.content"]
    age(ProcessedMessage.objects.all())

    purge(BRIEF)

    assert copies() == []


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_server")
@pytest.mark.parametrize("change", [operations.RETRY, operations.RESTORE, REPLAY], ids=lambda c: c.kind)
def test_an_operation_that_still_runs_brings_nothing_back(change: Operation) -> None:
    organization()
    message = store(event())
    status = Status.DISCARDED if change is operations.RESTORE else Status.DEAD
    rows(message).update(status=status, due_at=None, finished_at=timezone.now(), claimed_at=timezone.now())
    action = runner.start(change, Selection(record_id=RECORD), ANN, "why")

    erase(HOME, RECORD, ANN, "request 17")
    runner.run_due_operations()

    assert copies() == []
    assert not ProcessedMessage.objects.filter(status=Status.WAITING).exists()
    action.refresh_from_db()
    assert action.ended_at is not None
    with pytest.raises(NothingToDo):
        runner.start(operations.RETRY, Selection(record_id=RECORD), ANN, "why")


# Purging

BRIEF = Retention(
    payloads=timedelta(hours=1),
    dead_letters=timedelta(hours=1),
    keys=timedelta(days=400),
    deleted_records=timedelta(hours=1),
)


def age(messages: Any) -> None:
    then = timezone.now() - timedelta(days=1)
    messages.update(status=Status.SUCCEEDED, due_at=None, lease_token=None, finished_at=then)
    Delivery.objects.update(received_at=then)


@pytest.mark.django_db
def test_the_purge_empties_every_column_that_it_shall(everywhere: list[int]) -> None:
    age(ProcessedMessage.objects.all())
    SalesforceRecord.objects.update(is_deleted=True, updated_at=timezone.now() - timedelta(days=1))

    purge(BRIEF)

    kept = {
        f"passport_events_{each.model.partition('.')[2].lower()}.{each.column}"
        for each in PERSONAL
        if not each.is_purged
    }
    assert set(copies()) == kept


# Looking


@pytest.mark.django_db
def test_pages_mask_what_the_inventory_masks(everywhere: list[int], admin_client: Client) -> None:
    message = ProcessedMessage.objects.filter(record_id=RECORD).earliest("pk")
    hidden = {
        each.column: f"hidden {each.column} 4711"
        for each in PERSONAL
        if each.display in (Display.MASKED, Display.HIDDEN)
    }
    rows(message).update(content={**message.content, "fields": {"Name": hidden["content"]}})
    Delivery.objects.filter(pk=message.delivery_id).update(
        body=hidden["body"].encode(),
        attributes={"a": hidden["attributes"]},
        trace_context={"b": hidden["trace_context"]},
    )
    for page in (f"processedmessage/{message.pk}", f"delivery/{message.delivery_id}"):
        answer = admin_client.get(f"/admin/passport_events/{page}/", follow=True).content.decode()
        assert "4711" not in answer
