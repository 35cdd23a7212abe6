"""Names of our keys in Redis: `{RQ's prefix}:passport:{kind}:{installation}:...`.

RQ's prefix comes first, so that one rule of an ACL (`~rq:*`) allows RQ's keys and ours, and a hash tag
in RQ_KEY_PREFIX puts all of them into one slot of a cluster.
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
"""In the hash of an RQ worker's registration: whose it is. Workers of other classes have none."""
_SALT = "passport_events.redis_store"
_NAMING_OPTIONS = ("options", "service", "dbname", "host", "port")
"""Entries of a database's OPTIONS that select other tables: a search path, a service file, libpq's own."""


def make_key(kind: str, *parts: object) -> str:
    """The name of one of our keys."""
    return ":".join((rq_prefix(), "passport", kind, installation(), *map(str, parts)))


def make_key_of(other: str, kind: str, *parts: object) -> str:
    """The name that the installation `other` gives such a key."""
    return ":".join((rq_prefix(), "passport", kind, other, *map(str, parts)))


def installation() -> str:
    """Which installation this process belongs to: 12 hexadecimal digits.

    Derived from the database that our rows are in and from SECRET_KEY, so that two installations that
    share a Redis never use each other's keys. Two processes of one installation that spell their database
    differently have different ones: they send some hints twice, and count rate limits each for itself.
    """
    model = apps.get_model("passport_events", "ProcessedMessage")
    database = connections[router.db_for_write(model)]
    # django-tenants switches the schema of a connection.
    return _digest(_secret(), *_place(database.settings_dict), str(getattr(database, "schema_name", "")))


def _place(database: Mapping[str, Any]) -> tuple[str, ...]:
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


def _secret() -> str:
    try:
        return str(settings.SECRET_KEY)
    except ImproperlyConfigured:  # a process may do without
        return ""


@functools.lru_cache(maxsize=256)
def _digest(secret: str, *parts: str) -> str:
    made = salted_hmac(_SALT, "\0".join(parts), secret=secret, algorithm="sha256")
    return made.hexdigest()[:INSTALLATION_LENGTH]


def rq_prefix() -> str:
    """`rq`, or what the environment variable RQ_KEY_PREFIX says (rq 3 and later)."""
    return Queue.redis_queue_namespace_prefix.removesuffix(":queue:")
