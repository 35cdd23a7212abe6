"""Ids and numbers that programs read are the same in every language. Case A2."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import formats, translation

import passport_events
from passport_events.models import OperatorAction, ProcessedMessage, SalesforceOrganization, Status
from passport_events.operating import runner
from tests.admin.urls import action, desk, group, listing, page
from tests.operating.inbox import dead, rows
from tests.security.addresses import addresses
from tests.security.markup import Page
from tests.security.world import GROUP, World

LOCALES = ("de", "de-ch", "fr", "ar", "hi", "en-in")
NUMBERS = frozenset(
    {"value", "max", "min", "low", "high", "width", "height", "x", "y", "cx", "cy", "r", "colspan"}
)
GROUPED = re.compile(r"-?\d[\d.,'\u2019 \s]*[.,'\u2019 \s][\d.,'\u2019 \s]*\d")
pytestmark = pytest.mark.django_db


@pytest.fixture(params=LOCALES)
def locale(request: Any, settings: Any) -> Any:
    """A host project that groups digits, in one of these languages."""
    settings.USE_THOUSAND_SEPARATOR = True
    settings.THOUSAND_SEPARATOR = "'"
    settings.NUMBER_GROUPING = (3, 2, 0)
    settings.LANGUAGE_CODE = request.param
    formats.reset_format_cache()
    with translation.override(request.param):
        yield request.param
    formats.reset_format_cache()


def test_no_attribute_of_any_page_holds_a_number_for_people(
    admin_client: Client, world: World, locale: str
) -> None:
    grouped = {formats.number_format(row.pk, force_grouping=True) for row in world.all_rows}
    assert not any(text.isdigit() for text in grouped), "these ids are too small to tell"
    extra = [
        listing(ProcessedMessage) + f"?organization__id__exact={world.home.pk}",
        action("act", OperatorAction) + f"?ids={world.message.pk}",
        group(GROUP, before=world.message.pk + 1_000_000),
        desk(page=1),
    ]
    seen = 0
    for url in [*(address.url for address in addresses(world)), *extra]:
        answer = admin_client.get(url)
        if answer.status_code != 200 or "html" not in answer["Content-Type"]:
            continue
        seen += 1
        for tag, attributes in Page(answer.content.decode()).tags:
            for name, value in attributes.items():
                plain = unquote_plus(value)
                assert not any(text in plain for text in grouped), (url, tag, name, value)
                if name in NUMBERS or name.startswith("data-"):
                    assert not GROUPED.fullmatch(plain), (url, tag, name, value)
    assert seen > 15


def test_the_buttons_of_a_message_change_exactly_that_message(
    admin_client: Client, world: World, locale: str
) -> None:
    target = world.message
    others = []
    for part in (1, 234, 567):
        other = dead(part + 10)
        rows(other).update(id=part)
        others.append(part)
    retry = action("retry")
    sent = Page(admin_client.get(page(target)).content.decode()).form(retry)
    asked = Page(admin_client.post(retry, sent.fields).content.decode()).form(retry)

    admin_client.post(retry, {**asked.fields, "reason": "one message"})

    waiting = ProcessedMessage.objects.filter(status=Status.WAITING).values_list("pk", flat=True)
    assert list(waiting) == [target.pk]
    assert ProcessedMessage.objects.filter(pk__in=others, status=Status.DEAD).count() == 3


def test_what_a_list_selects_is_what_is_meant(admin_client: Client, world: World, locale: str) -> None:
    for model, name, row in (
        (ProcessedMessage, "discard", world.message),
        (SalesforceOrganization, "pause", world.home),
    ):
        boxes = Page(admin_client.get(listing(model)).content.decode()).tags
        chosen = [a["value"] for _, a in boxes if a.get("name") == "_selected_action"]
        assert str(row.pk) in chosen
        answer = admin_client.post(listing(model), {"action": name, "_selected_action": row.pk, "index": 0})
        asked = Page(answer.content.decode()).form(action(name, model))
        assert asked.fields["ids"] == [str(row.pk)]


def test_pages_of_operations_steer_the_operation_that_they_show(
    admin_client: Client, world: World, locale: str
) -> None:
    steer = action_of(world.operation, "steer")
    form = Page(admin_client.get(page(world.operation)).content.decode()).form(steer)
    assert {"pause", "cancel"} <= {value for _, value in form.buttons}
    admin_client.post(steer, {**form.fields, "verb": "cancel"})
    world.operation.refresh_from_db()
    assert world.operation.ended_at is not None
    end = action_of(world.pause, "flow_end")
    flow = Page(admin_client.get(action("flow", OperatorAction)).content.decode())
    admin_client.post(end, flow.form(end).fields)
    world.pause.refresh_from_db()
    assert world.pause.ended_at is not None


def test_a_group_and_a_selection_mean_the_same_in_every_language(
    admin_client: Client, world: World, locale: str
) -> None:
    world.operation.delete()
    act = action("act", OperatorAction)
    shown = Page(admin_client.get(act + f"?ids={world.message.pk}").content.decode())
    [form] = [form for form in shown.forms if form.action == act and form.method == "post"]
    asked = Page(admin_client.post(act, {**form.fields, "operation": "retry"}).content.decode())
    admin_client.post(act, {**asked.form(act).fields, "reason": "one"})
    assert OperatorAction.objects.latest("pk").selection == {"ids": [world.message.pk]}
    runner.run_due_operations()
    assert ProcessedMessage.objects.get(status=Status.WAITING).pk == world.message.pk


@pytest.mark.parametrize("ids", ["1,234", "1.234", "1 234", "1\u202f234", "1'234", "1\u2019234", "12,34,567"])
def test_a_number_for_people_is_never_read_as_several_ids(admin_client: Client, ids: str) -> None:
    said = {"confirmed": "yes", "reason": "x"}
    assert admin_client.post(action("retry"), {"ids": ids, **said}).status_code == 400
    asked = {"ids": ids, "operation": "retry", "statuses": "dead", **said}
    assert admin_client.post(action("act", OperatorAction), asked).status_code == 400
    assert admin_client.post(action("pause", SalesforceOrganization), {"ids": ids, **said}).status_code == 400


def test_every_page_of_ours_is_inside_the_block_that_does_not_localize() -> None:
    root = Path(passport_events.__file__).parent
    for path in root.rglob("templates/**/*.html"):
        text = path.read_text()
        if path.name == "page.html" or "passport_events/admin/page.html" not in text:
            continue
        assert "{% block content %}" not in text, f"{path.name}: fill the block `page`"
        assert "localize on" not in text, path.name


def action_of(row: OperatorAction, name: str) -> str:
    """A verb of one operation."""
    return reverse(f"admin:passport_events_operatoraction_{name}", args=(row.pk,))
