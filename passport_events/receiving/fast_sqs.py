"""Calls of SQS without most of what boto3 does for every call of every service.

botocore's own signer and HTTP session, with its credentials, proxies, certificates and timeouts, but neither
its models of requests and answers nor its rules for endpoints and retries: a batch of ten costs a little more
than half of what it costs through boto3. It is for the good case only. Whatever else comes goes boto3's whole
way, which knows every error; and so does everything where a tracer has wrapped boto3's calls.
The format is SQS's: "Making requests using the AWS JSON protocol" in its Developer Guide.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore
from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError
from botocore.hooks import first_non_none_response

from passport_events.receiving.answers import NoAnswerOfSqsError, parse_answer, require_answer

_METHODS = {"ReceiveMessage": "receive_message", "DeleteMessageBatch": "delete_message_batch"}
"""What may go the short way, and the client's method that does the same."""
_OK = 200
_BOTOCORE = str(Path(botocore.__file__).parent)
MAX_UNEXPECTED_ERRORS = 5
"""So many in a row that are neither the network's nor SQS's, and it is left: another botocore, perhaps."""


class _NotOkError(Exception):
    """For boto3 to find out what it is."""


def _make_checked(make_client: Callable[[int], Any], attempts: int) -> Any:
    client = make_client(attempts)
    client.meta.events.register("before-parse.sqs", require_answer)
    return client


class FastSqsClient:
    """Calls one client; safe to share between threads, as clients are."""

    def __init__(self, make_client: Callable[[int], Any]) -> None:
        """`make_client` makes a client of boto3's with so many attempts for each call."""
        self._make_client = functools.partial(_make_checked, make_client)
        # What fails on the short way has had its first attempt.
        self._client = self._make_client(1)
        self._url = f"{self._client.meta.endpoint_url.rstrip('/')}/"
        self._surprises = 0

    @property
    def url(self) -> str:
        """Where requests go."""
        return self._url

    @property
    def region(self) -> str:
        """What requests are signed for."""
        return str(self._client.meta.region_name)

    @functools.cached_property
    def _patient_client(self) -> Any:
        return self._make_client(2)

    @staticmethod
    def is_open() -> bool:
        """Whether nobody has put himself in the place of what all of boto3's calls go through."""
        code = getattr(vars(BaseClient).get("_make_api_call"), "__code__", None)
        return code is not None and code.co_filename.startswith(_BOTOCORE)

    def call(self, action: str, **words: Any) -> Any:
        """What SQS answers. Raises what the client's method raises."""
        client = self._client
        if self._surprises >= MAX_UNEXPECTED_ERRORS or not self.is_open():
            client = self._patient_client
        else:
            try:
                answer = self._answer(action, words)
            except NoAnswerOfSqsError:
                raise
            except (BotoCoreError, _NotOkError):
                pass
            except Exception:  # noqa: BLE001  whatever it is: boto3 asks again
                self._surprises += 1
            else:
                self._surprises = 0
                return answer
        return getattr(client, _METHODS[action])(**words)

    def _answer(self, action: str, words: dict[str, Any]) -> Any:
        signer, http = self._client._request_signer, self._client._endpoint.http_session  # noqa: SLF001  they have no other name
        request = AWSRequest("POST", self._url, self._headers(action), json.dumps(words).encode())
        signer.get_auth_instance("sqs", self._client.meta.region_name, "v4").add_auth(request)
        prepared = request.prepare()
        # botocore's own hook for who records or replaces what is sent: moto does, inside a process.
        replaced = self._client.meta.events.emit(f"before-send.sqs.{action}", request=prepared)
        answer = first_non_none_response(replaced) or http.send(prepared)
        if answer.status_code != _OK:
            raise _NotOkError
        return parse_answer(answer.content)

    def _headers(self, action: str) -> dict[str, str]:
        return {
            "Content-Type": "application/x-amz-json-1.0",
            "User-Agent": self._client.meta.config.user_agent,
            "X-Amz-Target": f"AmazonSQS.{action}",
        }
