"""The `PASSPORT_TEST_*` variables: written once per session, read by the settings of every process.

Without them the settings still load, for `makemigrations` and mypy: SQLite in memory, and ports
where nothing listens.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from project.embedded import LOOPBACK

DATABASE = "PASSPORT_TEST_DATABASE"
DIRECTORY = "PASSPORT_TEST_DIRECTORY"
POSTGRESQL_PORT = "PASSPORT_TEST_POSTGRESQL_PORT"
REDIS_PORT = "PASSPORT_TEST_REDIS_PORT"
AWS_PORT = "PASSPORT_TEST_AWS_PORT"

REGION = "us-east-1"
QUEUE_NAME = "passport-events"
BUCKET = "large-messages"
MONOLITH_DATABASES = {"default": "monolith", "replica": "monolith_replica"}
_ACCOUNT = "123456789012"  # the one moto gives to everybody
_NOTHING_LISTENS = "1"


def redis_url() -> str:
    """The session's Valkey."""
    return f"redis://{LOOPBACK}:{os.environ.get(REDIS_PORT, _NOTHING_LISTENS)}/0"


def aws_endpoint_url() -> str:
    """The session's SNS and SQS."""
    return f"http://{LOOPBACK}:{os.environ.get(AWS_PORT, _NOTHING_LISTENS)}"


def queue_url() -> str:
    """The queue of the fixture `sqs`."""
    return f"{aws_endpoint_url()}/{_ACCOUNT}/{QUEUE_NAME}"


def database(name: str) -> dict[str, Any]:
    """An entry of DATABASES, on the server of this session.

    Django's test runner is told to use that very name and no `test_` one, so that other processes
    with the same settings see the same rows.
    """
    if os.environ.get(DATABASE) == "postgresql":
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": "postgres",
            "HOST": LOOPBACK,
            "PORT": os.environ[POSTGRESQL_PORT],
            "TEST": {"NAME": name},
        }
    directory = os.environ.get(DIRECTORY)
    # A file, because threads and processes share it.
    path = str(Path(directory) / f"{name}.sqlite3") if directory else ":memory:"
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=wal; PRAGMA synchronous=normal;",
        },
        "TEST": {"NAME": path},
    }


def use_dummy_aws(port: int) -> None:
    """Give this process and its children dummy credentials, and no other endpoint than ours."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {
        AWS_PORT: str(port),
        "AWS_ACCESS_KEY_ID": "dummy",
        "AWS_SECRET_ACCESS_KEY": "dummy",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{port}",
    }
