"""What became of the messages that an action changed."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from passport_events.models import OperatorAction, ProcessedMessage, Status
from passport_events.operating import audit_log, erasure, operations, outcomes, runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import DISCARD, REPLAY, RESTORE, RETRY, Operation
from passport_events.operating.organizations import reprocess_organization
from passport_events.operating.outcomes import OperationOutcomes, OutcomeStatus
from passport_events.operating.runner import start
from passport_events.operating.selection import Selection
from passport_events.testing import organization_id, record_id
from tests.operating.inbox import dead, end, operate, opportunity, organization, rows

pytestmark = pytest.mark.django_db


def letters(count: int) -> list[ProcessedMessage]:
    organization()
    return [dead(number) for number in range(count)]


def do(change: Operation, ann: Actor, *messages: ProcessedMessage, **said: object) -> OperatorAction:
    selection = Selection(ids=tuple(message.pk for message in messages), **said)  # type: ignore[arg-type]
    return runner.follow(start(change, selection, ann, "fixed"))


def of(action: OperatorAction) -> OperationOutcomes:
    return outcomes.count_outcomes([action])[action.pk]


def counts(action: OperatorAction) -> dict[str, int]:
    found = of(action)
    return {word.name: count for word, count in found.counts.items() if count} | (
        {"elsewhere": found.changed_later} if found.changed_later else {}
    )


def test_each_message_counts_where_it_stands_now(ann: Actor) -> None:
    sent = letters(6)
    action = do(RETRY, ann, *sent)
    assert counts(action) == {"WAITING": 6}

    end(sent[0], Status.SUCCEEDED)
    end(sent[1], Status.IGNORED)
    end(sent[2], Status.DEAD)
    end(sent[3], Status.DISCARDED)

    assert counts(action) == {"FINISHED": 2, "WAITING": 2, "FAILED": 1, "DISCARDED": 1}
    assert str(of(action)) == "2 finished, 2 waiting, 1 failed, 1 discarded"
    assert of(action).is_open


def test_what_ended_without_it_is_not_its_own(ann: Actor) -> None:
    sent, meanwhile = letters(2)
    action = start(RETRY, Selection(event_type="opportunity"), ann, "fixed")
    end(meanwhile, Status.SUCCEEDED)  # meant, and over before its step came

    assert counts(runner.follow(action)) == {"WAITING": 1}
    end(sent, Status.SUCCEEDED)
    assert counts(action) == {"FINISHED": 1}


def test_what_a_later_action_took_over_counts_there(ann: Actor) -> None:
    sent = letters(4)
    first = do(RETRY, ann, *sent)
    for message in sent:
        end(message, Status.DEAD)
    second = do(RETRY, ann, *sent[:1])
    put_away = do(DISCARD, ann, *sent[1:2])
    assert operate(operations.RETRY, rows(sent[2]), ann, "one by hand") == 1

    assert counts(first) == {"FAILED": 1, "elsewhere": 3}
    assert (counts(second), counts(put_away)) == ({"WAITING": 1}, {"DISCARDED": 1})
    restored = do(RESTORE, ann, sent[1])
    assert (counts(put_away), counts(restored)) == ({"elsewhere": 1}, {"FAILED": 1})
    by_hand = OperatorAction.objects.get(reason="one by hand")
    assert (by_hand.affected, counts(by_hand)) == (1, {"WAITING": 1})


def test_a_replay_and_a_release_tell_as_well(ann: Actor) -> None:
    [letter] = letters(1)
    end(letter, Status.SUCCEEDED)
    replay = do(REPLAY, ann, letter)
    opportunity(7, home=organization_id(2))
    reprocess_organization(organization(2), ann)
    release = OperatorAction.objects.get(kind="reprocess")

    assert (counts(replay), counts(release)) == ({"WAITING": 1}, {"WAITING": 1})


def test_purged_messages_are_said_to_be_gone_and_erased_ones_put_away(ann: Actor) -> None:
    first, second, third = letters(3)
    action = do(RETRY, ann, first, second, third)
    rows(first).delete()
    erasure.erase(second.organization_salesforce_id, record_id("Opportunity", 1), ann, "asked for")

    assert counts(action) == {"WAITING": 1, "DISCARDED": 1, "elsewhere": 1}


def test_an_action_can_be_deleted_while_its_messages_stay(ann: Actor) -> None:
    action = do(RETRY, ann, *letters(2))
    OperatorAction.objects.filter(pk=action.pk).delete()
    assert ProcessedMessage.objects.count() == 2


def test_each_word_has_a_limit_of_its_own(ann: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = letters(5)
    action = do(RETRY, ann, *sent)
    for message in sent[:4]:
        end(message, Status.SUCCEEDED)
    monkeypatch.setattr(outcomes, "MAX_COUNTED", 3)

    found = of(action)

    assert found.counts[OutcomeStatus.FINISHED] == 3  # and no more were counted
    assert str(found) == "3+ finished, 1 waiting"
    assert found.changed_later is None  # nobody knows


def test_any_number_of_actions_cost_one_query(ann: Actor) -> None:
    actions = [do(RETRY, ann, letter) for letter in letters(3)]
    with CaptureQueriesContext(connection) as captured:
        assert len(outcomes.count_outcomes(actions)) == 3
        assert outcomes.count_outcomes([]) == {}
    assert len(captured) == 1


def test_what_changes_no_message_has_nothing_to_tell(ann: Actor) -> None:
    assert outcomes.count_outcomes([audit_log.add_note("f00", "fixed in 42", ann)]) == {}
