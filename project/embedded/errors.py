"""What can go wrong with an embedded server.

EmbeddedServerError
├── ServerStartError    it ended, or did not answer, before its deadline
├── ServerStopError     a process of it is still there after SIGKILL
└── NotLoopbackError    somebody asked for an address other than 127.0.0.1
"""

from __future__ import annotations

from pathlib import Path

_TAIL_LINES = 15


class EmbeddedServerError(Exception):
    """The root of every error of `project.embedded`."""


class ServerStartError(EmbeddedServerError):
    """A server did not start. The message ends with the last lines of its log."""

    def __init__(self, name: str, reason: str, log: Path) -> None:
        """`reason` completes the sentence "<name> did not start: ..."."""
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        tail = "\n".join(f"    {line}" for line in lines[-_TAIL_LINES:]) or "    (nothing)"
        super().__init__(f"{name} did not start: {reason}. Its log ends with\n{tail}")


class ServerStopError(EmbeddedServerError):
    """A server was killed and a process of it is still there."""


class NotLoopbackError(EmbeddedServerError):
    """The demo and the tests talk to 127.0.0.1 only."""
