"""The ground the other tests stand on."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import boto3
import pytest
import redis
from botocore.exceptions import HTTPClientError
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection

from project.embedded import ValkeyServer
from tests.harness.aws import Sqs
from tests.harness.monolith import Monolith

COUNT_USERS = """
import django
django.setup()
from django.contrib.auth import get_user_model
print(get_user_model().objects.count())
"""
READ_BACK = """
from tests.monolith.campus.models import User
User.objects.create_superuser("a@example.com")
print(User.objects.count(), User.objects.using("default").count())
"""


def test_a_published_message_arrives_in_the_queue_of_the_settings(sqs: Sqs) -> None:
    sqs.topic.publish(Message="hello")
    (message,) = sqs.queue.receive_messages(WaitTimeSeconds=1)
    assert json.loads(message.body)["Message"] == "hello"
    assert sqs.queue.url == settings.PASSPORT_EVENTS["QUEUE_URL"]


def test_a_client_without_an_endpoint_gets_ours() -> None:
    assert boto3.client("sqs").meta.endpoint_url == settings.PASSPORT_EVENTS["ENDPOINT_URL"]


def test_aws_itself_is_refused() -> None:
    client = boto3.client("sqs", endpoint_url="https://sqs.us-east-1.amazonaws.com")
    with pytest.raises(HTTPClientError, match=r"127\.0\.0\.1 only"):
        client.list_queues()


def test_a_test_may_kill_redis(redis_server: ValkeyServer) -> None:
    redis.Redis.from_url(redis_server.url).set("key", "value")
    redis_server.kill()
    assert not redis_server.is_running


def test_the_next_test_finds_it_running_and_empty(redis_server: ValkeyServer) -> None:
    assert redis.Redis.from_url(redis_server.url).dbsize() == 0


@pytest.mark.django_db
def test_the_database_is_the_chosen_one(pytestconfig: pytest.Config) -> None:
    assert connection.vendor == pytestconfig.option.database


@pytest.mark.django_db(transaction=True)
def test_another_process_sees_the_same_rows() -> None:
    get_user_model().objects.create_user("somebody")
    seen = subprocess.run(
        [sys.executable, "-c", COUNT_USERS], env=os.environ, capture_output=True, check=True
    )
    assert seen.stdout.split() == [b"1"]


def test_the_monolith_reads_from_an_empty_replica(monolith: Monolith) -> None:
    assert monolith.python(READ_BACK).split() == ["0", "1"]


def test_the_monolith_passes_its_checks(monolith: Monolith) -> None:
    assert "no issues" in monolith.manage("check")
