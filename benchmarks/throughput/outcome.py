"""Whether everything is there: how much is finished, and what was lost, done twice, or is wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import psycopg

from benchmarks.throughput.contender import Contender, Tables
from benchmarks.throughput.events import Work

Connection = psycopg.Connection[tuple[Any, ...]]
_FINISHED = {
    Tables.OURS: (
        "SELECT count(*), extract(epoch FROM max(finished_at))::float8"
        " FROM passport_events_processedmessage WHERE status = 'succeeded' AND id > %s"
    ),
    Tables.PEERS: (
        "SELECT count(*), extract(epoch FROM max(finished_at))::float8"
        " FROM peers_event WHERE finished_at IS NOT NULL AND id > %s"
    ),
}
# Rows of the inbox, and how often a record was brought up to date.
_APPLIED = {
    Tables.OURS: "SELECT count(*), sum(attempts) FROM passport_events_processedmessage WHERE id > %s",
    Tables.PEERS: (
        "SELECT (SELECT count(*) FROM peers_event WHERE id > %s), (SELECT sum(applied) FROM peers_record)"
    ),
}
_RECORDS = {
    Tables.OURS: "SELECT record_id, fields FROM passport_events_salesforcerecord",
    Tables.PEERS: "SELECT record_id, fields FROM peers_record",
}
_ENROLMENTS = "SELECT salesforce_id, stage, amount, handled FROM enrolment_enrolment"


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What a contender did wrong: all zeros, or its rate means nothing."""

    lost: int
    """Events that are not finished."""
    doubled: int
    """Rows too many, and events that were applied or handled more than once."""
    wrong: int
    """Records whose fields are not those of their newest event, and those that should not be there."""

    @property
    def is_clean(self) -> bool:
        """Whether the rate may be compared."""
        return self == Verdict(0, 0, 0)


def finished(connection: Connection, tables: Tables, after: int = 0) -> tuple[int, float]:
    """How many events are finished, and when the last of them was, by the database's clock.

    Rows up to the key `after` were there before.
    """
    count, last = _one(connection, _FINISHED[tables], after)
    return count, last or 0.0


def judge(connection: Connection, contender: Contender, work: Work, after: int = 0) -> Verdict:
    """Compare what is there with what must be; `after` as in `finished`."""
    done, _ = finished(connection, contender.tables, after)
    rows, applied = _one(connection, _APPLIED[contender.tables], after)
    times = [int(applied or 0)]
    records: dict[str, dict[str, Any]] = dict(
        connection.execute(_RECORDS[contender.tables].encode()).fetchall()
    )
    wrong = differing(records, work.expected)
    if contender.has_handler:
        enrolments = connection.execute(_ENROLMENTS.encode()).fetchall()
        times.append(sum(handled for *_, handled in enrolments))
        kept = {record: {"StageName": stage, "Amount": amount} for record, stage, amount, _ in enrolments}
        wrong += differing(kept, _of_handler(work))
    return Verdict(
        lost=work.count - min(done, *times),
        doubled=max(0, rows - work.count) + sum(max(0, each - work.count) for each in times),
        wrong=wrong,
    )


def differing(found: Mapping[str, Mapping[str, Any]], expected: Mapping[str, Mapping[str, Any]]) -> int:
    """Records that are missing, too many, or say something else."""
    wrong = sum(
        record not in found or any(found[record].get(name) != value for name, value in fields.items())
        for record, fields in expected.items()
    )
    return wrong + len(found.keys() - expected.keys())


def _of_handler(work: Work) -> dict[str, dict[str, Any]]:
    return {
        record: {name: fields[name] for name in ("StageName", "Amount")}
        for record, fields in work.expected.items()
    }


def _one(connection: Connection, query: str, after: int) -> tuple[Any, ...]:
    row = connection.execute(query.encode(), [after]).fetchone()
    return row if row is not None else (0, 0)
