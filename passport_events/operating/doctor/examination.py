"""Everything that the doctor looks at, one after the other. Nothing that fails hides what comes after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from passport_events.conf import Settings
from passport_events.operating import health_findings
from passport_events.operating.doctor import broker, database, purge, queue, topic
from passport_events.operating.doctor.finding import Finding, error, good, guarded, not_tried

DATABASE_MEND = "See that it runs, that DATABASES is right, and that manage.py migrate was run."


def examine(settings: Settings, topics: Sequence[str]) -> Iterator[Finding]:
    """Everything but the canaries."""
    yield from guarded(
        "D12",
        "The database cannot be looked at",
        lambda: database.judge(database.look(), settings),
        DATABASE_MEND,
    )
    yield from guarded("D12", "The database cannot be asked about messages", _of_messages, DATABASE_MEND)
    yield from guarded(
        "D12",
        "The database cannot be asked about the purge",
        lambda: purge.judge(purge.look(settings), settings),
        DATABASE_MEND,
    )
    # A worker of several queues is found in each of them, and said once.
    yield from dict.fromkeys(_of_brokers(settings))
    yield from guarded(
        "Q1",
        "SQS says nothing about the queue",
        lambda: _of_queue(settings, topics),
        "See that QUEUE_URL, the region and the credentials are right.",
    )
    if settings.s3_payload_buckets:
        yield not_tried(
            "S1",
            f"Nothing was read from S3: {', '.join(settings.s3_payload_buckets)}.",
            "The doctor puts nothing there. Allow s3:GetObject to workers; the next large message shows it.",
        )


def _of_messages() -> Iterator[Finding]:
    found = [error("M1", finding.text, finding.hint) for finding in health_findings.find_poison()]
    yield from found or [good("M0", "No dead letter took its worker's process down.")]


def _of_brokers(settings: Settings) -> Iterator[Finding]:
    for name in settings.queues():
        yield from guarded(
            "R1",
            f"Redis cannot be asked about {name}",
            lambda name=name: _of_broker(name, settings),  # type: ignore[misc]
            f"See RQ_QUEUES[{name!r}], and what else writes to this Redis.",
        )


def _of_broker(name: str, settings: Settings) -> Iterator[Finding]:
    facts = broker.look(name)
    yield from [facts] if isinstance(facts, Finding) else broker.judge(facts, settings)


def _of_queue(settings: Settings, topics: Sequence[str]) -> Iterator[Finding]:
    found = queue.look(settings)
    if isinstance(found, Finding):
        yield found
        yield not_tried(
            "T7", "No subscription was looked at: the queue's ARN is not known.", "See to Q1 first."
        )
        return
    yield from queue.judge(found, settings)
    known = topic.topics_of(settings, topics)
    if not known:
        yield topic.nothing_known()
    for arn in known:
        yield from guarded(
            "T1",
            f"SNS says nothing about {arn}",
            lambda arn=arn: _of_topic(arn, found.arn, settings),  # type: ignore[misc]
            "See that the ARN, its region and the credentials are right.",
        )


def _of_topic(arn: str, queue_arn: str, settings: Settings) -> Iterator[Finding]:
    subscription = topic.look(arn, queue_arn, settings)
    yield from [subscription] if isinstance(subscription, Finding) else topic.judge(subscription, settings)
