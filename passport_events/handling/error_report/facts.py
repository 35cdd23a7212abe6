"""Read attributes of an exception that hold no values: statuses, codes, names of the schema."""

from __future__ import annotations

import errno
import functools
import http
import os
import re
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import Error

from passport_events.exceptions import PayloadUnavailable
from passport_events.handling.rq_timeout import is_job_timeout

Fact = tuple[str, str]
"""A name and its value, safe to show."""

MAX_INVALID_COLUMNS = 10
"""Columns that a report names."""

_SQLSTATE = re.compile(r"[0-9A-Z]{5}")
_AWS_CODE = re.compile(r"[1-5]\d\d|[A-Z][A-Za-z0-9]{1,60}(?:\.[A-Z][A-Za-z0-9]{1,60})?")
_SCHEMA_NAME = re.compile(r"\w{1,63}")
_HTTP_STATUS = range(100, 600)
_EXIT_CODES = range(256)
_CLIENT_ERROR = ("botocore.exceptions", "ClientError")


def read_facts(error: BaseException) -> list[Fact]:
    """Read statuses and codes of one error; an attribute that cannot be read is skipped."""
    found: dict[str, str] = {}
    for read in (
        _read_http_status,
        _read_exit_code,
        _read_errno,
        _read_aws_error,
        _read_database_error,
        _read_invalid_columns,
        _read_bucket,
    ):
        try:
            found.update(read(error))
        except Exception as own:  # a property can raise anything
            if is_job_timeout(own):
                raise
    return list(found.items())


def get_standard_texts(facts: list[Fact]) -> Iterator[str]:
    """Yield the standard texts of these codes."""
    for name, value in facts:
        if name == "errno":
            yield os.strerror(int(value))
            yield f"[Errno {value}] {os.strerror(int(value))}"
        elif name == "status_code":
            yield f"{value} {_get_reason_phrase(int(value))} "
            yield f"{_get_reason_phrase(int(value))} "
        elif name == "bucket":
            yield value


@functools.cache
def get_schema_names() -> frozenset[str]:
    """Return tables, columns and constraints of all models, which SQLite names in its errors."""
    names: set[str] = set()
    for model in apps.get_models(include_auto_created=True):
        options = model._meta  # noqa: SLF001  Django documents it
        names.add(options.db_table)
        names.update(str(field.column) for field in options.local_concrete_fields)
        names.update(constraint.name for constraint in options.constraints)
    return frozenset(names)


def _read_http_status(error: Any) -> Iterator[Fact]:
    response = getattr(error, "response", None)
    for holder, name in (
        (error, "status_code"),
        (error, "code"),
        (error, "status"),
        (response, "status_code"),
        (response, "status"),
    ):
        value = getattr(holder, name, None)
        if isinstance(value, int) and value in _HTTP_STATUS:
            yield "status_code", str(int(value))
            return


def _read_exit_code(error: Any) -> Iterator[Fact]:
    if isinstance(error, SystemExit) and type(error.code) is int and error.code in _EXIT_CODES:
        yield "exit_code", str(error.code)


def _read_errno(error: Any) -> Iterator[Fact]:
    if isinstance(error, OSError) and error.errno in errno.errorcode:
        yield "errno", str(error.errno)


def _read_aws_error(error: Any) -> Iterator[Fact]:
    if not any((kind.__module__, kind.__name__) == _CLIENT_ERROR for kind in type(error).__mro__):
        return
    code = error.response["Error"]["Code"]
    if type(code) is str and _AWS_CODE.fullmatch(code):
        yield "code", code
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if type(status) is int and status in _HTTP_STATUS:
        yield "status_code", str(status)


def _read_database_error(error: Any) -> Iterator[Fact]:
    """Read the fields of the driver's error, which is the cause of Django's."""
    if isinstance(error, Error):
        error = error.__cause__
    if error is None or not type(error).__module__.startswith("psycopg"):
        return
    sqlstate = getattr(error, "sqlstate", None)
    if type(sqlstate) is str and _SQLSTATE.fullmatch(sqlstate):
        yield "sqlstate", sqlstate
    for name in ("constraint_name", "table_name", "column_name"):
        value = getattr(error.diag, name, None)
        if type(value) is str and _SCHEMA_NAME.fullmatch(value):
            yield name, value


def _read_invalid_columns(error: Any) -> Iterator[Fact]:
    """Name the columns that Django found invalid; its text has them between values."""
    if isinstance(error, ValidationError) and hasattr(error, "error_dict"):
        names = [name for name in error.error_dict if name in get_schema_names()]
        if names:
            yield "invalid", ", ".join(names[:MAX_INVALID_COLUMNS])


def _read_bucket(error: Any) -> Iterator[Fact]:
    if isinstance(error, PayloadUnavailable):
        yield "bucket", error.bucket


def _get_reason_phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return ""
