"""`passport ingest-dlq`: what SQS and SNS gave up is in the inbox afterwards, once."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from django.db import IntegrityError, connection

from passport_events import conf
from passport_events.handling.worker import work
from passport_events.models import Delivery, ProcessedMessage, SalesforceOrganization
from passport_events.operating.health import check_poller
from passport_events.processes.errors import describe_error
from passport_events.receiving.poll import poll_once
from passport_events.receiving.sqs import SqsQueue
from passport_events.testing import sns_notification
from tests.harness import environment
from tests.harness.aws import Sqs
from tests.receiving.factories import left_in_sqs, opportunity, outcomes
from tests.receiving.redriving import dead_letters, give_up, give_up_what_is_there, ingest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home", "short_timeouts")]

DEAD_LETTERS = f"{environment.QUEUE_NAME}-dead-letters"


@pytest.fixture(autouse=True)
def _signal_handlers() -> Iterator[None]:
    """The command replaces this process's."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def report(*arguments: str) -> dict[str, int]:
    code, output, errors = ingest("--once", "--json", *arguments)
    assert (code, errors) == (0, "")
    found: dict[str, int] = json.loads(output)
    return found


def test_what_can_be_read_waits_and_what_cannot_is_quarantined_and_the_queue_is_empty(sqs: Sqs) -> None:
    give_up(sqs, opportunity(1), opportunity(2), "hello")

    found = report()

    assert found == {"received": 3, "new": 3, "duplicates": 0, "quarantined": 1, "left": 0}
    assert [status for status, _ in outcomes()] == ["quarantined", "waiting", "waiting"]
    assert (dead_letters(sqs), left_in_sqs(sqs)) == (0, 0)


def test_a_delivery_says_which_queue_it_came_from(sqs: Sqs) -> None:
    give_up(sqs, opportunity(1))
    sqs.topic.publish(Message=json.dumps(opportunity(2)))

    report()
    poll_once(SqsQueue(conf.get_settings()), wait_seconds=0)

    assert list(Delivery.objects.order_by("pk").values_list("queue", flat=True)) == [
        DEAD_LETTERS,
        environment.QUEUE_NAME,
    ]


def test_a_message_whose_delete_failed_for_so_long_is_known_and_not_handled_again(
    sqs: Sqs, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqs.queue.set_attributes(Attributes={"VisibilityTimeout": "0"})
    sqs.topic.publish(Message=json.dumps(opportunity(1)))
    with monkeypatch.context() as patched:
        patched.setattr(SqsQueue, "delete", lambda self, messages: list(messages))
        poll_once(SqsQueue(conf.get_settings()), wait_seconds=0)
    work("passport-opportunities")
    before = ProcessedMessage.objects.values().get()
    give_up_what_is_there(sqs, 1)

    assert report() == {"received": 1, "new": 0, "duplicates": 1, "quarantined": 0, "left": 0}

    assert ProcessedMessage.objects.values().get() == before
    assert before["status"] == "succeeded"
    assert dead_letters(sqs) == 0


def test_the_same_key_with_other_content_is_kept_for_a_person(sqs: Sqs) -> None:
    sqs.topic.publish(Message=json.dumps(opportunity(1, "first")))
    poll_once(SqsQueue(conf.get_settings()), wait_seconds=0)
    give_up(sqs, opportunity(1, "second"))

    assert report()["quarantined"] == 1

    assert outcomes() == [("quarantined", "key_collision"), ("waiting", "")]


def test_the_dead_letter_queue_of_the_subscription_is_read_too(
    sqs: Sqs, change_settings: Callable[..., None]
) -> None:
    service = boto3.resource("sqs", endpoint_url=environment.aws_endpoint_url())
    of_sns = service.create_queue(QueueName="sns-dead-letters")
    # SNS adds these three, and nothing else, to what it could not hand over.
    why: Any = {
        name: {"DataType": "String", "StringValue": text}
        for name, text in (("RequestID", "1"), ("ErrorCode", "AccessDenied"), ("ErrorMessage", "no"))
    }
    of_sns.send_message(MessageBody=sns_notification(json.dumps(opportunity(2))), MessageAttributes=why)
    of_sns.send_message(MessageBody=json.dumps(opportunity(3)), MessageAttributes=why)  # raw delivery
    give_up(sqs, opportunity(1))
    change_settings(DEAD_LETTER_QUEUE_URLS=[sqs.dead_letter_queue.url, of_sns.url])

    assert report()["new"] == 3

    assert outcomes() == [("waiting", "")] * 3
    assert sorted(Delivery.objects.values_list("queue", flat=True)) == [
        DEAD_LETTERS,
        "sns-dead-letters",
        "sns-dead-letters",
    ]


def test_more_than_one_receive_brings_is_read_and_max_messages_is_kept(sqs: Sqs) -> None:
    give_up(sqs, *(opportunity(number) for number in range(25)))
    assert report("--max-messages", "13")["received"] == 13
    assert dead_letters(sqs) == 12
    assert report()["received"] == 12
    assert ProcessedMessage.objects.count() == 25


def test_what_stays_in_the_queue_is_exit_1(sqs: Sqs, monkeypatch: pytest.MonkeyPatch) -> None:
    give_up(sqs, opportunity(1))
    monkeypatch.setattr(SqsQueue, "delete", lambda self, messages: list(messages))

    code, output, _ = ingest("--max-messages", "1")

    assert code == 1
    assert output.splitlines()[1:] == ["ingest-dlq: received=1 new=1 duplicates=0 quarantined=0 left=1"]
    assert dead_letters(sqs) == 1


def test_a_queue_that_does_not_answer_is_exit_2_with_its_name(
    sqs: Sqs, change_settings: Callable[..., None]
) -> None:
    change_settings(MAX_CONSECUTIVE_ERRORS=2)
    sqs.dead_letter_queue.delete()
    code, output, errors = ingest("--once", "--json")
    assert (code, output) == (2, "")
    assert f"SQS did not answer a receive from {DEAD_LETTERS}: " in errors


def test_a_database_that_refuses_everything_is_exit_2_and_no_value_is_printed(
    sqs: Sqs, change_settings: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(deliveries: object) -> None:
        raise IntegrityError("DETAIL: Failing row contains (student@example.edu)")

    change_settings(MAX_CONSECUTIVE_ERRORS=1)
    monkeypatch.setattr("passport_events.receiving.queries.insert", refuse)
    give_up(sqs, opportunity(1))
    code, output, errors = ingest("--once", "--json")
    assert (code, output) == (2, "")
    assert errors == f"passport ingest-dlq: {describe_error(IntegrityError())}\n"
    assert dead_letters(sqs) == 1


@pytest.mark.parametrize(
    ("wrong", "arguments", "said"),
    [
        ({"DEAD_LETTER_QUEUE_URLS": []}, [], "DEAD_LETTER_QUEUE_URLS"),
        ({}, ["--health-file", "/no/such/directory/x.json"], "there is no directory /no/such/directory"),
    ],
)
def test_what_keeps_it_from_starting_is_exit_2_with_the_way_out(
    change_settings: Callable[..., None], wrong: dict[str, Any], arguments: list[str], said: str
) -> None:
    change_settings(**wrong)
    code, output, errors = ingest(*arguments)
    assert (code, output) == (2, "")
    assert said in errors


def test_it_is_no_poller_to_those_who_ask_whether_one_runs(
    home: SalesforceOrganization, sqs: Sqs, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def receive(*arguments: object) -> list[object]:
        seen.append(check_poller().ok)
        return []

    monkeypatch.setattr(SqsQueue, "receive", receive)
    report()
    assert seen == [False]
    connection.close()
