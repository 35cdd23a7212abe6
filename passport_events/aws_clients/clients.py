"""Clients for AWS: the only place that knows boto3. Credentials come from boto3's own chain."""

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
    configured_endpoint,
    endpoint_of,
    has_same_host,
    is_ordinary_host,
    is_sqs_host,
    region_of,
)
from passport_events.conf import Settings
from passport_events.exceptions import ConfigurationError

AWS_ERRORS = Exception
"""What a call can raise, by place and not by type: a proxy's page in place of an answer makes botocore's
parsers raise anything. `kind_of` names it without what it says, which may hold a payload."""
_MAY_PASS = (NoConnection, HTTPClientError, CredentialRetrievalError, ResponseParserError)
READ_MARGIN_SECONDS = 5
"""A socket that stays silent for this much longer than an answer may take is dead."""
_TRY_AGAIN = (408, 429)
"""The answers of HTTP that say so among those that blame the sender."""
_BUSY = ("OverLimit", "RequestLimitExceeded", "RequestTimeout", "PriorRequestNotComplete", "SlowDown")
"""The codes of AWS that say so, whatever the status."""
_SQS, _SNS = "sqs", "sns"
_NO_VARIANTS = Config(use_fips_endpoint=False, use_dualstack_endpoint=False)


def client(settings: Settings, service: str, read_timeout: float, attempts: int = 2) -> Any:
    """A boto3 client, safe to share between threads.

    One retry at most: who calls has a patience of its own, and says what it waits for. Requests about a
    queue go to ENDPOINT_URL, else to AWS_ENDPOINT_URL(_SQS), else to the server in the queue's URL.
    Raises ConfigurationError where boto3 cannot make one: no region, or a URL that is none.
    """
    config = Config(
        connect_timeout=READ_MARGIN_SECONDS,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
        tcp_keepalive=True,
        max_pool_connections=64,
    )
    region = region_of(settings.queue_url)
    # The region that a queue's URL names is the one that its requests are signed for.
    region = (region if service == _SQS else "") or settings.region or region
    endpoint_url = _endpoint_for(settings, service)
    try:
        with _making_a_client:
            make = functools.partial(_session().client, service, region_name=region or None)
            made = make(endpoint_url=endpoint_url or None, config=config)
            if service == _SQS and not endpoint_url and _is_elsewhere(made, settings.queue_url):
                made = make(endpoint_url=endpoint_of(settings.queue_url), config=config.merge(_NO_VARIANTS))
            return made
    except (BotoCoreError, ValueError) as error:
        raise ConfigurationError(f"boto3 makes no client for {service}: {error}") from error


def _endpoint_for(settings: Settings, service: str) -> str:
    host = urlsplit(settings.endpoint_url).hostname or ""
    if service == _SQS or (service == _SNS and not is_sqs_host(host)):
        return settings.endpoint_url
    return ""  # a VPC endpoint of SQS answers nothing of SNS


def _is_elsewhere(made: Any, queue_url: str) -> bool:
    """Whether boto3 by itself would ask another server than the queue's URL names."""
    if any(configured_endpoint(_SQS)) or not queue_url or has_same_host(made.meta.endpoint_url, queue_url):
        return False
    config = made.meta.config
    asks_for_variant = config.use_fips_endpoint or config.use_dualstack_endpoint
    # The environment may ask for the FIPS or dual-stack twin of the host that AWS puts into its URLs.
    return not (asks_for_variant and is_ordinary_host(queue_url))


def kind_of(error: BaseException) -> str:
    """AWS's code for an error, else its class."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "error"))
    return type(error).__name__


def is_our_fault(error: BaseException) -> bool:
    """Whether the same request would fail again: a right that is missing, a name or region that is wrong."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        code = kind_of(error)
        is_busy = "Throttl" in code or code.endswith(_BUSY)
        return 300 <= status < 500 and status not in _TRY_AGAIN and not is_busy
    return isinstance(error, BotoCoreError) and not isinstance(error, _MAY_PASS)


def is_permanent(error: BaseException, region: str) -> bool:
    """Whether waiting does not help: AWS refuses by name, or boto3 knows no credentials or no such region.

    A status without a code of AWS's comes from a proxy, and may pass.
    """
    if isinstance(error, EndpointConnectionError):
        # The host of a mistyped region has no address.
        return bool(region) and not _is_known(region)
    return is_our_fault(error) and not kind_of(error).isdigit()


def _is_known(region: str) -> bool:
    session = _session()
    return any(
        region in session.get_available_regions(_SQS, partition)
        for partition in session.get_available_partitions()
    )


_making_a_client = threading.Lock()
"""Clients are safe to share between threads; the session that makes them is not."""


@functools.cache
def _session() -> Any:
    # Of our own: other code may make clients with boto3's default one at this moment.
    return boto3.session.Session()
