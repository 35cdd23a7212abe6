"""What an address may ask of a list: nothing that answers about values which the user may not see. Case A5."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import BinaryField, JSONField, Model
from django.test import Client
from django.urls import reverse

import passport_events
from passport_events.admin.base import PassportModelAdmin
from passport_events.models import (
    MessageAttempt,
    OperatorAction,
    ProcessedMessage,
    SalesforceOrganization,
    SalesforceRecord,
)
from tests.admin.conftest import Login
from tests.admin.urls import action, listing
from tests.security.addresses import our_admins
from tests.security.world import SECRET, World

LOOKUPS = (
    "",
    "__exact",
    "__iexact",
    "__contains",
    "__icontains",
    "__startswith",
    "__regex",
    "__iregex",
    "__gt",
    "__lte",
    "__in",
    "__range",
    "__isnull",
    "__has_key",
    "__Name",
    "__Name__icontains",
    "__fields__Name__regex",
    "__0",
    "__length",
    "__year",
)
LISTED = {
    "ProcessedMessage": {
        "status",
        "event_type",
        "organization__id__exact",
        "fingerprint",
        "organization_salesforce_id",
        "record_id",
    },
    "OperatorAction": {"kind__exact", "kind__isnull"},
    "SalesforceOrganization": {"mode__exact", "mode__isnull"},
    "SalesforceRecord": {
        f"{name}{lookup}"
        for name in ("is_deleted", "is_complete", "needs_refetch")
        for lookup in ("__exact", "__isnull")
    },
}
"""Everything that may be asked. A new entry answers about a column: think of who sees that column."""
ADMINS = our_admins()
pytestmark = pytest.mark.django_db


def paths(model: type[Model], depth: int = 2) -> Iterator[tuple[str, Any]]:
    """Every column and relation, in both directions."""
    for field in model._meta.get_fields():
        name = field.name
        yield name, field
        if field.is_relation and depth > 1 and field.related_model:
            for rest, last in paths(field.related_model, depth - 1):
                yield f"{name}__{rest}", last


@pytest.mark.parametrize("desk", ADMINS, ids=lambda desk: desk.opts.object_name)
def test_only_lookups_on_the_list_are_allowed(desk: PassportModelAdmin[Any], rf: Any) -> None:
    listed = LISTED.get(str(desk.opts.object_name), set())
    assert desk.allowed_lookups() == listed
    asked = {f"{path}{lookup}" for path, _ in paths(desk.model) for lookup in LOOKUPS}
    assert len(asked) > 100
    assert {
        each for each in asked | {"pk", "pk__in"} if desk.lookup_allowed(each, "x", rf.get("/"))
    } <= listed


@pytest.mark.parametrize("desk", ADMINS, ids=lambda desk: desk.opts.object_name)
def test_nothing_on_the_list_is_a_payload_column(desk: PassportModelAdmin[Any]) -> None:
    payload = {path for path, field in paths(desk.model) if isinstance(field, JSONField | BinaryField)}
    assert not {each for each in desk.allowed_lookups() if any(each.startswith(path) for path in payload)}


@pytest.mark.parametrize("desk", ADMINS, ids=lambda desk: desk.opts.object_name)
def test_a_list_refuses_the_others_in_its_address(
    login: Login, world: World, desk: PassportModelAdmin[Any]
) -> None:
    if desk.opts.app_label != "passport_events":
        return  # the dashboard has no list
    client = login()
    for path, _ in paths(desk.model, 1):
        for lookup in ("__icontains", "__regex", "__isnull"):
            if f"{path}{lookup}" not in desk.allowed_lookups():
                answer = client.get(listing(desk.model), {f"{path}{lookup}": "x"})
                assert answer.status_code == 400, (path, lookup)


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (SalesforceRecord, "fields__Name__startswith"),
        (SalesforceRecord, "messages__content__icontains"),
        (SalesforceOrganization, "records__fields__Name__startswith"),
        (SalesforceOrganization, "messages__content__fields__Name__startswith"),
        (ProcessedMessage, "content__fields__Name__startswith"),
        (ProcessedMessage, "delivery__body__contains"),
        (ProcessedMessage, "failures__error__icontains"),
        (OperatorAction, "message__content__fields__Name__startswith"),
        (OperatorAction, "actor__password__startswith"),
        (Group, "user__operatoraction__message__content__fields__Name__startswith"),
        (User, "operatoraction__message__content__fields__Name__startswith"),
    ],
)
def test_right_and_wrong_guesses_get_the_same_answer(
    admin_client: Client, world: World, model: type[Model], path: str
) -> None:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    right, wrong = (admin_client.get(url, {path: guess}).status_code for guess in (SECRET[:5], "zzz"))
    assert right == wrong == 400


def test_a_plain_admin_of_the_host_does_not_lead_to_values_of_ours(rf: Any) -> None:
    request = rf.get("/")
    host = admin.ModelAdmin(MessageAttempt, admin.site)
    assert not host.lookup_allowed("message__content__fields__Name", "x", request)
    assert not host.lookup_allowed("message__delivery__body__contains", "x", request)


@pytest.mark.parametrize("model", [ProcessedMessage, SalesforceRecord, SalesforceOrganization])
def test_a_search_does_not_look_into_values(login: Login, world: World, model: type[Model]) -> None:
    client = login()
    for text in (SECRET, SECRET.lower(), "Lovelace", "4711"):
        assert client.get(listing(model), {"q": text}).context["cl"].result_count == 0


@pytest.mark.parametrize("desk", ADMINS, ids=lambda desk: desk.opts.object_name)
def test_lists_are_sorted_by_the_columns_that_they_offer(rf: Any, desk: PassportModelAdmin[Any]) -> None:
    columns = desk.list_display
    request = rf.get("/", {"o": ".".join(f"-{number}" for number in range(len(columns) + 3))})
    request.user = User(is_superuser=True, is_active=True)
    changelist = PassportModelAdmin.get_changelist_instance(desk, request)
    offered = {str(name) for name in desk.get_sortable_by(request)}
    meant = {str(each).lstrip("-") for each in changelist.get_ordering(request, changelist.root_queryset)}
    payload = {path for path, field in paths(desk.model, 1) if isinstance(field, JSONField | BinaryField)}
    assert not meant & payload
    if not offered:
        assert meant <= {"pk", "id"}


@pytest.mark.parametrize("parameter", ["_to_field", "_popup", "_facets", "all", "e", "_changelist_filters"])
def test_parameters_of_djangos_own_lists_show_no_values(login: Login, world: World, parameter: str) -> None:
    client = login()
    for model in (ProcessedMessage, SalesforceRecord, SalesforceOrganization):
        for value in ("1", "content", "fields", "merge_state", "body", f"content__icontains={SECRET[:5]}"):
            answer = client.get(listing(model), {parameter: value})
            assert answer.status_code in (200, 302, 400)
            assert SECRET not in answer.content.decode()
            if parameter == "_to_field" and value in ("content", "fields", "merge_state", "body"):
                assert answer.status_code == 400


def test_a_selection_cannot_be_narrowed_by_values(login: Login, world: World) -> None:
    client = login()
    for name in ("content__icontains", "content", "fields", "delivery__body"):
        answer = client.get(action("act", OperatorAction), {name: SECRET})
        assert (answer.status_code, answer["Location"]) == (302, listing(ProcessedMessage))


def test_every_model_admin_of_ours_has_the_allow_list() -> None:
    for module in pkgutil.walk_packages(passport_events.__path__, "passport_events."):
        if ".admin" in module.name and "migrations" not in module.name:
            importlib.import_module(module.name)
    ours = {each for each in _below(admin.ModelAdmin) if each.__module__.startswith("passport_events.")}
    assert len(ours) > 6
    for each in ours - {PassportModelAdmin} - set(PassportModelAdmin.__mro__):
        assert issubclass(each, PassportModelAdmin), f"{each.__name__}: inherit from DeskAdmin"
        assert "lookup_allowed" not in vars(each), f"{each.__name__}: name the lookup in link_lookups"
        assert "get_search_results" not in vars(each), f"{each.__name__}: override search"
        assert not getattr(each, "inlines", ()), f"{each.__name__}: an inline has no allow-list"


def _below(base: type[Any]) -> set[type[Any]]:
    found: set[type[Any]] = set()
    children: list[type[Any]] = base.__subclasses__()
    for child in children:
        found |= {child} | _below(child)
    return found
