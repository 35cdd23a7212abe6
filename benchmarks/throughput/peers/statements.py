"""The two statements of the work by hand. No Django in here."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.throughput.peers.change import Change

RECORD_EVENT = """
    INSERT INTO peers_event (key, organization_id, record_id, body, finished_at)
    VALUES (%s, %s, %s, %s, clock_timestamp()) ON CONFLICT (key) DO NOTHING
"""
UPSERT_RECORD = """
    INSERT INTO peers_record AS old (organization_id, record_id, version, fields, applied)
    VALUES (%s, %s, %s, %s, 1)
    ON CONFLICT (record_id) DO UPDATE SET
        applied = old.applied + 1,
        version = greatest(old.version, excluded.version),
        fields = CASE WHEN excluded.version > old.version THEN excluded.fields ELSE old.fields END
"""


def event_values(change: Change, organization: int) -> tuple[Any, ...]:
    """For RECORD_EVENT."""
    return change.key, organization, change.record_id, change.body


def record_values(change: Change, organization: int) -> tuple[Any, ...]:
    """For UPSERT_RECORD."""
    return organization, change.record_id, change.version, json.dumps(change.fields)
