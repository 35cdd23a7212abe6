"""What is kept of a run that found something: every row but its content, and the logs of the servers."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress

from tests.chaos.audit import STALE_COMPLETIONS
from tests.chaos.cluster import Cluster

_TABLES: Mapping[str, str] = {
    "messages": "SELECT m.id, m.delivery_id, m.organization_salesforce_id, m.record_id, m.event_type, m.change,"
    " m.version, m.dedup_key, m.status, m.reason, m.due_at, m.lease_token, m.attempts, m.crashes,"
    " m.isolated, m.generation, m.merged, m.claimed_at, m.finished_at"
    " FROM passport_events_processedmessage m ORDER BY m.id",
    "deliveries": "SELECT id, sqs_message_id, sns_message_id, attributes, sent_at, received_at, receive_count"
    " FROM passport_events_delivery ORDER BY id",
    "attempts": "SELECT * FROM passport_events_messageattempt ORDER BY id",
    "records": "SELECT * FROM passport_events_salesforcerecord ORDER BY id",
    "effects": "SELECT * FROM ledger_effect ORDER BY id",
    "stale_completions": f"SELECT * FROM {STALE_COMPLETIONS}",  # noqa: S608  a constant
}
"""File -> what it holds. The students of a run are invented, and yet nobody needs the content."""


def dump(cluster: Cluster) -> None:
    """Write it to the folder of the run, as CSV and text."""
    with cluster.database() as database, database.cursor() as cursor:
        for name, question in _TABLES.items():
            copied = f"COPY ({question}) TO STDOUT WITH CSV HEADER".encode()
            with (cluster.directory / f"{name}.csv").open("wb") as file, cursor.copy(copied) as rows:
                for row in rows:
                    file.write(row)
    for server in (cluster.postgres, cluster.valkey, cluster.sqs):
        with suppress(OSError):
            shutil.copy(server.directory / "server.log", cluster.directory / f"{server.name.lower()}.log")
