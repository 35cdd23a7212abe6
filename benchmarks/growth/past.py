"""What was handled before a run: rows of the inbox, as they are once their payload is forgotten."""

from __future__ import annotations

from benchmarks.throughput.outcome import Connection

_DELIVERIES = """
INSERT INTO passport_events_delivery
    (body, body_size, wire_format, queue, sqs_message_id, sns_message_id, topic_arn, attributes,
     trace_context, published_at, sent_at, received_at, receive_count)
SELECT '', 2048, 'sns+eventbridge_relay', 'passport', md5('sqs' || n), md5('sns' || n),
    'arn:aws:sns:us-east-1:123456789012:events', '{}', '{}', at, at, at, 1
FROM (SELECT n, now() - (%(count)s - n) * interval '1.7 seconds' AS at
      FROM generate_series(1, %(count)s) n) made
"""
_MESSAGES = """
INSERT INTO passport_events_processedmessage
    (delivery_id, organization_id, organization_salesforce_id, dedup_key, identity, content_hash, event_type,
     entity, record_id, change, version_kind, version, content, status, reason, fingerprint, attempts,
     crashes, isolated, generation, merged, release, claimed_at, finished_at)
SELECT n, home.id, home.salesforce_id, md5(n::text) || md5('x' || n), 'cdc', md5(n::text) || md5('y' || n),
    'opportunity', 'Opportunity', '006' || lpad((n %% 200000)::text, 12, '0') || 'AAA', 'updated', 'commit',
    lpad((1700000000000 + n)::text, 14, '0') || '.' || lpad(n::text, 20, '0') || '.000001',
    '{"fields": {}, "missing": [], "is_gap": false, "origin": "", "transaction": ""}', 'succeeded', '', '', 1,
    0, false, 0, '{"wrote": [], "lost": [], "stale": false}', 'bench', at, at
FROM (SELECT n, 1 + n %% %(homes)s AS place, now() - (%(count)s - n) * interval '1.7 seconds' AS at
      FROM generate_series(1, %(count)s) n) made
JOIN (SELECT id, salesforce_id, row_number() OVER (ORDER BY id) AS place
      FROM passport_events_salesforceorganization) home USING (place)
"""
"""At 50,000 a day there is one every 1.7 seconds."""


def handled(connection: Connection, count: int, organizations: int) -> int:
    """Make `count` messages that succeeded; returns the key of the last one."""
    if count:
        for statement in (_DELIVERIES, _MESSAGES):
            connection.execute(statement.encode(), {"count": count, "homes": organizations})
        connection.execute("VACUUM ANALYZE")
    row = connection.execute("SELECT max(id) FROM passport_events_processedmessage").fetchone()
    return int(row[0] or 0) if row else 0
