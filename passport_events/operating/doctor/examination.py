"""Everything that the doctor looks at, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from passport_events.conf import Settings
from passport_events.operating.doctor import broker, database, queue, topic
from passport_events.operating.doctor.finding import Finding


def examine(settings: Settings, topics: Sequence[str]) -> Iterator[Finding]:
    """Everything but the canaries. Raises the database's errors."""
    yield from database.judge(database.look(), settings)
    # A worker of several queues is found in each of them, and said once.
    yield from dict.fromkeys(_of_brokers(settings))
    found = queue.look(settings)
    if isinstance(found, Finding):
        yield found
        return
    yield from queue.judge(found, settings)
    known = topic.topics_of(settings, topics)
    if not known:
        yield topic.nothing_known()
    for arn in known:
        subscription = topic.look(arn, found.arn, settings)
        if isinstance(subscription, Finding):
            yield subscription
        else:
            yield from topic.judge(subscription, settings)


def _of_brokers(settings: Settings) -> Iterator[Finding]:
    for name in settings.queues():
        facts = broker.look(name)
        yield from [facts] if isinstance(facts, Finding) else broker.judge(facts, settings)
