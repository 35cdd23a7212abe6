"""The six attributes of the contract."""

from __future__ import annotations

from typing import Any

import pytest

from passport_events.contract import VERSION
from passport_events.publishing.messages import build_attributes
from tests.contract.checking import only
from tests.contract.messages import OTHER_RECORD, RECORD, changed, heartbeat, opportunity
from tests.wire.deliveries import ORGANIZATION, raw, read, relayed

SIX = {"event_type", "org_id", "entity", "change_type", "schema_version", "event_id"}


def attributes(message: object) -> dict[str, str]:
    return build_attributes(only(message))


def test_they_say_what_the_message_would_become() -> None:
    message = opportunity()
    assert attributes(message) == {
        "event_type": "opportunity",
        "org_id": ORGANIZATION,
        "entity": "Opportunity",
        "change_type": "updated",
        "schema_version": VERSION,
        "event_id": message["id"],
    }


@pytest.mark.parametrize("word", ["created", "updated", "deleted", "undeleted", "upserted"])
def test_a_change_has_the_word_of_the_contract(word: str) -> None:
    assert attributes(opportunity(type=f"x.item.{word}.v1"))["change_type"] == word


def test_a_change_event_is_known_by_what_survives_a_replay_of_the_relay() -> None:
    first, again = (attributes(changed() | {"id": copy}) for copy in ("1", "2"))
    assert first == again
    assert first["event_id"] == only(changed()).events[0].identity.key


def test_what_differs_between_merged_records_is_left_out() -> None:
    assert attributes(changed(recordIds=[RECORD, OTHER_RECORD])).keys() == SIX - {"event_id"}


@pytest.mark.parametrize("odd", ["tab\there", "x" * 257, "\u202e1"])
def test_an_id_that_sns_or_people_could_not_read_is_left_out(odd: str) -> None:
    assert attributes(opportunity(id=odd)).keys() == SIX - {"event_id"}


@pytest.mark.parametrize("message", [opportunity(), changed()])
def test_the_receiver_reads_the_same_with_them_as_without(message: dict[str, Any]) -> None:
    assert read(raw(message, **attributes(message))).events == read(raw(message)).events


def test_a_heartbeat_is_about_no_record() -> None:
    message = heartbeat()
    assert attributes(message) == {
        "event_type": "heartbeat",
        "org_id": ORGANIZATION,
        "schema_version": VERSION,
        "event_id": message["id"],
    }
    assert attributes(relayed({}, **{"detail-type": "Passport_Heartbeat__e"})).keys() == {
        "event_type",
        "org_id",
        "schema_version",
    }


def test_what_cannot_be_read_has_none() -> None:
    assert attributes({}) == {}


@pytest.mark.parametrize("odd", [None, 5, ["1"], ""])
def test_a_heartbeat_without_a_good_id_has_none_to_show(odd: object) -> None:
    """Without the extra `contract` only the reader looks at it, and it leaves no row that needs one."""
    assert "event_id" not in attributes(heartbeat() | {"id": odd})
