"""From a selection to an action."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import StreamingHttpResponse
from django.test import Client

from passport_events.admin import actions
from passport_events.models import OperatorAction, ProcessedMessage, Progress, Status
from passport_events.operating import runner, selection
from passport_events.testing import organization_id
from tests.admin.conftest import Login
from tests.admin.urls import action, listing, page
from tests.operating.inbox import dead, end, opportunity, organization, rows

OPERATIONS = [
    ("test-retry", "retry_message"),
    ("retry", "retry_message"),
    ("replay", "replay_message"),
    ("dry-run", "rehearse_handler"),
    ("discard", "discard_message"),
    ("restore", "discard_message"),
    ("reprocess", "reprocess_message"),
    ("export", "export_message"),
    ("note", "note_message"),
]
pytestmark = pytest.mark.django_db


def act() -> str:
    return action("act", OperatorAction)


def confirm(client: Client, task: str, **said: Any) -> Any:
    said.setdefault("reason", "fixed")
    return client.post(act(), {"operation": task, "confirmed": "yes", **said})


def test_the_list_leads_to_what_its_filter_shows(admin_client: Client) -> None:
    home = organization()
    organization(2)
    dead(1), dead(2), dead(3, home=organization_id(2)), opportunity(4)
    query = f"?status=dead&organization__id__exact={home.pk}&event_type=opportunity&p=2"

    assert (
        f"{act()}?status=dead"
        in admin_client.get(listing(ProcessedMessage) + "?status=dead").content.decode()
    )
    answer = admin_client.get(act() + query).content.decode()

    assert (
        f"<strong>2 messages:</strong> dead, event type opportunity, organization {home.salesforce_id}."
        in answer
    )


@pytest.mark.parametrize(
    "query",
    [
        "?attempts__gt=3",
        "?q=not-an-id",
        "?organization__id__exact=99",
        "?release=4%E2%80%AE1",
        "?word=lost",
        "?word=done&status=dead",
    ],
)
def test_a_filter_that_cannot_be_said_is_refused_rather_than_left_out(
    admin_client: Client, query: str
) -> None:
    assert admin_client.get(act() + query)["Location"] == listing(ProcessedMessage)


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ({"status": "failed"}, "dead or quarantined"),
        ({"status": "dead"}, "dead"),
    ],
)
def test_the_word_of_a_list_means_its_statuses(
    admin_client: Client, query: dict[str, str], meant: str
) -> None:
    organization()
    dead()
    assert f"messages:</strong> {meant}." in admin_client.get(act(), query).content.decode()


@pytest.mark.parametrize("search", ["pk", "record_id"])
def test_a_search_for_a_message_or_a_record_is_part_of_it(admin_client: Client, search: str) -> None:
    organization()
    message, _ = dead(1), dead(2)
    found = admin_client.get(act(), {"q": str(getattr(message, search)), "status": "dead"})
    assert "<strong>1 messages:</strong>" in found.content.decode()


def test_what_was_confirmed_is_started_and_its_page_shown(login: Login) -> None:
    organization()
    messages = [dead(number) for number in range(3)]
    client = login("retry_message")

    asked = client.post(act(), {"operation": "retry", "statuses": "dead"}).content.decode()
    assert "Retry: 3 messages." in asked
    assert not OperatorAction.objects.exists()
    answer = confirm(client, "retry", statuses="dead", per_minute="600", everything="on")

    started = OperatorAction.objects.get()
    assert answer["Location"] == page(started)
    assert (started.actor_name, started.reason, started.per_minute) == ("ann", "fixed", 600)
    assert started.selection == {"statuses": ["dead"]}
    assert rows(*messages).filter(status=Status.WAITING).count() == 0  # the next tick does it


def test_without_a_reason_it_asks_again(admin_client: Client) -> None:
    organization()
    dead()
    answer = confirm(admin_client, "discard", statuses="dead", reason=" ")
    assert "This field is required" in answer.content.decode()
    assert not OperatorAction.objects.exists()


def test_a_group_is_acted_on_by_its_fingerprint(admin_client: Client) -> None:
    organization()
    ours, other = dead(1), dead(2)
    rows(ours).update(fingerprint="f00")
    confirm(admin_client, "retry", statuses="dead", fingerprint="f00")
    runner.run_due_operations()
    assert rows(ours, other).filter(status=Status.WAITING).get() == ours
    assert confirm(admin_client, "note", fingerprint="f00", reason="deployed").status_code == 302
    assert OperatorAction.objects.filter(kind="note", fingerprint="f00", reason="deployed").exists()


def test_a_trial_sends_one_back_and_shows_it(admin_client: Client) -> None:
    organization()
    first, second = dead(1), dead(2)
    chosen = {"statuses": "dead", "event_type": "opportunity"}
    assert confirm(admin_client, "test-retry", **chosen)["Location"] == page(second)
    assert rows(first, second).filter(status=Status.WAITING).get() == second


@pytest.mark.parametrize("task", ["retry", "discard", "restore", "reprocess"])
def test_a_selection_without_a_filter_needs_a_tick(admin_client: Client, task: str) -> None:
    """Case D7."""
    organization()
    messages = [dead(number) for number in range(3)]
    rows(*messages[:1]).update(status=Status.DISCARDED)
    rows(*messages[1:2]).update(status=Status.IGNORED, reason="organization_off")

    for said in ({}, {"statuses": ["dead", "discarded", "ignored"]}):
        asked = confirm(admin_client, task, **said).content.decode()
        assert "No filter is set" in asked, asked
        assert "This field is required" in asked
        assert not OperatorAction.objects.exists()
    narrow = admin_client.post(act(), {"operation": task, "event_type": "opportunity"}).content.decode()
    assert "No filter is set" not in narrow

    assert confirm(admin_client, task, everything="on").status_code == 302
    assert OperatorAction.objects.get().kind == task


@pytest.mark.parametrize("task", ["test-retry", "replay"])
def test_without_a_filter_no_tick_allows_it(admin_client: Client, task: str) -> None:
    """Case D7."""
    organization()
    message = dead()
    for said in ({}, {"statuses": "dead"}, {"statuses": "dead", "everything": "on"}):
        answer = confirm(admin_client, task, **said)
        assert answer["Location"].startswith(act())
    assert rows(message).get().status == Status.DEAD
    assert not OperatorAction.objects.exists()


def test_a_replay_says_before_who_would_handle_what(admin_client: Client) -> None:
    organization()
    end(opportunity(1), Status.SUCCEEDED)
    rows(end(opportunity(2), Status.SUCCEEDED)).update(content={})
    chosen = {"operation": "replay", "statuses": "succeeded", "event_type": "opportunity"}
    answer = admin_client.post(act(), chosen).content.decode()
    assert "Replay: 1 message." in answer
    assert "1, which cannot run" in answer
    assert "be merged only, nothing handles it: 1 of the newest 1" in answer


def test_everything_that_ever_succeeded_is_not_replayed(admin_client: Client) -> None:
    organization()
    end(opportunity(1), Status.SUCCEEDED)
    answer = confirm(admin_client, "replay", statuses="succeeded")
    assert answer["Location"].startswith(act())
    assert not OperatorAction.objects.exists()


def test_a_rehearsal_is_shown_and_changes_nothing(admin_client: Client) -> None:
    organization()
    message = dead()
    answer = confirm(admin_client, "dry-run", statuses="dead", most="5").content.decode()
    assert "1 of 1 would differ." in answer
    assert page(message) in answer
    assert rows(message).get().status == Status.DEAD


def lines(answer: Any) -> str:
    assert isinstance(answer, StreamingHttpResponse)
    return answer.getvalue().decode()


def test_an_export_is_a_download_and_has_payload_only_by_permission(login: Login) -> None:
    organization()
    message = dead(fields={"Name": "Ada Lovelace"})
    said = {"statuses": "dead", "form": "jsonl", "with_payload": "on"}
    bob, eve = login("export_message", "view_payload", name="bob"), login("export_message", name="eve")

    answer = confirm(bob, "export", **said)

    assert answer["Content-Disposition"] == 'attachment; filename="messages.jsonl"'
    assert json.loads(lines(answer))["content"]["fields"] == {"Name": "Ada Lovelace"}
    masked = json.loads(lines(confirm(eve, "export", **said)))
    assert (masked["id"], "content" in masked) == (message.pk, False)
    assert list(OperatorAction.objects.values_list("kind", "actor_name", "affected")) == [
        ("export", "eve", 1),
        ("export", "bob", 1),
    ]


@pytest.mark.parametrize(("task", "codename"), OPERATIONS)
def test_each_task_needs_its_own_permission(login: Login, task: str, codename: str) -> None:
    organization()
    message = dead()
    every = {codename for _, codename in OPERATIONS}
    client = login(*(every - {codename}))
    assert f'value="{task}"' not in client.get(act() + "?statuses=dead&fingerprint=").content.decode()
    assert confirm(client, task, statuses="dead").status_code == 403
    assert rows(message).get().status == Status.DEAD
    assert not OperatorAction.objects.exists()


def test_who_may_not_look_may_not_act(login: Login) -> None:
    eve = login("retry_message", name="eve", views=False)
    assert eve.get(act()).status_code == 403
    assert confirm(eve, "retry", statuses="dead").status_code == 403


def test_a_post_needs_a_csrf_token_and_sense(login: Login) -> None:
    client = login("retry_message")
    assert confirm(client, "nonsense").status_code == 400
    assert confirm(client, "retry", statuses="nonsense").status_code == 400
    assert confirm(client, "retry", ids="1;2").status_code == 400
    assert client.put(act()).status_code == 405
    client.handler.enforce_csrf_checks = True
    assert confirm(client, "retry", statuses="dead").status_code == 403


def test_a_count_is_capped_and_says_so(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (selection, actions):
        monkeypatch.setattr(module, "MAX_COUNTED", 2)
    organization()
    dead(1), dead(2), dead(3)
    assert "2 or more messages" in admin_client.get(act() + "?statuses=dead").content.decode()


def test_a_double_click_starts_one_action(admin_client: Client) -> None:
    organization()
    letter = dead()
    first, second = (confirm(admin_client, "retry", ids=letter.pk)["Location"] for _ in range(2))
    done = OperatorAction.objects.get()
    assert done.progress == Progress.DONE
    assert first == page(done)
    assert second.startswith(act())
