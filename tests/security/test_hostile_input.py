"""Every parameter of every address takes any value: a clean page, a redirect or a refusal, never an error. Case B9.

Parameters are found by listening to what the pages ask of a request, so that a new one is tried without
being named here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.db import connection
from django.http import QueryDict
from django.test import Client

from passport_events.admin.base import PassportModelAdmin
from passport_events.admin.operation_forms import FORMS
from passport_events.models import OperatorAction
from passport_events.operating.operations import ON_MESSAGES
from tests.admin.urls import action
from tests.security.addresses import Address, addresses, our_admins
from tests.security.world import GROUP, World

NASTY = {
    "nul": "\x00",
    "latest date": "9999-12-31T23:59:59-23:59",
    "last date": "9999-12-31 23:59:59",
    "earliest date": "0001-01-01T00:00:00+23:59",
    "infinity": "inf",
    "beyond bigint": "9" * 19,
    "huge": "9" * 400,
    "beyond int()": "9" * 5_000,
    "grouped": "1,234",
    "another script's digits": "\u0663\u00b2",
    "empty": "",
    "long": "x" * 20_000,
    "markup": "<script>'\"&%s{{x}}\\",
    "unseen": "\u202e\ufeff\U000e0001",
    "list": "[1]",
}
RAW = {"lone surrogate": "%ED%A0%80", "not utf-8": "%FF%FE", "cut": "%", "semicolons": "1;2"}
DJANGOS = {"_to_field", "_popup", "_facets", "_changelist_filters", "e", "all", "action", "index"}
FOR_DJANGO = {"nul", "empty", "huge", "markup"}
FOR_DRIVERS = {"nul", "latest date", "earliest date", "beyond bigint", "huge", "lone surrogate"}
"""What reaches a database or its driver, which may refuse it. The others end in our code and Django's."""
PATHS = (
    "%00",
    "a%00b",
    "9" * 19,
    "9" * 400,
    "-1",
    "abc",
    "_00",
    "_5F_",
    "%ED%A0%80",
    "%FF",
    "1,234",
    "..",
    "0",
)
DJANGO_LISTS = (
    "q",
    "p",
    "o",
    "all",
    "e",
    "_to_field",
    "_popup",
    "_facets",
    "_changelist_filters",
    "action",
    "index",
)
pytestmark = pytest.mark.django_db


@contextmanager
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Every name that is asked of a query string or a form."""
    asked: set[str] = set()
    with monkeypatch.context() as patch:
        for method in ("get", "getlist", "__getitem__", "__contains__"):
            original = getattr(QueryDict, method)

            def listen(self: Any, name: Any, *rest: Any, _original: Any = original) -> Any:
                asked.add(str(name))
                return _original(self, name, *rest)

            patch.setattr(QueryDict, method, listen)
        yield asked


@pytest.fixture
def client(admin_client: Client) -> Client:
    """Somebody who may do everything, so that nothing is refused before it is read."""
    admin_client.raise_request_exception = False
    return admin_client


@pytest.fixture
def every(world: World) -> list[Address]:
    """Every address."""
    return addresses(world)


def names_read(
    client: Client, every: list[Address], monkeypatch: pytest.MonkeyPatch, method: str
) -> dict[str, set[str]]:
    """Address -> the parameters that it reads, or may read."""
    lists = {f"admin:{desk.opts.app_label}_{desk.opts.model_name}_changelist": desk for desk in our_admins()}
    found: dict[str, set[str]] = {}
    for address in every:
        read: set[str] = set()
        for body in ((),) if method == "GET" else (_body({}), _body(_confirmed(address))):
            with listening(monkeypatch) as asked:
                client.generic(method, address.url, *body)
            read |= asked
        desk = lists.get(address.name)
        if method == "GET" and isinstance(desk, PassportModelAdmin):
            read |= {*DJANGO_LISTS, *desk.allowed_lookups(), "fields__Name"}
        found[address.url] = read - {"csrfmiddlewaretoken", "_method"}
    return found


def _confirmed(address: Address) -> dict[str, str]:
    if address.name.endswith("_act"):
        return {"operation": "retry", "confirmed": "yes", "ids": "1", "statuses": "dead"}
    return {"confirmed": "yes", "ids": "1", "kind": "throttle", "verb": "pause"}


def _tried(address: Address, method: str, name: str) -> Collection[str]:
    """Which values; views of Django's own are tried with a few, because they cost most of the time."""
    ends = ("_history", "_delete", *(("_changelist",) if method == "POST" else ()))
    found = FOR_DJANGO if name in DJANGOS or address.name.endswith(ends) else {*NASTY, *RAW}
    # PostgreSQL is tried with all of them, SQLite with what it may treat differently.
    return found if connection.vendor == "postgresql" else found & FOR_DRIVERS


def _body(data: dict[str, str]) -> tuple[bytes, str]:
    raw = "&".join(f"{name}={quote(value, safe='')}" for name, value in data.items())
    return raw.encode(), "application/x-www-form-urlencoded"


def test_parameters_of_addresses_take_any_value(
    client: Client, every: list[Address], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = names_read(client, every, monkeypatch, "GET")
    assert {"type", "organization", "sort", "page"} <= read[action("failures")]
    assert {"before"} <= next(names for url, names in read.items() if GROUP in url)
    values = {**{what: quote(value, safe="") for what, value in NASTY.items()}, **RAW}
    wrong = []
    for address in every:
        for name in sorted(read[address.url]):
            for what, value in values.items():
                if what not in _tried(address, "GET", name):
                    continue
                twice = f"{name}={value}&{name}=1"
                query = twice if what == "list" else f"{name}={value}"
                status = client.get(f"{address.url}?{query}").status_code
                if status >= 500:
                    wrong.append((address.url, name, what, status))
    assert not wrong, "\n".join(map(str, wrong))


def test_fields_of_forms_take_any_value(
    client: Client, every: list[Address], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = names_read(client, every, monkeypatch, "POST")
    wrong = []
    for address in every:
        if client.post(address.url).status_code in (403, 405):
            continue
        for name in sorted(read[address.url]):
            for what, value in NASTY.items():
                if what not in _tried(address, "POST", name):
                    continue
                said = _confirmed(address) | {"reason": "x", name: value}
                status = client.generic("POST", address.url, *_body(said)).status_code
                if status >= 500:
                    wrong.append((address.url, name, what, status))
    assert not wrong, "\n".join(map(str, wrong))


def test_forms_of_operations_take_any_value(client: Client, world: World) -> None:
    act = action("act", OperatorAction)
    wrong = []
    for task in ON_MESSAGES.values():
        for name in FORMS[task.form].base_fields:
            for what, value in NASTY.items():
                said = {
                    "operation": task.name,
                    "confirmed": "yes",
                    "ids": "1",
                    "fingerprint": GROUP,
                    name: value,
                }
                status = client.generic("POST", act, *_body(said)).status_code
                if status >= 500:
                    wrong.append((act, f"{task.name} {name}", what, status))
    assert not wrong, "\n".join(map(str, wrong))


def test_paths_take_any_id(client: Client, every: list[Address]) -> None:
    wrong = []
    for address in every:
        for argument in address.arguments.values():
            for value in PATHS:
                url = address.url.replace(f"/{argument}/", f"/{value}/")
                for method in ("GET", "POST"):
                    status = client.generic(method, url).status_code
                    if status >= 500 or (status == 200 and value != str(argument)):
                        wrong.append((method, url, status))
    assert not wrong, "\n".join(map(str, wrong))


def test_methods_are_refused_or_answered(client: Client, every: list[Address]) -> None:
    for address in every:
        for method in ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"):
            status = client.generic(method, address.url).status_code
            assert status < 500, (method, address.url, status)


def test_an_autocomplete_of_the_host_takes_any_value(client: Client, world: World) -> None:
    for desk in our_admins():
        for value in NASTY.values():
            found = desk.get_search_results(None, desk.model._default_manager.all(), value)[0]  # type: ignore[arg-type]
            list(found[:1])


def test_every_admin_of_ours_is_on_the_default_site() -> None:
    assert len(our_admins()) == len({type(each) for each in our_admins()}) >= 7
    assert set(our_admins()) <= set(admin.site._registry.values())
