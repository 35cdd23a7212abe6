"""SNS and SQS from the wheel `ministack`, whose speed does not fall with the depth of a queue."""

from __future__ import annotations

import http.client
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from project.embedded.server import EmbeddedServer

_ANSWER_SECONDS = 5


class SqsEmulator(EmbeddedServer):
    """SNS and SQS without persistence: after `kill()` or `restart()` there is no queue.

    It accepts any credentials. Talk to it with dummy ones.
    """

    name: ClassVar[str] = "ministack"
    # Asked politely it waits for open long polls, and it has nothing to save.
    stop_signal: ClassVar[signal.Signals] = signal.SIGKILL

    @property
    def endpoint_url(self) -> str:
        """`http://127.0.0.1:<port>`, for boto3's `endpoint_url`."""
        return f"http://{self.host}:{self.port}"

    def _command(self) -> Sequence[str | Path]:
        return [sys.executable, "-m", "ministack"]

    def _environment(self) -> Mapping[str, str]:
        return {
            **super()._environment(),
            "BIND_HOST": self.host,  # its default is every interface
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_HOST": self.host,  # the host in the queue URLs it hands out
            "SERVICES": "sns,sqs",
            # These listen on every interface whatever BIND_HOST and SERVICES say.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
        }

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_ANSWER_SECONDS)
        try:
            connection.request("GET", "/_ministack/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
