"""What the URL of a queue says: the endpoint that its requests go to, and the region that signs them."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

_AWS = re.compile(
    r"(?:.+\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws|amazonwebservices\.com\.cn|amazonaws\.eu|amazonaws-eusc\.eu"
    r"|c2s\.ic\.gov|sc2s\.sgov\.gov|csp\.hci\.ic\.gov|cloud\.adc-e\.uk)"
)
"""Domains of AWS's partitions."""
_SERVICES = frozenset(("sqs", "sqs-fips", "queue"))
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d")
_LEGACY_HOST = "queue.amazonaws.com"
"""The first endpoint of SQS, which names no region."""


def region_of(queue_url: str) -> str:
    """The region in the host of an SQS URL, or an empty string.

    VPC endpoints (`vpce-1.sqs.REGION.vpce.amazonaws.com`), FIPS, dual-stack and legacy hosts
    (`REGION.queue.amazonaws.com`) included, in every partition.
    """
    labels = _host_of(queue_url).split(".")
    if not is_sqs_host(_host_of(queue_url)):
        return ""
    if _host_of(queue_url) == _LEGACY_HOST:
        return "us-east-1"
    return next((label for label in labels if _REGION.fullmatch(label)), "")


def is_sqs_host(host: str) -> bool:
    """True for a host of AWS that serves SQS and nothing else."""
    return _AWS.fullmatch(host) is not None and not _SERVICES.isdisjoint(host.split("."))


def is_ordinary_host(queue_url: str) -> bool:
    """True for the host that AWS itself puts into the URLs of queues: `sqs.REGION.amazonaws.com`."""
    return is_sqs_host(_host_of(queue_url)) and _host_of(queue_url).startswith("sqs.")


def endpoint_of(queue_url: str) -> str:
    """Where requests about this queue go: its URL without account and name."""
    parts = urlsplit(queue_url)
    prefix = parts.path.rstrip("/").rsplit("/", 2)[0]
    # LocalStack's `/queue/REGION/ACCOUNT/NAME` names the queue; its API is at the root.
    return f"{parts.scheme}://{parts.netloc}{'' if prefix.startswith('/queue') else prefix}"


def configured_endpoint(service: str) -> tuple[str, str]:
    """The variable by which the environment names an endpoint for boto3, and its value, or empty."""
    if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() != "true":
        for name in (f"AWS_ENDPOINT_URL_{service.upper()}", "AWS_ENDPOINT_URL"):
            if os.environ.get(name):
                return name, os.environ[name]
    return "", ""


def without_userinfo(netloc: str) -> str:
    """Host and port, without a user and password before them."""
    return netloc.rpartition("@")[2]


def has_same_host(one_url: str, other_url: str) -> bool:
    """True when two URLs name one server: scheme, host and port."""
    return _server(one_url) == _server(other_url)


def _server(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, _host_of(url), parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _host_of(url: str) -> str:
    return (urlsplit(url).hostname or "").rstrip(".")
