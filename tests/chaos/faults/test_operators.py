"""What operators do to the rows of the inbox, through the commands that they use."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from tests.chaos.faults.watched import Watched

pytestmark = pytest.mark.postgresql


def ask(cluster: Watched, question: str) -> list[tuple[Any, ...]]:
    with closing(cluster.database()) as connection:
        return connection.execute(question.encode()).fetchall()


def by_status(cluster: Watched) -> dict[str, int]:
    question = "SELECT status, count(*) FROM passport_events_processedmessage GROUP BY status"
    return {str(status): int(count) for status, count in ask(cluster, question)}


@pytest.fixture
def before(servers: Watched) -> dict[str, int]:
    """How many messages there are, ten dead ones among them, and an empty journal."""
    with closing(servers.database()) as connection:
        connection.execute("DELETE FROM passport_events_operatoraction")
        connection.execute(
            "UPDATE passport_events_processedmessage SET status = 'dead', due_at = NULL,"
            " lease_token = NULL, finished_at = now() WHERE id <= 10"
        )
    found = by_status(servers)
    assert found["dead"] == 10
    return found


def affected(cluster: Watched) -> int:
    """Messages that operators changed, one count for each of them."""
    (found,) = ask(cluster, "SELECT coalesce(sum(affected), 0) FROM passport_events_operatoraction")
    return int(found[0])


def test_what_two_operators_retry_together_goes_back_once(servers: Watched, before: dict[str, int]) -> None:
    servers.inject("two operators retry the same dead letters")
    after = by_status(servers)
    assert after["waiting"] == before["waiting"] + 10
    assert "dead" not in after
    assert affected(servers) == 10


def test_what_was_discarded_is_dead_again_or_was_sent_back(servers: Watched, before: dict[str, int]) -> None:
    servers.inject("one operator discards what another retries")
    after = by_status(servers)
    assert "discarded" not in after
    assert after["waiting"] + after.get("dead", 0) == before["waiting"] + 10
    assert affected(servers) >= 10


def test_a_record_is_replayed_and_nothing_else(servers: Watched, before: dict[str, int]) -> None:
    replayed = (
        "SELECT record_id, generation FROM passport_events_processedmessage WHERE generation > 0"
        " AND status = 'waiting'"
    )
    servers.inject("two operators replay the same record")
    found = ask(servers, replayed)
    assert found
    assert {generation for _, generation in found} == {1}  # nobody works: the second finds it waiting
    assert len({record for record, _ in found}) == 1
    assert affected(servers) == len(found)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("a type is paused and resumed", "pause"), ("a type is throttled and let go", "throttle")],
)
def test_a_control_is_in_force_and_then_not(servers: Watched, fault: str, kind: str) -> None:
    question = "SELECT kind FROM passport_events_operatoraction WHERE ended_at IS NULL AND kind IN ('pause', 'throttle')"
    assert servers.during(fault, lambda: ask(servers, question)) == [[(kind,)]]
    assert ask(servers, question) == []


def test_five_dispatchers_send_hints(servers: Watched) -> None:
    servers.valkey.flush()
    servers.inject("five dispatchers look at once")
    with servers.redis() as redis:
        assert redis.llen("rq:queue:passport-opportunities") == 1


def test_more_pollers_receive(servers: Watched) -> None:
    before = by_status(servers)
    servers.publish(range(2_000, 2_010))
    servers.inject("three more pollers come and go")
    assert by_status(servers)["waiting"] == before["waiting"] + 10
