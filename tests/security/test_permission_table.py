"""Who gets what from every address, by each verb of HTTP: one table, held against the URL patterns.

Issue 13, item 3. A new address fails `test_every_address_is_in_the_table` until somebody says who may use it.
"""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from passport_events.models import OperatorAction, ProcessedMessage, SalesforceOrganization
from passport_events.operating.operations import ON_MESSAGES, Operation
from tests.admin.urls import action
from tests.operating.test_passport_command import passport
from tests.security.addresses import Address, addresses, names
from tests.security.world import SECRET, World

ANYBODY_ELSE = frozenset({302, 403, 404, 405})
VIEWS = {
    "delivery": "view_delivery",
    "heartbeat": "view_heartbeat",
    "operatoraction": "view_operatoraction",
    "processedmessage": "view_processedmessage",
    "salesforceorganization": "view_salesforceorganization",
    "salesforcerecord": "view_salesforcerecord",
}
PAYLOAD = "view_payload"
# Address -> the permissions that GET needs; None where GET changes and shows nothing.
GET: dict[str, tuple[str, ...] | None] = {
    **{
        f"admin:passport_events_{model}_{page}": (permission,)
        for model, permission in VIEWS.items()
        for page in ("changelist", "change", "history")
    },
    **{f"admin:passport_events_{model}_{page}": None for model in VIEWS for page in ("add", "delete")},
    **{f"admin:passport_events_processedmessage_{verb}": None for verb in ("retry", "discard", "restore")},
    **{
        f"admin:passport_events_salesforceorganization_{verb}": None
        for verb in ("pause", "resume", "reprocess")
    },
    **{
        f"admin:passport_events_{model}_reveal": None
        for model in ("delivery", "processedmessage", "salesforcerecord")
    },
    "admin:passport_events_processedmessage_failures": (VIEWS["processedmessage"],),
    "admin:passport_events_processedmessage_group": (VIEWS["processedmessage"],),
    "admin:passport_events_operatoraction_act": (VIEWS["operatoraction"], VIEWS["processedmessage"]),
    "admin:passport_events_operatoraction_flow": (VIEWS["operatoraction"],),
    "admin:passport_events_operatoraction_flow_end": None,
    "admin:passport_events_operatoraction_steer": None,
    "admin:passport_events_salesforceorganization_add": ("add_salesforceorganization",),
    "admin:passport_monitoring_figures_changelist": ("view_dashboard",),
    "admin:passport_monitoring_figures_json": ("view_dashboard",),
}
# Address -> the permissions without which POST changes nothing and shows no value.
POST: dict[str, tuple[str, ...]] = {
    "admin:passport_events_processedmessage_retry": ("retry_message", VIEWS["processedmessage"]),
    "admin:passport_events_processedmessage_discard": ("discard_message", VIEWS["processedmessage"]),
    "admin:passport_events_processedmessage_restore": ("discard_message", VIEWS["processedmessage"]),
    "admin:passport_events_salesforceorganization_pause": ("pause_flow", VIEWS["salesforceorganization"]),
    "admin:passport_events_salesforceorganization_resume": ("pause_flow", VIEWS["salesforceorganization"]),
    "admin:passport_events_salesforceorganization_reprocess": (
        "release_organization",
        VIEWS["salesforceorganization"],
    ),
    "admin:passport_events_operatoraction_flow": ("pause_flow", VIEWS["operatoraction"]),
    "admin:passport_events_operatoraction_flow_end": ("pause_flow", VIEWS["operatoraction"]),
    "admin:passport_events_operatoraction_steer": ("retry_message", VIEWS["operatoraction"]),
    "admin:passport_events_delivery_reveal": (PAYLOAD, VIEWS["delivery"]),
    "admin:passport_events_processedmessage_reveal": (PAYLOAD, VIEWS["processedmessage"]),
    "admin:passport_events_salesforcerecord_reveal": (PAYLOAD, VIEWS["salesforcerecord"]),
}
pytestmark = pytest.mark.django_db


def ours() -> list[str]:
    """Every permission of the package that something asks for.

    Of Django's own, `change_` of a model implies that one may view it, and nothing else asks for it.
    """
    labels = ("passport_events", "passport_monitoring")
    found = Permission.objects.filter(content_type__app_label__in=labels).values_list("codename", flat=True)
    unasked = ("add_", "change_", "delete_")
    return sorted({"add_salesforceorganization", *(each for each in found if not each.startswith(unasked))})


def somebody(*codenames: str, name: str = "eve") -> Client:
    """A member of staff who has these permissions and no others."""
    user, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True})
    labels = ("passport_events", "passport_monitoring")
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label__in=labels, codename__in=codenames)
    )
    client = Client()
    client.force_login(user)
    return client


def state() -> tuple[object, ...]:
    """Everything that an operator can change."""
    return (
        sorted(ProcessedMessage.objects.values_list("pk", "status", "generation")),
        sorted(OperatorAction.objects.values_list("pk", "ended_at", "paused_at")),
        sorted(SalesforceOrganization.objects.values_list("pk", "name", "mode")),
    )


def send(client: Client, address: Address, world: World) -> int:
    """A POST that would do what the address is for; the status, and nothing of a value where none is due."""
    ids = world.home.pk if "organization" in address.name else world.message.pk
    said = {"ids": ids, "confirmed": "yes", "reason": "x", "verb": "pause", "kind": "pause"}
    answer = client.post(address.url, said)
    is_shown = SECRET in answer.content.decode()
    assert not is_shown or answer.wsgi_request.user.has_perm(f"passport_events.{PAYLOAD}"), address
    return answer.status_code


def test_every_address_is_in_the_table() -> None:
    assert set(names()) == set(GET)
    assert set(POST) <= set(GET)


def test_get_needs_exactly_its_permissions_and_shows_no_value(world: World) -> None:
    clients = {codename: somebody(codename, name=codename) for codename in ours()}
    before = state()
    for address in addresses(world):
        needed = GET[address.name]
        assert Client().get(address.url).status_code == 302, address
        for codename, client in clients.items():
            answer = client.get(address.url)
            allowed = {200} if needed == (codename,) else ANYBODY_ELSE
            assert answer.status_code in allowed, (address, codename)
            assert SECRET not in answer.content.decode(), (address, codename)
        if needed:
            assert somebody(*needed).get(address.url).status_code == 200, address
            others = set(ours()) - set(needed)
            assert somebody(*others).get(address.url).status_code in ANYBODY_ELSE, address
        everything = somebody(*ours()).get(address.url)
        assert SECRET not in everything.content.decode(), address
    assert state() == before


def test_post_changes_and_shows_nothing_without_its_permissions(world: World) -> None:
    clients = {codename: somebody(codename, name=codename) for codename in ours()}
    for address in addresses(world):
        before = state()
        needed = POST.get(address.name, ())
        assert Client().post(address.url, {"ids": "1"}).status_code == 302
        for missing in needed:
            others = somebody(*(set(ours()) - {missing}))
            assert send(others, address, world) in ANYBODY_ELSE, (address, missing)
        for codename, client in clients.items():
            if needed and set(needed) - {codename}:
                assert send(client, address, world) in ANYBODY_ELSE, (address, codename)
        assert state() == before, address


def test_post_needs_a_token_of_the_page(world: World) -> None:
    before = state()
    client = somebody(*ours())
    client.handler.enforce_csrf_checks = True
    for address in addresses(world):
        assert send(client, address, world) == 403, address
    assert state() == before


def test_each_shown_page_is_one_recorded_look(world: World) -> None:
    client = somebody(*ours())
    for address in addresses(world):
        if not address.name.endswith("_reveal"):
            continue
        looks = OperatorAction.objects.filter(kind="look")
        before = looks.count()
        assert send(client, address, world) == 200
        assert client.get(address.url).status_code == 302
        assert (looks.count(), looks.latest("pk").actor_name) == (before + 1, "eve")


@pytest.mark.parametrize("operation", ON_MESSAGES.values(), ids=lambda operation: operation.name)
def test_an_operation_needs_its_own_permission(world: World, operation: Operation) -> None:
    permission = operation.permission.partition(".")[2]
    before = state()
    said = {"operation": operation.name, "confirmed": "yes", "reason": "x", "ids": world.message.pk}
    client = somebody(*(set(ours()) - {permission}))
    assert client.post(action("act", OperatorAction), said).status_code == 403
    assert state() == before


def test_commands_record_who_ran_them(world: World) -> None:
    passport("discard", str(world.message.pk), "--reason", "noise")
    passport("restore", str(world.message.pk))
    passport("pause", "--event-type", "attachment", "--reason", "x")
    done = OperatorAction.objects.filter(actor_name__endswith="(command)").values_list("kind", flat=True)
    assert list(done) == ["pause", "restore", "discard"]
