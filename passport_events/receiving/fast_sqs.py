"""Receive and delete without most of boto3's work for each request: about half of its CPU time.

Uses botocore's signer and HTTP session, with its credentials, proxies, certificates and timeouts, but not its
models, endpoint rules and retries. Any error is left to boto3, which repeats the request and knows every
error; and so are all requests once a tracer has patched boto3.
Format: "Making requests using the AWS JSON protocol" in the Developer Guide of SQS.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import botocore
from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError
from botocore.hooks import first_non_none_response

_METHODS = {"ReceiveMessage": "receive_message", "DeleteMessageBatch": "delete_message_batch"}
"""The supported actions, and the boto3 method for each."""
_OK = 200
_BOTOCORE = str(Path(botocore.__file__).parent)
MAX_UNEXPECTED_ERRORS = 5
"""After this many errors in a row that come neither from the network nor from SQS, boto3 does all requests:
botocore may have changed."""


class _NotOkError(Exception):
    """Any status but 200. boto3 repeats the request and finds the cause."""


class NoAnswerOfSqsError(Exception):
    """A response with status 200 that is not from SQS, but from a proxy, a portal or another service."""


def require_answer(response_dict: Mapping[str, Any], operation_model: Any, **context: Any) -> None:
    """Check a response with status 200; a handler of botocore's `before-parse` event.

    botocore parses any text as a response without messages, and drops keys that it does not know.
    Raises NoAnswerOfSqsError.
    """
    if response_dict["status_code"] == _OK:
        known = set(getattr(operation_model.output_shape, "members", ()))
        if not set(parse_answer(response_dict["body"])) <= known:
            raise NoAnswerOfSqsError


def parse_answer(body: bytes) -> dict[str, Any]:
    """Parse the JSON object of a response. Raises NoAnswerOfSqsError."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NoAnswerOfSqsError from error
    if not isinstance(found, dict):
        raise NoAnswerOfSqsError
    return found


def _create_checked(create_client: Callable[[int], Any], attempts: int) -> Any:
    client = create_client(attempts)
    client.meta.events.register("before-parse.sqs", require_answer)
    return client


class FastSqsClient:
    """Sends requests for one boto3 client. Safe to share between threads, as clients are."""

    def __init__(self, create_client: Callable[[int], Any]) -> None:
        """`create_client` creates a boto3 client with the given number of attempts for each request."""
        self._create_client = functools.partial(_create_checked, create_client)
        # The failed fast request was the first attempt.
        self._client = self._create_client(1)
        self._url = f"{self._client.meta.endpoint_url.rstrip('/')}/"
        self._unexpected_errors = 0

    @property
    def url(self) -> str:
        """The endpoint."""
        return self._url

    @property
    def region(self) -> str:
        """The region that requests are signed for."""
        return str(self._client.meta.region_name)

    @functools.cached_property
    def _retrying_client(self) -> Any:
        return self._create_client(2)

    @staticmethod
    def is_unpatched() -> bool:
        """True unless a tracer has patched `_make_api_call`."""
        code = getattr(vars(BaseClient).get("_make_api_call"), "__code__", None)
        return code is not None and code.co_filename.startswith(_BOTOCORE)

    def call(self, action: str, **parameters: Any) -> Any:
        """Send a request, and return the response. Raises what the boto3 method raises."""
        client = self._client
        if self._unexpected_errors >= MAX_UNEXPECTED_ERRORS or not self.is_unpatched():
            client = self._retrying_client
        else:
            try:
                answer = self._send(action, parameters)
            except NoAnswerOfSqsError:
                raise
            except (BotoCoreError, _NotOkError):
                pass
            except Exception:  # noqa: BLE001  boto3 repeats the request
                self._unexpected_errors += 1
            else:
                self._unexpected_errors = 0
                return answer
        return getattr(client, _METHODS[action])(**parameters)

    def _send(self, action: str, parameters: dict[str, Any]) -> Any:
        signer, http = self._client._request_signer, self._client._endpoint.http_session  # noqa: SLF001  they have no public name
        request = AWSRequest("POST", self._url, self._build_headers(action), json.dumps(parameters).encode())
        signer.get_auth_instance("sqs", self._client.meta.region_name, "v4").add_auth(request)
        prepared = request.prepare()
        # botocore's hook for recording or replacing requests; moto uses it inside a process.
        replaced = self._client.meta.events.emit(f"before-send.sqs.{action}", request=prepared)
        answer = first_non_none_response(replaced) or http.send(prepared)
        if answer.status_code != _OK:
            raise _NotOkError
        return parse_answer(answer.content)

    def _build_headers(self, action: str) -> dict[str, str]:
        return {
            "Content-Type": "application/x-amz-json-1.0",
            "User-Agent": self._client.meta.config.user_agent,
            "X-Amz-Target": f"AmazonSQS.{action}",
        }
