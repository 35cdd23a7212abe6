"""boto3 clients and the classes of their errors. Credentials come from boto3's own chain."""

from __future__ import annotations

import functools
import threading
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
)
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError

from passport_events.aws_clients.queue_urls import (
    derive_endpoint,
    find_configured_endpoint,
    find_region,
    has_same_host,
    is_ordinary_host,
    is_sqs_host,
)
from passport_events.conf import Settings
from passport_events.exceptions import ConfigurationError

AWS_ERRORS = Exception
"""The errors of a request. A response that is not from AWS makes botocore's parsers raise anything.
`get_error_code` names an error without its text, which can hold a payload."""
_TRANSIENT_ERRORS = (NoConnection, HTTPClientError, CredentialRetrievalError, ResponseParserError)
READ_MARGIN_SECONDS = 5
"""Added to the longest time of a response; a socket without data for longer is dead."""
_RETRYABLE_STATUSES = (408, 429)
"""Statuses below 500 that ask for a retry."""
_THROTTLING_CODES = (
    "OverLimit",
    "RequestLimitExceeded",
    "RequestTimeout",
    "PriorRequestNotComplete",
    "SlowDown",
)
"""Codes of AWS that ask for a retry, whatever the status."""
_SQS, _SNS = "sqs", "sns"
_NO_VARIANTS = Config(use_fips_endpoint=False, use_dualstack_endpoint=False)


def create_client(settings: Settings, service: str, read_timeout: float, attempts: int = 2) -> Any:
    """Create a boto3 client, which is safe to share between threads.

    It makes one retry at most, because the callers back off by themselves. Requests about a queue go to
    ENDPOINT_URL, else to AWS_ENDPOINT_URL(_SQS), else to the server in the queue's URL.
    Raises ConfigurationError if boto3 cannot create one: no region, or an invalid URL.
    """
    config = Config(
        connect_timeout=READ_MARGIN_SECONDS,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
        tcp_keepalive=True,
        max_pool_connections=64,
    )
    region = find_region(settings.queue_url)
    # Requests to SQS are signed for the region in the queue's URL.
    region = (region if service == _SQS else "") or settings.region or region
    endpoint_url = _select_endpoint(settings, service)
    try:
        with _session_lock:
            make = functools.partial(_get_session().client, service, region_name=region or None)
            made = make(endpoint_url=endpoint_url or None, config=config)
            if service == _SQS and not endpoint_url and _is_elsewhere(made, settings.queue_url):
                made = make(
                    endpoint_url=derive_endpoint(settings.queue_url), config=config.merge(_NO_VARIANTS)
                )
            return made
    except (BotoCoreError, ValueError) as error:
        raise ConfigurationError(f"boto3 makes no client for {service}: {error}") from error


def _select_endpoint(settings: Settings, service: str) -> str:
    host = urlsplit(settings.endpoint_url).hostname or ""
    if service == _SQS or (service == _SNS and not is_sqs_host(host)):
        return settings.endpoint_url
    return ""  # a VPC endpoint of SQS does not serve SNS


def _is_elsewhere(made: Any, queue_url: str) -> bool:
    """True if boto3 by itself would use another server than the one in the queue's URL."""
    if (
        any(find_configured_endpoint(_SQS))
        or not queue_url
        or has_same_host(made.meta.endpoint_url, queue_url)
    ):
        return False
    config = made.meta.config
    asks_for_variant = config.use_fips_endpoint or config.use_dualstack_endpoint
    # The environment can select the FIPS or dual-stack variant of the host in the URL.
    return not (asks_for_variant and is_ordinary_host(queue_url))


def get_error_code(error: BaseException) -> str:
    """The error code of AWS, or the name of the class."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "error"))
    return type(error).__name__


def is_client_fault(error: BaseException) -> bool:
    """True if the same request would fail again: a missing right, a wrong name or region."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        code = get_error_code(error)
        is_busy = "Throttl" in code or code.endswith(_THROTTLING_CODES)
        return 300 <= status < 500 and status not in _RETRYABLE_STATUSES and not is_busy
    return isinstance(error, BotoCoreError) and not isinstance(error, _TRANSIENT_ERRORS)


def is_permanent(error: BaseException, region: str) -> bool:
    """True if waiting does not help: an error code of AWS, no credentials, or an unknown region.

    A status without an error code comes from a proxy, and can be temporary.
    """
    if isinstance(error, EndpointConnectionError):
        # A mistyped region has no address in DNS.
        return bool(region) and not _is_known(region)
    return is_client_fault(error) and not get_error_code(error).isdigit()


def _is_known(region: str) -> bool:
    session = _get_session()
    return any(
        region in session.get_available_regions(_SQS, partition)
        for partition in session.get_available_partitions()
    )


_session_lock = threading.Lock()
"""Clients are safe to share between threads; the session that creates them is not."""


@functools.cache
def _get_session() -> Any:
    # Not boto3's default session: other code may be creating clients with it in another thread.
    return boto3.session.Session()
