"""Names of our keys in Redis: `{RQ's prefix}:passport:{kind}:{installation}:...`.

RQ's prefix comes first, so that one ACL rule (`~rq:*`) allows the keys of RQ and ours, and a hash tag in
RQ_KEY_PREFIX puts all of them into one slot of a cluster.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router
from django.utils.crypto import salted_hmac
from rq import Queue

INSTALLATION_LENGTH = 12
WORKER_FIELD = "passport_installation"
"""The field with the installation, in the hash of an RQ worker. Workers of other classes lack it."""
_SALT = "passport_events.redis_store"
_NAMING_OPTIONS = ("options", "service", "dbname", "host", "port")
"""Keys of a database's OPTIONS that select other tables: search path, service file, libpq parameters."""


def make_key(kind: str, *parts: object) -> str:
    """Make the name of a key of this installation."""
    return ":".join((get_rq_prefix(), "passport", kind, get_installation(), *map(str, parts)))


def make_key_of(other: str, kind: str, *parts: object) -> str:
    """Make the name of the same key of the installation `other`."""
    return ":".join((get_rq_prefix(), "passport", kind, other, *map(str, parts)))


def get_installation() -> str:
    """Get the id of the installation that this process belongs to: 12 hexadecimal digits.

    Derived from the database of our tables and from SECRET_KEY, so that installations that share a Redis
    never use each other's keys. Two processes of one installation that spell their database differently get
    two ids: they send some hints twice, and each counts rate limits by itself.
    """
    model = apps.get_model("passport_events", "ProcessedMessage")
    database = connections[router.db_for_write(model)]
    # django-tenants changes the schema of a connection.
    return _compute_digest(
        _get_secret_key(),
        *_describe_database(database.settings_dict),
        str(getattr(database, "schema_name", "")),
    )


def _describe_database(database: Mapping[str, Any]) -> tuple[str, ...]:
    name = str(database.get("NAME") or "")
    if "sqlite" in str(database.get("ENGINE")) and not name.startswith((":", "file:")):
        name = os.path.abspath(name)  # noqa: PTH100  a string in any case
    options = database.get("OPTIONS") or {}
    return (
        str(database.get("HOST") or "").lower(),
        str(database.get("PORT") or ""),
        name,
        *(f"{option}={options[option]}" for option in _NAMING_OPTIONS if options.get(option)),
    )


def _get_secret_key() -> str:
    try:
        return str(settings.SECRET_KEY)
    except ImproperlyConfigured:  # a process can run without it
        return ""


@functools.lru_cache(maxsize=256)
def _compute_digest(secret: str, *parts: str) -> str:
    made = salted_hmac(_SALT, "\0".join(parts), secret=secret, algorithm="sha256")
    return made.hexdigest()[:INSTALLATION_LENGTH]


def get_rq_prefix() -> str:
    """Get RQ's key prefix: `rq`, or the environment variable RQ_KEY_PREFIX (rq 3 and later)."""
    return Queue.redis_queue_namespace_prefix.removesuffix(":queue:")
