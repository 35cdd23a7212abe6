"""Findings about failed messages: dead letters, quarantined deliveries, poison."""

from __future__ import annotations

from collections.abc import Iterator

from passport_events import conf, fingerprint
from passport_events.handling.abandoned import MOST_CRASHES
from passport_events.models import ProcessedMessage, Status
from passport_events.operating.finding import Code, Finding, well

MAX_COUNTED = 10_000
MAX_NAMED = 5


def assess_failed() -> Iterator[Finding]:
    """One finding per kind of failed messages, or one that there are none. Bounded index reads."""
    found = [*_find_dead_letters(), *_find_quarantined(), *find_poison()]
    yield from found or [well("failed messages", "No dead letters, and nothing is quarantined.")]


def _find_dead_letters() -> Iterator[Finding]:
    if count := _count(Status.DEAD):
        yield Finding(
            "dead letters",
            Code.DEAD_LETTERS,
            f"{count} dead letters are not retried any more.",
            "See why, in the admin's desk or with manage.py passport dead-letters. Fix it, then: manage.py "
            'passport dead-letters --retry --all --reason "fixed". Or --discard in place of --retry.',
        )


def _find_quarantined() -> Iterator[Finding]:
    if count := _count(Status.QUARANTINED):
        yield Finding(
            "quarantined",
            Code.QUARANTINED,
            f"{count} deliveries are quarantined: they could not be read as events.",
            "See the reason, in the admin's desk or with manage.py passport messages --status quarantined. "
            "Fix it (add the organization, say), then: manage.py passport reprocess --all. Or discard: "
            'manage.py passport dead-letters --discard ID --reason "of no use".',
        )


def find_poison() -> Iterator[Finding]:
    """Dead letters that crashed their worker three times while they ran alone.

    Every group of crashes has one fingerprint for each event type, so this is a few index probes.
    """
    for event_type in conf.current().live_types():
        group = fingerprint.of_crash(event_type)
        rows = ProcessedMessage.objects.filter(
            fingerprint=group, status=Status.DEAD, crashes__gte=MOST_CRASHES
        ).order_by("-pk")
        named = list(rows.values_list("pk", flat=True)[: MAX_NAMED + 1])
        if named:
            yield _poison(event_type, group, named)


def _poison(event_type: str, group: str, named: list[int]) -> Finding:
    ids = ", ".join(map(str, named[:MAX_NAMED]))
    more = " and others" if len(named) > MAX_NAMED else ""
    which = f"Messages {ids}{more} each" if len(named) > 1 else f"Message {ids}"
    whose = "their worker" if len(named) > 1 else "its worker"
    return Finding(
        f"poison {event_type}",
        Code.POISON,
        f"{which} took {whose} down {MOST_CRASHES} times: no error, the process died (group {group}).",
        f"The handler of {event_type} crashes or is killed for its memory: see the kernel's log. "
        f'Fix it, then: manage.py passport dead-letters --retry --fingerprint {group} --reason "fixed". '
        "Or --discard in place of --retry.",
    )


def _count(status: Status) -> str:
    """Up to a limit; empty where there is none."""
    rows = ProcessedMessage.objects.filter(status=status).order_by()
    count = rows[: MAX_COUNTED + 1].count()
    if count > MAX_COUNTED:
        return f"More than {MAX_COUNTED:,}"
    return f"{count:,}" if count else ""
