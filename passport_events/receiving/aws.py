"""Clients for AWS: the only place that knows boto3. Credentials come from boto3's own chain."""

from __future__ import annotations

import functools
import re
import threading
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError

from passport_events.conf import Settings
from passport_events.exceptions import ConfigurationError

_NO_ANSWER_OF_AWS = (ResponseParserError, LookupError)
"""What botocore's parsers raise for a page that a proxy sent in place of an answer."""
AWS_ERRORS = (BotoCoreError, ClientError, *_NO_ANSWER_OF_AWS)
"""What a call can raise. `kind_of` names it without what it says, which may hold a payload."""
READ_MARGIN_SECONDS = 5
"""A socket that stays silent for this much longer than an answer may take is dead."""
_TRY_AGAIN = (408, 429)
"""The answers of HTTP that say so among those that blame the sender."""
_OF_OUR_QUEUE = ("sqs", "sns")


def client(settings: Settings, service: str, read_timeout: float, attempts: int = 2) -> Any:
    """A boto3 client, safe to share between threads.

    One retry at most: who calls has a patience of its own, and says what it waits for. Raises
    ConfigurationError where boto3 cannot make one: no region, or a URL that is none.
    """
    config = Config(
        connect_timeout=READ_MARGIN_SECONDS,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
        tcp_keepalive=True,
        max_pool_connections=64,
    )
    endpoint_url = settings.endpoint_url if service in _OF_OUR_QUEUE else ""
    try:
        with _making_a_client:
            return _session().client(
                service,
                region_name=settings.region or region_of(settings.queue_url) or None,
                endpoint_url=endpoint_url or None,
                config=config,
            )
    except (BotoCoreError, ValueError) as error:
        raise ConfigurationError(f"boto3 makes no client for {service}: {error}") from error


def kind_of(error: BaseException) -> str:
    """AWS's code for an error, else its class."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "error"))
    return type(error).__name__


def is_our_fault(error: BaseException) -> bool:
    """Whether the same request would fail again: a right that is missing, a name or region that is wrong."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        return 300 <= status < 500 and status not in _TRY_AGAIN and "Throttl" not in kind_of(error)
    return not isinstance(error, (NoConnection, HTTPClientError, *_NO_ANSWER_OF_AWS))


def region_of(queue_url: str) -> str:
    """The region in an SQS URL (`https://sqs.REGION.amazonaws.com/...`), or an empty string."""
    found = re.match(r"https://(?:sqs|queue)\.([a-z0-9-]+)\.(?:api\.)?(?:amazonaws|aws)\b", queue_url)
    return found[1] if found else ""


_making_a_client = threading.Lock()
"""Clients are safe to share between threads; the session that makes them is not."""


@functools.cache
def _session() -> Any:
    # Of our own: other code may make clients with boto3's default one at this moment.
    return boto3.session.Session()
