"""The inbox of `benchmarks.desk`: made by SQL, because a million rows through the reader take an hour."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone

from passport_events.models import (
    ActionKind,
    Delivery,
    MessageAttempt,
    OperatorAction,
    ProcessedMessage,
    SalesforceOrganization,
    SalesforceRecord,
    Status,
)
from passport_events.testing import organization_id

_AGES = "now() - (%(count)s - n) * interval '1 second'"
"""The newest message is a moment old; a million of them are the last twelve days."""
_STATUS = """CASE WHEN n %% 20 = 0 THEN CASE WHEN n %% 200 = 0 THEN 'quarantined' ELSE 'dead' END
    WHEN n %% 1000 = 1 THEN 'waiting' WHEN n %% 500 = 3 THEN 'discarded' WHEN n %% 50 = 7 THEN 'ignored'
    ELSE 'succeeded' END"""
_GROUP = "floor(30 * power(hashint4(n::int)::float8 / 4294967296 + 0.5, 2))::int"
"""30 groups of errors, some a hundred times as large as others."""

_DELIVERIES = f"""
INSERT INTO passport_events_delivery
    (body, body_size, wire_format, sqs_message_id, sns_message_id, topic_arn, attributes, trace_context,
     published_at, sent_at, received_at, receive_count)
SELECT convert_to(repeat('x', 300), 'UTF8'), 300, 'sns+eventbridge_relay', 'sqs-' || n, 'sns-' || n,
    'arn:aws:sns:us-east-1:123456789012:events', '{{}}', '{{}}', {_AGES}, {_AGES}, {_AGES}, 1
FROM generate_series(1, %(count)s) n
"""  # noqa: S608  nothing in it comes from outside
_MESSAGES = f"""
INSERT INTO passport_events_processedmessage
    (delivery_id, organization_id, organization_salesforce_id, dedup_key, identity, content_hash, event_type,
     entity, record_id, change, version_kind, version, content, status, reason, fingerprint, due_at,
     lease_token, attempts, crashes, isolated, generation, merged, release, claimed_at, finished_at,
     last_action)
SELECT n, home.id, home.salesforce_id, md5(n::text) || md5('x' || n), 'cdc', md5(n::text),
    (ARRAY['opportunity', 'opportunity', 'attachment', 'item'])[1 + (n / 7) %% 4], 'Opportunity',
    '006' || lpad((n %% 200000)::text, 12, '0') || 'AAA', 'UPDATE', 'commit',
    lpad((1778192987000 + n)::text, 14, '0') || '.' || lpad(n::text, 20, '0') || '.000001',
    '{{"fields": {{"Name": "Ada", "StageName": "Applied"}}, "missing": [], "is_gap": false, "origin": "",
      "transaction": "t"}}',
    status,
    CASE status WHEN 'dead' THEN 'retries used up: builtins.ValueError'
        WHEN 'quarantined' THEN 'not_json: byte 1' ELSE '' END,
    CASE WHEN status = 'quarantined' THEN md5('q' || n %% 5)
        WHEN status IN ('dead', 'waiting', 'discarded') OR n %% 100 = 9 THEN md5('g' || {_GROUP}) ELSE '' END,
    CASE WHEN status = 'waiting' THEN now() - interval '10 minutes' END, NULL,
    CASE WHEN status = 'dead' THEN 16 ELSE 1 END, 0, false, 0,
    '{{"wrote": ["Name"], "lost": [], "stale": false}}', 'r' || n / 100000,
    {_AGES}, CASE WHEN status <> 'waiting' THEN {_AGES} END,
    CASE WHEN n %% 3 = 0 THEN (SELECT max(id) FROM passport_events_operatoraction) END
FROM (SELECT n, {_STATUS} AS status, 1 + n %% %(homes)s AS place FROM generate_series(1, %(count)s) n) made
JOIN (SELECT id, salesforce_id, row_number() OVER (ORDER BY id) AS place
      FROM passport_events_salesforceorganization) home USING (place)
"""  # noqa: S608  the same
_ATTEMPTS = """
INSERT INTO passport_events_messageattempt
    (message_id, generation, number, outcome, error_class, error, traceback, own_frames, release, worker,
     started_at, ended_at)
SELECT id, 0, number, 'retry', 'builtins.ValueError', 'no program for [value]',
    repeat('  File "/srv/app/handlers.py", line 3, in enrol' || chr(10), 10), 'host.handlers:enrol', 'r1',
    'host:7', claimed_at, claimed_at
FROM passport_events_processedmessage, generate_series(1, 3) number WHERE status IN ('dead', 'waiting')
"""
_RECORDS = """
INSERT INTO passport_events_salesforcerecord
    (organization_id, entity, record_id, fields, merge_state, version, is_deleted, is_complete, needs_refetch,
     created_at, updated_at)
SELECT organization_id, entity, record_id, '{"Name": "Ada"}', '{}', version, false, true, false, now(), now()
FROM passport_events_processedmessage WHERE id <= 200000
"""


def fill(count: int, homes: int) -> None:
    """Make `count` messages of `homes` organizations, and what belongs to them."""
    User.objects.create_superuser("ann")
    SalesforceOrganization.objects.bulk_create(
        SalesforceOrganization(salesforce_id=organization_id(number), name=f"School {number}", mode="live")
        for number in range(1, homes + 1)
    )
    # A replay of every third of them, whatever became of it.
    OperatorAction.objects.create(
        kind=ActionKind.REPLAY, affected=count // 3, up_to=count, ended_at=timezone.now()
    )
    with connection.cursor() as cursor:
        for statement in (_DELIVERIES, _MESSAGES):
            cursor.execute(statement, {"count": count, "homes": homes})
        cursor.execute(_ATTEMPTS)
        cursor.execute(_RECORDS)
        cursor.execute("VACUUM ANALYZE")


def pages() -> Iterator[tuple[str, str]]:
    """Every kind of page, and where it is."""
    desk = reverse("admin:passport_events_processedmessage_failures")
    rows = ProcessedMessage.objects
    dead = rows.filter(status=Status.DEAD).latest("pk")
    home = SalesforceOrganization.objects.latest("pk")
    messages = _list(ProcessedMessage)
    yield "desk", desk
    for order in ("hour", "first", "last"):
        yield f"desk, by {order}", f"{desk}?sort={order}"
    yield "desk, one type", f"{desk}?type=item"
    yield "desk, one organization", f"{desk}?organization={home.salesforce_id}"
    group = reverse("admin:passport_events_processedmessage_group", args=(dead.fingerprint,))
    yield "group", group
    yield "group, deep in its pages", f"{group}?before={dead.pk // 10}"
    yield "messages", messages
    for status in ("failed", "waiting", "processing", "succeeded", "discarded"):
        yield f"messages, {status}", f"{messages}?status={status}"
    for status in Status:
        yield f"messages, status {status}", f"{messages}?status={status}"
    yield "messages, one type", f"{messages}?event_type=item"
    yield "messages, one organization", f"{messages}?organization__id__exact={home.pk}"
    yield "messages, dead of one organization", f"{messages}?status=dead&organization__id__exact={home.pk}"
    yield "messages, page 20", f"{messages}?p=20"
    yield "messages, search by record", f"{messages}?q={dead.record_id[:15]}"
    yield "messages, search by SQS id", f"{messages}?q=sqs-77"
    yield "message, dead", _page(dead)
    yield "message, succeeded", _page(rows.filter(status=Status.SUCCEEDED).latest("pk"))
    yield "message, quarantined", _page(rows.filter(status=Status.QUARANTINED).latest("pk"))
    yield "deliveries", _list(Delivery)
    yield "delivery", _page(dead.delivery)
    yield "records", _list(SalesforceRecord)
    yield "record", _page(SalesforceRecord.objects.latest("pk"))
    yield "organizations", _list(SalesforceOrganization)
    yield "journal", _list(OperatorAction)
    yield "action", _page(OperatorAction.objects.get())
    assert MessageAttempt.objects.exists()  # noqa: S101  the pages above must have had some to show


def _list(model: type[Model]) -> str:
    return reverse(f"admin:passport_events_{model._meta.model_name}_changelist")  # noqa: SLF001  Django documents _meta


def _page(row: Any) -> str:
    return reverse(f"admin:passport_events_{row._meta.model_name}_change", args=(row.pk,))  # noqa: SLF001  Django documents _meta
