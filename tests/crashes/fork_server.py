"""A process that has Django and all else loaded, and forks one that runs `manage.py` for each line it reads.

Starting Python and loading everything takes ten times as long as what most of these processes do. They
are processes like any other: each has its own id, signals, sockets and end.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
DJANGO_SETTINGS = "tests.crashes.settings"


class ForkServer:
    """The end of it that a test sees."""

    def __init__(self) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.crashes.fork_server"],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": DJANGO_SETTINGS},
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(
        self, arguments: Sequence[str], environment: Mapping[str, str], output: Path, errors: Path
    ) -> Forked:
        """Run `manage.py ARGUMENTS`, whose output and errors go to these files."""
        start = [arguments, environment, str(output), str(errors)]
        return Forked(self._ask("start", start), self)

    def exit_code(self, pid: int) -> int | None:
        """The one of a child that has ended, once; `-9` means a signal, as everywhere."""
        code: int | None = self._ask("exit_code", [pid])
        return code

    def _ask(self, what: str, arguments: list[Any]) -> Any:
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._popen.stdin.write(json.dumps([what, *arguments]) + "\n")
        self._popen.stdin.flush()
        return json.loads(self._popen.stdout.readline())

    def close(self) -> None:
        """End it; its children have ended before."""
        self._popen.communicate()


@dataclasses.dataclass
class Forked:
    """A child; what a Popen can that tests ask for."""

    pid: int
    _fork_server: ForkServer
    returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        if self.returncode is None:
            self.returncode = self._fork_server.exit_code(self.pid)
        return self.returncode

    def wait(self, timeout: float) -> int:
        """The exit code. Raises TimeoutError."""
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(0.01)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


def main() -> None:
    """Answer every line; return in a child, which then ends."""
    _load()
    for line in sys.stdin:
        what, *arguments = json.loads(line)
        if what == "exit_code":
            pid, status = os.waitpid(arguments[0], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        elif pid := os.fork():
            answer = pid
        else:
            _run(*arguments)
            return
        print(json.dumps(answer), flush=True)  # noqa: T201  the other end reads it


def _load() -> None:
    import boto3  # noqa: PLC0415  here it is known that this process will fork
    import django  # noqa: PLC0415
    from django.core import management  # noqa: PLC0415

    django.setup()
    from django_rq.management.commands import rqworker  # noqa: F401, PLC0415

    from passport_events.management.commands import (  # noqa: PLC0415
        dispatch_messages,  # noqa: F401
        passport,  # noqa: F401
        poll_sqs,  # noqa: F401
    )

    boto3.client("sqs", region_name="us-east-1")  # reads botocore's tables
    management.get_commands()
    gc.freeze()  # or every child, at its end, looks at all of this and copies the pages


def _run(arguments: list[str], environment: dict[str, str], output: str, errors: str) -> None:
    for number, path in enumerate([os.devnull, output, errors]):
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        os.dup2(file, number)
        os.close(file)
    os.environ.update(environment)

    from django.core import management  # noqa: PLC0415

    from tests.crashes.apps import arm  # noqa: PLC0415

    arm()
    management.execute_from_command_line(["manage.py", *arguments])


if __name__ == "__main__":
    main()
