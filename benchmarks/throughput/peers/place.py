"""Where the servers are, as the harness told this process: `PASSPORT_BENCH_*`."""

from __future__ import annotations

import os
from typing import Any

HOST = "127.0.0.1"
DATABASE = os.environ.get("PASSPORT_BENCH_DATABASE", "postgres")
POSTGRESQL_PORT = os.environ.get("PASSPORT_BENCH_POSTGRESQL_PORT", "1")
USER = os.environ.get("PASSPORT_BENCH_USER", "postgres")
REDIS_URL = os.environ.get("PASSPORT_BENCH_REDIS_URL", f"redis://{HOST}:1/0")
ENDPOINT_URL = os.environ.get("PASSPORT_BENCH_ENDPOINT_URL", f"http://{HOST}:1")
QUEUE = "events"
QUEUE_URL = f"{ENDPOINT_URL}/000000000000/{QUEUE}"
REGION = "us-east-1"

DJANGO_DATABASE: dict[str, Any] = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": DATABASE,
    "USER": USER,
    "HOST": HOST,
    "PORT": POSTGRESQL_PORT,
    "CONN_MAX_AGE": None,  # a connection per job or message would be no good faith
}
CONNINFO = f"host={HOST} port={POSTGRESQL_PORT} dbname={DATABASE} user={USER}"
"""For psycopg."""


def is_sql() -> bool:
    """Whether this process does the work by hand-written SQL."""
    return os.environ.get("PASSPORT_BENCH_WORK") == "sql"
