"""Who is in the pipeline: how many processes of each role, and their commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.chaos.process import Process

_QUEUES = ("passport-opportunities", "passport-attachments", "passport-items")
_SIMPLE = ("--worker-class", "passport_events.handling.rq_worker.PassportSimpleWorker")
# What a project has that names no worker class; then the serializer has to be repeated.
_DJANGO_RQ_OWN = ("--worker-class", "rq.worker.Worker", "--serializer", "rq.serializers.JSONSerializer")

COMMANDS: Mapping[str, Sequence[Sequence[str]]] = {
    "poller": [("poll_sqs",), ("poll_sqs",)],
    "fork-worker": [
        ("rqworker", *_QUEUES),
        ("rqworker", *_DJANGO_RQ_OWN, *_QUEUES[1:], *_QUEUES[:1]),
    ],
    "simple-worker": [("rqworker", *_SIMPLE, *_QUEUES[2:], *_QUEUES[:2])],
    "dispatcher": [("dispatch_messages",)],
}
"""Role -> the commands of its processes. Each worker begins with another queue."""


def of_every_role(directory: Path, environment: Mapping[str, str]) -> dict[str, tuple[Process, ...]]:
    """Handles by role; nothing runs yet. Logs go to a folder for each."""
    return {
        role: tuple(
            Process(f"{role}-{number}", command, directory / f"{role}-{number}", environment)
            for number, command in enumerate(commands, start=1)
        )
        for role, commands in COMMANDS.items()
    }
