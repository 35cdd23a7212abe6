"""Case C5. Commands in processes of their own that cannot start: one sentence, the way out, exit code 2."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from project.embedded import LOOPBACK

pytestmark = pytest.mark.any_database  # a process has settings of its own
REPOSITORY = Path(__file__).parents[2]
SETTINGS = """
import os
from tests.settings import *
ENTRY = {entry!r}
DATABASES = {{"default": ENTRY}} if ENTRY else DATABASES
RQ_QUEUES = {{name: {{"URL": "redis://127.0.0.1:1/0"}} for name in RQ_QUEUES}}
PASSPORT_EVENTS = {{**PASSPORT_EVENTS, **{events!r}}}
"""
TOPIC = "arn:aws:sns:us-east-1:123456789012:events"
NOWHERE = f"http://{LOOPBACK}:1"
SECRET = "not-to-be-said"


class Aws:
    """Answers every request with one code of AWS's."""

    def __init__(self) -> None:
        self.code, self.status = "AccessDeniedException", 400
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = json.dumps({"__type": f"com.amazonaws.sqs#{outer.code}", "message": "no"})
                if self.headers.get("X-Amz-Target") is None:  # SNS
                    body = f"<ErrorResponse><Error><Code>{outer.code}</Code></Error></ErrorResponse>"
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *arguments: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        self.host = f"{LOOPBACK}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    server = Aws()
    yield server
    server.close()


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the one table that the start of a poller writes to."""
    file = tmp_path_factory.mktemp("database") / "migrated.sqlite3"
    with sqlite3.connect(file) as connection:
        connection.execute(
            "CREATE TABLE passport_events_heartbeat (id integer PRIMARY KEY, name text, kind text, "
            "release text, started_at text, beaten_at text, received_at text, committed_at text)"
        )
    return file


def run(
    directory: Path, *arguments: str, entry: dict[str, str], events: dict[str, object], **environment: str
) -> tuple[int, str, str]:
    (directory / "start_settings.py").write_text(SETTINGS.format(entry=entry, events=events))
    known = {**os.environ, "PYTHONPATH": f"{directory}:{REPOSITORY}"}
    known |= {"DJANGO_SETTINGS_MODULE": "start_settings", **environment}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "django", *arguments],
        env={name: value for name, value in known.items() if value},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert SECRET not in done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr


def sqlite(file: Path) -> dict[str, str]:
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file)}


def test_a_poller_that_sqs_refuses_names_queue_server_region_and_the_way_out(
    aws: Aws, migrated: Path, tmp_path: Path
) -> None:
    aws.code = "QueueDoesNotExist"
    events: dict[str, object] = {"ENDPOINT_URL": f"http://{aws.host}"}
    ended, output, errors = run(tmp_path, "poll_sqs", entry=sqlite(migrated), events=events)
    assert ended == 2, errors
    assert output.startswith("poll_sqs: 2 receivers from queue passport-events at ")
    assert f"into SQLite database {migrated} (alias default)" in output
    (line,) = [each for each in errors.splitlines() if each.startswith("poll_sqs cannot start: ")]
    assert f"QueueDoesNotExist (queue passport-events at {aws.host}, region us-east-1)" in line
    assert "create the queue" in line
    assert line.endswith("run manage.py passport doctor.")


def test_a_poller_without_credentials_cannot_start(aws: Aws, migrated: Path, tmp_path: Path) -> None:
    ended, _, errors = run(
        tmp_path,
        "poll_sqs",
        "--concurrency=1",
        entry=sqlite(migrated),
        events={"ENDPOINT_URL": f"http://{aws.host}"},
        AWS_ACCESS_KEY_ID="",
        AWS_SECRET_ACCESS_KEY="",
    )
    assert ended == 2, errors
    assert "NoCredentialsError" in errors
    assert "Give this process valid credentials" in errors


@pytest.mark.parametrize(
    "arguments",
    [
        ("poll_sqs",),
        ("dispatch_messages",),
        ("dispatch_messages", "--once"),
        ("passport", "ingest-dlq"),
        ("passport", "list"),
    ],
    ids=" ".join,
)
def test_a_database_that_was_not_migrated_is_named_with_the_command(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    file = tmp_path / "empty.sqlite3"
    ended, _, errors = run(tmp_path, *arguments, entry=sqlite(file), events={"ENDPOINT_URL": NOWHERE})
    assert ended == 2, errors
    line = errors.splitlines()[-1]
    assert f"SQLite database {file} (alias default) lacks required tables" in line
    assert "Run manage.py migrate." in line


@pytest.mark.parametrize("arguments", [("poll_sqs",), ("dispatch_messages", "--once")], ids=" ".join)
def test_a_server_that_refuses_connections_is_named_and_waited_for(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    entry = {"ENGINE": "django.db.backends.postgresql", "NAME": "passport", "USER": "u", "PASSWORD": SECRET}
    entry |= {"HOST": LOOPBACK, "PORT": "1"}
    events: dict[str, object] = {"ENDPOINT_URL": NOWHERE, "MAX_CONSECUTIVE_ERRORS": 2}
    ended, _, errors = run(tmp_path, *arguments, entry=entry, events=events)
    assert ended == 1, errors
    said = (
        f"PostgreSQL database passport at {LOOPBACK}:1 (alias default) cannot be reached: OperationalError."
    )
    assert f"{arguments[0]} gave up: {said}" in errors
    if arguments[0] == "poll_sqs":
        assert f"what=database state=away reason={said}" in errors


def test_databases_that_cannot_be_used_are_a_sentence(tmp_path: Path) -> None:
    entry = {"ENGINE": "django.db.backends.postgresql"}
    ended, _, errors = run(tmp_path, "poll_sqs", entry=entry, events={"ENDPOINT_URL": NOWHERE})
    assert ended == 2, errors
    assert "poll_sqs cannot start: " in errors
    assert "DATABASES" in errors


def test_a_publisher_that_sns_refuses_names_the_topic_and_the_way_out(
    aws: Aws, migrated: Path, tmp_path: Path
) -> None:
    aws.code, aws.status = "AuthorizationError", 403
    ended, output, errors = run(
        tmp_path,
        "passport",
        "publish",
        f"--topic={TOPIC}",
        "--generate=1",
        "--organization=00D5f000000CabWEAS",
        entry=sqlite(migrated),
        events={"ENDPOINT_URL": f"http://{aws.host}"},
    )
    assert (ended, errors) == (2, "")
    assert f"SNS did not take a request: AuthorizationError ({TOPIC} at {aws.host}). Allow" in output
    assert "sns:Publish" in output
