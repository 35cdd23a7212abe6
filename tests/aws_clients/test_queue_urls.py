"""Case C4. Requests go to the server that the queue's URL names, signed for the region that it names."""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as project
from django.test import override_settings

from passport_events import conf
from passport_events.aws_clients.queue_urls import derive_endpoint, find_region
from passport_events.checks import check_settings, check_surroundings
from passport_events.receiving.sqs import SqsQueue

ADDRESSES = [
    ("https://sqs.eu-central-1.amazonaws.com/1/q", "sqs.eu-central-1.amazonaws.com", "eu-central-1"),
    ("https://us-west-2.queue.amazonaws.com/1/q", "us-west-2.queue.amazonaws.com", "us-west-2"),
    ("https://queue.amazonaws.com/1/q", "queue.amazonaws.com", "us-east-1"),
    (
        "https://vpce-1-a.sqs.eu-west-1.vpce.amazonaws.com/1/q",
        "vpce-1-a.sqs.eu-west-1.vpce.amazonaws.com",
        "eu-west-1",
    ),
    (
        "https://vpce-1-a-eu-west-1b.sqs.eu-west-1.vpce.amazonaws.com/1/q",
        "vpce-1-a-eu-west-1b.sqs.eu-west-1.vpce.amazonaws.com",
        "eu-west-1",
    ),
    (
        "https://sqs-fips.us-gov-west-1.amazonaws.com/1/q",
        "sqs-fips.us-gov-west-1.amazonaws.com",
        "us-gov-west-1",
    ),
    ("https://sqs.cn-north-1.amazonaws.com.cn/1/q", "sqs.cn-north-1.amazonaws.com.cn", "cn-north-1"),
    ("https://sqs.us-iso-east-1.c2s.ic.gov/1/q", "sqs.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"),
    ("https://sqs.us-isob-east-1.sc2s.sgov.gov/1/q", "sqs.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"),
    ("https://sqs.eu-west-1.api.aws/1/q", "sqs.eu-west-1.api.aws", "eu-west-1"),
    ("https://sqs-fips.us-east-1.api.aws/1/q", "sqs-fips.us-east-1.api.aws", "us-east-1"),
    ("http://sqs.us-east-1.amazonaws.com/1/q", "sqs.us-east-1.amazonaws.com", "us-east-1"),
    ("http://localhost:9324/000000000000/q", "localhost:9324", ""),
    ("http://127.0.0.1:4566/000000000000/q", "127.0.0.1:4566", ""),
    ("http://[::1]:4566/000000000000/q", "[::1]:4566", ""),
    (
        "http://sqs.us-east-1.localhost.localstack.cloud:4566/0/q",
        "sqs.us-east-1.localhost.localstack.cloud:4566",
        "",
    ),
    ("https://sqs.internal.example/1/q", "sqs.internal.example", ""),
    ("https://sqs.us-east-1.amazonaws.com.evil.example/1/q", "sqs.us-east-1.amazonaws.com.evil.example", ""),
]


@pytest.fixture
def _nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")


def queue_at(url: str, **changes: Any) -> SqsQueue:
    changes = {"queue_url": url, "endpoint_url": "", "region": ""} | changes
    return SqsQueue(
        dataclasses.replace(
            conf.get_settings(), **{"queue_url": url, "endpoint_url": "", "region": "", **changes}
        )
    )


@pytest.mark.usefixtures("_nothing_configured")
@pytest.mark.parametrize(("url", "host", "region"), ADDRESSES)
def test_requests_go_where_the_url_points(url: str, host: str, region: str) -> None:
    queue = queue_at(url)
    for way in (queue._polling, queue._deleting):
        assert urlsplit(way._url).netloc == host
        assert urlsplit(way._url).scheme == urlsplit(url).scheme
        assert way._client.meta.region_name == (region or "us-east-1")  # AWS_DEFAULT_REGION
    assert urlsplit(queue._polling._retrying_client.meta.endpoint_url).netloc == host
    assert find_region(url) == region


@pytest.mark.usefixtures("_nothing_configured")
def test_the_region_of_the_url_signs_whatever_the_settings_say() -> None:
    """A dead letter queue may be in another region than the queue."""
    settings = dataclasses.replace(conf.get_settings(), endpoint_url="", region="us-east-1")
    queue = SqsQueue.create_for_dead_letters(settings, "https://sqs.eu-west-1.amazonaws.com/1/dead")
    assert queue._polling._client.meta.region_name == "eu-west-1"
    assert urlsplit(queue._polling._url).netloc == "sqs.eu-west-1.amazonaws.com"


@pytest.mark.usefixtures("_nothing_configured")
@pytest.mark.parametrize("variable", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
def test_the_environment_chooses_the_twin_of_an_ordinary_host_and_of_no_other(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "true")
    twin = queue_at("https://sqs.us-east-1.amazonaws.com/1/q")._polling._url
    assert ("fips" in twin) or ("api.aws" in twin)
    own = "vpce-1.sqs.us-east-1.vpce.amazonaws.com"
    assert urlsplit(queue_at(f"https://{own}/1/q")._polling._url).netloc == own


def test_an_explicit_endpoint_wins_and_then_the_one_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = "https://sqs.us-east-1.amazonaws.com/1/q"
    assert queue_at(url, endpoint_url="http://127.0.0.1:2")._polling._url == "http://127.0.0.1:2/"
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:3")
    assert queue_at(url)._polling._url == "http://127.0.0.1:3/"


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("http://127.0.0.1:9324/prefix/000000000000/q", "http://127.0.0.1:9324/prefix"),
        ("http://127.0.0.1:9324/queue/q", "http://127.0.0.1:9324"),
        ("http://127.0.0.1:4566/queue/us-east-1/000000000000/q", "http://127.0.0.1:4566"),
    ],
)
def test_a_prefix_of_the_path_is_kept(url: str, endpoint: str) -> None:
    assert derive_endpoint(url) == endpoint


def said(**changes: Any) -> list[str]:
    with override_settings(PASSPORT_EVENTS={**project.PASSPORT_EVENTS, **changes}):
        return [str(each) for each in (*check_settings(None), *check_surroundings(None))]


def test_check_names_a_region_that_contradicts_the_url() -> None:
    (problem,) = said(QUEUE_URL="https://sqs.eu-west-1.amazonaws.com/1/q", REGION="us-east-1")
    assert "['REGION'] is 'us-east-1', and QUEUE_URL is in 'eu-west-1'" in problem


def test_check_names_the_variable_that_sends_requests_elsewhere() -> None:
    elsewhere = "https://sqs.us-east-1.amazonaws.com/1/q"
    (problem,) = said(QUEUE_URL=elsewhere, ENDPOINT_URL="")
    assert "which the variable AWS_ENDPOINT_URL names" in problem
    assert said(QUEUE_URL=elsewhere) == []  # ENDPOINT_URL says that it is meant
