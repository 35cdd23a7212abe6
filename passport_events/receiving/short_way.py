"""Calls of SQS without most of what boto3 does for every call of every service.

botocore's own signer and HTTP session, with its credentials, proxies, certificates and timeouts, but neither
its models of requests and answers nor its rules for endpoints and retries: that costs a batch of ten half of
what it costs through boto3. It is for the good case only. Whatever else comes goes boto3's whole way, which
knows every error, and everything does where somebody has wrapped boto3's calls, as tracers do.
The format is SQS's: "Making requests using the AWS JSON protocol" in its Developer Guide.
"""

from __future__ import annotations

import json
from contextlib import suppress
from types import FunctionType
from typing import Any

from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient
from botocore.hooks import first_non_none_response

_METHODS = {"ReceiveMessage": "receive_message", "DeleteMessageBatch": "delete_message_batch"}
"""What may go the short way, and the client's method that does the same."""
_OK = 200
MOST_IN_VAIN = 5
"""So often in a row it may fail where boto3 succeeds; then it is left, because each try costs a request."""


class ShortWay:
    """Calls one client; safe to share between threads, as the client is."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._url = f"{client.meta.endpoint_url.rstrip('/')}/"
        self._region = client.meta.region_name
        self._user_agent = client.meta.config.user_agent
        self._in_vain = 0

    @staticmethod
    def is_open() -> bool:
        """Whether nobody wants to see each of boto3's calls."""
        return isinstance(vars(BaseClient)["_make_api_call"], FunctionType)

    def call(self, action: str, **words: Any) -> Any:
        """What SQS answers. Raises what the client's method raises."""
        tries = self._in_vain < MOST_IN_VAIN and self.is_open()
        if tries:
            # Whatever is wrong: boto3 asks again, and names it.
            with suppress(Exception):
                answer = self._answer(action, words)
                self._in_vain = 0
                return answer
        answer = getattr(self._client, _METHODS[action])(**words)
        self._in_vain += tries
        return answer

    def _answer(self, action: str, words: dict[str, Any]) -> Any:
        signer, http = self._client._request_signer, self._client._endpoint.http_session  # noqa: SLF001  they have no other name
        request = AWSRequest("POST", self._url, self._headers(action), json.dumps(words).encode())
        signer.get_auth_instance("sqs", self._region, "v4").add_auth(request)
        prepared = request.prepare()
        # botocore's own hook for who records or replaces what is sent: moto does, inside a process.
        replaced = self._client.meta.events.emit(f"before-send.sqs.{action}", request=prepared)
        answer = first_non_none_response(replaced) or http.send(prepared)
        said = json.loads(answer.content)
        if answer.status_code != _OK or not isinstance(said, dict):
            raise ValueError(answer.status_code)
        return said

    def _headers(self, action: str) -> dict[str, str]:
        return {
            "Content-Type": "application/x-amz-json-1.0",
            "User-Agent": self._user_agent,
            "X-Amz-Target": f"AmazonSQS.{action}",
        }
