"""Everything that the doctor looks at, one after the other. Nothing that fails hides what comes after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from passport_events.conf import Settings
from passport_events.operating import health_findings
from passport_events.operating.doctor import broker, database, purge, queue, topic
from passport_events.operating.doctor.finding import (
    DoctorFinding,
    report_error,
    report_not_tried,
    report_ok,
    run_guarded,
)

DATABASE_HINT = "See that it runs, that DATABASES is right, and that manage.py migrate was run."


def examine(settings: Settings, topics: Sequence[str]) -> Iterator[DoctorFinding]:
    """Everything but the canaries."""
    yield from run_guarded(
        "D12",
        "The database cannot be looked at",
        lambda: database.judge(database.read_facts(), settings),
        DATABASE_HINT,
    )
    yield from run_guarded(
        "D12", "The database cannot be asked about messages", _examine_messages, DATABASE_HINT
    )
    yield from run_guarded(
        "D12",
        "The database cannot be asked about the purge",
        lambda: purge.judge(purge.read_facts(settings), settings),
        DATABASE_HINT,
    )
    # A worker of several queues is found in each of them, and said once.
    yield from dict.fromkeys(_examine_brokers(settings))
    yield from run_guarded(
        "Q1",
        "SQS says nothing about the queue",
        lambda: _examine_queue(settings, topics),
        "See that QUEUE_URL, the region and the credentials are right.",
    )
    if settings.s3_payload_buckets:
        yield report_not_tried(
            "S1",
            f"Nothing was read from S3: {', '.join(settings.s3_payload_buckets)}.",
            "The doctor puts nothing there. Allow s3:GetObject to workers; the next large message shows it.",
        )


def _examine_messages() -> Iterator[DoctorFinding]:
    found = [report_error("M1", finding.text, finding.hint) for finding in health_findings.find_poison()]
    yield from found or [report_ok("M0", "No dead letter took its worker's process down.")]


def _examine_brokers(settings: Settings) -> Iterator[DoctorFinding]:
    for name in settings.queues():
        yield from run_guarded(
            "R1",
            f"Redis cannot be asked about {name}",
            lambda name=name: _examine_broker(name, settings),  # type: ignore[misc]
            f"See RQ_QUEUES[{name!r}], and what else writes to this Redis.",
        )


def _examine_broker(name: str, settings: Settings) -> Iterator[DoctorFinding]:
    facts = broker.read_facts(name)
    yield from [facts] if isinstance(facts, DoctorFinding) else broker.judge(facts, settings)


def _examine_queue(settings: Settings, topics: Sequence[str]) -> Iterator[DoctorFinding]:
    found = queue.read_facts(settings)
    if isinstance(found, DoctorFinding):
        yield found
        yield report_not_tried(
            "T7", "No subscription was looked at: the queue's ARN is not known.", "See to Q1 first."
        )
        return
    yield from queue.judge(found, settings)
    known = topic.find_topics(settings, topics)
    if not known:
        yield topic.report_no_topic()
    for arn in known:
        yield from run_guarded(
            "T1",
            f"SNS says nothing about {arn}",
            lambda arn=arn: _examine_topic(arn, found.arn, settings),  # type: ignore[misc]
            "See that the ARN, its region and the credentials are right.",
        )


def _examine_topic(arn: str, queue_arn: str, settings: Settings) -> Iterator[DoctorFinding]:
    subscription = topic.read_facts(arn, queue_arn, settings)
    yield from (
        [subscription] if isinstance(subscription, DoctorFinding) else topic.judge(subscription, settings)
    )
