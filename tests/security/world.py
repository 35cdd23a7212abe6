"""A row of every kind that the admin shows, with primary keys that a locale would group by thousands."""

from __future__ import annotations

import dataclasses

from django.apps import apps
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from passport_events.handling.worker import work
from passport_events.models import (
    ActionKind,
    Heartbeat,
    MessageAttempt,
    OperatorAction,
    ProcessedMessage,
    SalesforceOrganization,
    SalesforceRecord,
)
from passport_events.operating import audit_log, flow_operations, runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import RETRY
from passport_events.operating.selection import Selection
from tests.operating.inbox import dead, opportunity, organization, rows

FIRST_ID = 1_234_567
GROUP = "f00d" * 8
SECRET = "Lovelace-4711"
"""The value of a field: whoever must not see payloads must not see it."""


@dataclasses.dataclass(frozen=True, slots=True)
class World:
    """The rows that pages are asked for."""

    home: SalesforceOrganization
    message: ProcessedMessage
    """A dead letter of the group GROUP."""
    record: SalesforceRecord
    heartbeat: Heartbeat
    operation: OperatorAction
    """Worked in steps, and not finished."""
    pause: OperatorAction
    """In force."""

    @property
    def all_rows(self) -> list[Model]:
        """One of each model of the core."""
        return [
            self.home,
            self.message,
            self.message.delivery,
            self.record,
            self.heartbeat,
            self.operation,
            self.pause,
        ]


def build() -> World:
    """Make them."""
    _start_ids_at(FIRST_ID)
    home = organization(1)
    opportunity(1, fields={"Name": SECRET})
    work("passport-opportunities")
    message = dead(2, fields={"Name": SECRET})
    rows(message).update(fingerprint=GROUP, release="41")
    message.refresh_from_db()
    MessageAttempt.objects.create(
        message=message,
        generation=0,
        number=16,
        outcome="dead",
        error_class="host.errors.NoProgram",
        error="no program for [value]",
        own_frames="host.enrol:enrol",
        ended_at=timezone.now(),
    )
    ann = Actor("ann")
    now = timezone.now()
    audit_log.add_note(GROUP, "wait for 42", ann)
    flow_operations.pause("item", home, ann, "S3 is down")
    return World(
        home=home,
        message=message,
        record=SalesforceRecord.objects.get(),
        heartbeat=Heartbeat.objects.create(name="poller a:1", kind="poller", started_at=now, beaten_at=now),
        operation=runner.start(RETRY, Selection(fingerprint=GROUP), ann, "deployed"),
        pause=OperatorAction.objects.get(kind=ActionKind.PAUSE),
    )


def _start_ids_at(first: int) -> None:
    """Let the next row of each table of ours have this primary key; undone with the transaction."""
    with connection.cursor() as cursor:
        for label in ("passport_events", "passport_monitoring"):
            for model in apps.get_app_config(label).get_models():
                table = model._meta.db_table
                if connection.vendor == "sqlite":
                    cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
                    cursor.execute(
                        "INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, first - 1]
                    )
                else:
                    cursor.execute(f'ALTER TABLE "{table}" ALTER COLUMN id RESTART WITH {first}')
