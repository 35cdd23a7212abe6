"""Endpoint and region of a queue, from its URL."""

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
"""The oldest endpoint of SQS, without a region."""


def find_region(queue_url: str) -> str:
    """Find the region in the host of an SQS URL; empty if there is none.

    VPC endpoints (`vpce-1.sqs.REGION.vpce.amazonaws.com`), FIPS, dual-stack and legacy hosts
    (`REGION.queue.amazonaws.com`) included, in every partition.
    """
    labels = _get_host(queue_url).split(".")
    if not is_sqs_host(_get_host(queue_url)):
        return ""
    if _get_host(queue_url) == _LEGACY_HOST:
        return "us-east-1"
    return next((label for label in labels if _REGION.fullmatch(label)), "")


def is_sqs_host(host: str) -> bool:
    """True for a host of AWS that serves SQS and nothing else."""
    return _AWS.fullmatch(host) is not None and not _SERVICES.isdisjoint(host.split("."))


def is_ordinary_host(queue_url: str) -> bool:
    """True for the default host of queue URLs, `sqs.REGION.amazonaws.com`."""
    return is_sqs_host(_get_host(queue_url)) and _get_host(queue_url).startswith("sqs.")


def derive_endpoint(queue_url: str) -> str:
    """Derive the endpoint for requests about this queue: its URL without account and name."""
    parts = urlsplit(queue_url)
    prefix = parts.path.rstrip("/").rsplit("/", 2)[0]
    # LocalStack's `/queue/REGION/ACCOUNT/NAME` names the queue; its API is at the root.
    return f"{parts.scheme}://{parts.netloc}{'' if prefix.startswith('/queue') else prefix}"


def find_configured_endpoint(service: str) -> tuple[str, str]:
    """Find the environment variable that sets an endpoint for boto3, and its value; or empty strings."""
    if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() != "true":
        for name in (f"AWS_ENDPOINT_URL_{service.upper()}", "AWS_ENDPOINT_URL"):
            if os.environ.get(name):
                return name, os.environ[name]
    return "", ""


def strip_userinfo(netloc: str) -> str:
    """Remove user and password from a host with port."""
    return netloc.rpartition("@")[2]


def has_same_host(one_url: str, other_url: str) -> bool:
    """True when two URLs name one server: scheme, host and port."""
    return _get_server(one_url) == _get_server(other_url)


def _get_server(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, _get_host(url), parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _get_host(url: str) -> str:
    return (urlsplit(url).hostname or "").rstrip(".")
