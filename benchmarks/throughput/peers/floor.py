"""The floor: what boto3 and PostgreSQL cost where nothing else is done. Ten at a time, one commit.

No retries, no handlers, no states, no merge by field: what is left when one leaves out everything.
"""

from __future__ import annotations

import json
from typing import Any

import psycopg

from benchmarks.throughput.peers import place, queue
from benchmarks.throughput.peers.change import Change, read

# Multi-row VALUES with scalars: psycopg's arrays of text are written in Python, and cost half the rate.
RECORD_EVENTS = """
    INSERT INTO peers_event (key, organization_id, record_id, body, finished_at) VALUES {rows}
    ON CONFLICT (key) DO NOTHING RETURNING key
"""
UPSERT_RECORDS = """
    INSERT INTO peers_record AS old (organization_id, record_id, version, fields, applied) VALUES {rows}
    ON CONFLICT (record_id) DO UPDATE SET
        applied = old.applied + excluded.applied,
        version = greatest(old.version, excluded.version),
        fields = CASE WHEN excluded.version > old.version THEN excluded.fields ELSE old.fields END
"""


def main() -> None:
    """Poll until ended."""
    queue.end_on_sigterm()
    sqs = queue.client()
    with psycopg.connect(place.CONNINFO) as connection:
        rows = connection.execute("SELECT salesforce_id, id FROM peers_organization").fetchall()
        connection.commit()
        organizations: dict[str, int] = dict(rows)
        while True:
            messages = queue.receive(sqs, limit=10)
            if messages:
                _store(connection, [read(message["Body"]) for message in messages], organizations)
                queue.delete(sqs, messages)


def _store(connection: psycopg.Connection, changes: list[Change], organizations: dict[str, int]) -> None:
    values: list[Any] = []
    for change in changes:
        values += (change.key, organizations[change.organization], change.record_id, change.body)
    new = {key for (key,) in _execute(connection, RECORD_EVENTS, "(%s,%s,%s,%s,clock_timestamp())", values)}
    # One row per record and statement, in one order for everybody.
    newest: dict[str, Change] = {}
    applied: dict[str, int] = {}
    for change in sorted(changes, key=lambda change: (change.record_id, change.version)):
        if change.key in new:
            newest[change.record_id] = change
            applied[change.record_id] = applied.get(change.record_id, 0) + 1
    values = []
    for record, change in newest.items():
        organization = organizations[change.organization]
        values += (organization, record, change.version, json.dumps(change.fields), applied[record])
    if values:
        _execute(connection, UPSERT_RECORDS, "(%s,%s,%s,%s,%s)", values)
    connection.commit()


def _execute(connection: psycopg.Connection, statement: str, row: str, values: list[Any]) -> Any:
    rows = ",".join([row] * (len(values) // row.count("%s")))
    return connection.execute(statement.format(rows=rows).encode(), values)


if __name__ == "__main__":
    main()
