"""An answer of SQS without a server: botocore's hook before anything is sent."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders


class _Body(io.BytesIO):
    """As urllib3 hands out what it read."""

    def stream(self, *sizes: int, **options: Any) -> Iterator[bytes]:
        yield self.read()


def answered_by(client: Any, said: object, *statuses: int) -> list[Any]:
    """Let this be the answer to whatever a client asks; gives what it asks, in order.

    The first answers have these statuses, and all others 200.
    """
    requests: list[Any] = []
    coming = list(statuses)

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        requests.append(request)
        status = coming.pop(0) if coming else 200
        return AWSResponse(request.url, status, HTTPHeaders(), _Body(json.dumps(said).encode()))

    client.meta.events.register("before-send.sqs", answer)
    return requests
