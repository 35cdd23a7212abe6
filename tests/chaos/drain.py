"""After the faults: waiting until nothing moves any more, and the one thing an operator has to do."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from passport_events.models import ProcessedMessage, Status
from passport_events.operating import operations
from passport_events.operating.audit_log import Actor
from tests.chaos.cluster import Cluster
from tests.chaos.observation import place_of
from tests.chaos.story import Chapter
from tests.chaos.watch import Level, look
from tests.operating.inbox import operate

LOOK_SECONDS = 0.5
STANDSTILL_SECONDS = 60.0
"""When nothing has changed for so long, nothing more will come. Longer than the longest back-off."""
MOST_SECONDS = 1_200.0
POISON = "poison"


def drain(cluster: Cluster) -> bool:
    """Wait until SQS is empty and every row has ended. False when it stands still before."""
    begun = moved_at = time.monotonic()
    last: Level | None = None
    while time.monotonic() < min(moved_at + STANDSTILL_SECONDS, begun + MOST_SECONDS):
        now = look(cluster)
        if now is not None and not now.backlog:
            return True
        if now != last:
            last, moved_at = now, time.monotonic()
        cluster.wait(LOOK_SECONDS)
    return False


def innocent(chapters: Iterable[Chapter]) -> list[int]:
    """Messages that are called poison and are not: each was alone with three workers that were killed."""
    found = {}
    dead = ProcessedMessage.objects.filter(status=Status.DEAD, reason__startswith=POISON)
    for pk, *place in dead.values_list("pk", "organization_salesforce_id", "record_id", "version"):
        found[place_of(*place)] = pk
    guilty = {
        place
        for chapter in chapters
        for place, expected in chapter.events.items()
        if expected.reason.startswith(POISON)
    }
    return [pk for place, pk in found.items() if place not in guilty]


def send_back(messages: Sequence[int]) -> None:
    """What an operator does with such dead letters after an incident."""
    rows = ProcessedMessage.objects.filter(pk__in=messages)
    operate(operations.RETRY, rows, Actor("chaos"), "its workers were killed by faults")
