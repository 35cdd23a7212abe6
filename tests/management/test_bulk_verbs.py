"""Many messages at once, from a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError

from passport_events.models import ActionKind, OperatorAction, Progress, Status
from passport_events.operating import runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import RETRY
from passport_events.operating.selection import Selection
from project.embedded import ValkeyServer
from tests.handling.factories import statuses
from tests.operating.inbox import dead, end, opportunity, organization, rows
from tests.operating.test_passport_command import passport

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]
GROUP = ("--group", "f00")


@pytest.fixture
def group(redis_server: ValkeyServer) -> Any:
    """Three dead letters of one group; another is not in it."""
    organization()
    ours = [dead(number) for number in range(3)]
    rows(*ours).update(fingerprint="f00")
    dead(9)
    return rows(*ours)


def test_a_group_is_retried_and_nothing_else(group: Any) -> None:
    said = passport("retry", *GROUP, "--reason", "fixed")
    assert said == (0, "retry: 3 requeued\n")
    assert group.filter(status=Status.WAITING).count() == 3
    assert OperatorAction.objects.get().affected == 3
    assert passport("retry", *GROUP, "--reason", "fixed") == (
        1,
        "retry: 0 requeued\n",
    )


def test_a_group_is_discarded_and_restored(group: Any) -> None:
    assert passport("discard", *GROUP, "--reason", "noise")[0] == 0
    assert group.filter(status=Status.DISCARDED).count() == 3
    assert passport("restore", *GROUP) == (0, "restore: 3 restored\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("retry", "--test"),
        ("retry", "--test", "--status", "dead"),
        ("retry", "--test", "--all"),
        ("retry",),
        ("retry", "--status", "dead"),
        ("discard",),
        ("restore",),
        ("replay", "--yes"),
        ("replay", "--yes", "--status", "dead"),
        ("replay", "--dry-run", "1"),
        ("note", "which group?", "--group", ""),
    ],
)
def test_without_a_filter_nothing_is_changed(group: Any, arguments: tuple[str, ...]) -> None:
    """Case D7."""
    before = statuses()
    reason = () if "--dry-run" in arguments or "note" in arguments else ("--reason", "fixed")
    code, said = passport(*arguments, *reason)
    assert (code, statuses()) == (2, before)
    if "note" not in arguments:
        assert "everything: add a filter" in said
    assert not OperatorAction.objects.exists()


@pytest.mark.parametrize("arguments", [("retry",), ("discard",), ("retry", "--test")])
def test_without_a_reason_nothing_is_changed(group: Any, arguments: tuple[str, ...]) -> None:
    """Case D7."""
    before = statuses()
    for said in ((), ("--reason", ""), ("--reason", " ")):
        assert passport(*arguments, *GROUP, *said) == (
            2,
            f"passport {arguments[0]}: --reason is required.\n",
        )
    assert statuses() == before


def test_ids_and_filters_are_not_mixed(group: Any) -> None:
    said = passport("retry", str(group[0].pk), *GROUP, "--reason", "x")
    assert said == (2, "passport retry: Give ids or filters, not both.\n")


def test_every_one_must_be_said(group: Any) -> None:
    assert passport("retry", "--all", "--reason", "x")[1] == "retry: 4 requeued\n"


def test_many_are_only_started_if_detached(group: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "MAX_AT_ONCE", 2)
    code, said = passport("retry", *GROUP, "--reason", "fixed", "--detach", "--json")
    report = json.loads(said)
    assert (code, report["progress"], report["affected"], report["total"]) == (0, "running", 0, 3)
    runner.run_due_operations()
    assert group.filter(status=Status.WAITING).count() == 3


def test_one_is_tried_before_the_rest_and_a_note_is_written(group: Any) -> None:
    newest = group.order_by("pk").last()
    assert passport("retry", "--test", *GROUP, "--reason", "fixed?") == (
        0,
        f"retry: {newest.pk} requeued as a test\n",
    )
    assert passport("note", "try the rest", *GROUP)[0] == 0
    assert passport("note", "no group", "--group", "")[0] == 2
    kinds = OperatorAction.objects.values_list("kind", flat=True)
    assert list(kinds) == [ActionKind.NOTE, ActionKind.RETRY]


@pytest.mark.parametrize(
    ("verb", "after"),
    [("pause", Progress.PAUSED), ("cancel", Progress.CANCELLED), ("wait", Progress.DONE)],
)
def test_what_goes_on_is_listed_and_steered(group: Any, verb: str, after: Progress) -> None:
    action = runner.start(RETRY, Selection(fingerprint="f00"), Actor("ann"), "fixed")
    code, said = passport("operations", "--active", "--json")
    assert (code, json.loads(said)["operation"]) == (0, action.pk)

    assert passport("operations", f"--{verb}", str(action.pk))[0] == 0

    action.refresh_from_db()
    assert action.progress == after
    assert passport("operations")[1].strip().startswith(f"{action.pk}  retry")
    if verb != "wait":
        assert passport("operations", f"--{verb}", str(action.pk))[0] == 1


def test_the_list_says_what_became_of_the_messages(group: Any) -> None:
    passport("retry", *GROUP, "--reason", "fixed")
    passport("note", "look at 42", *GROUP)
    end(group.first(), Status.SUCCEEDED)

    note, retry, became = passport("operations")[1].splitlines()
    assert ("note" in note, "retry" in retry, became.strip()) == (
        True,
        True,
        "results: 1 finished, 2 waiting",
    )
    told = [json.loads(line)["outcomes"] for line in passport("operations", "--json")[1].splitlines()]
    assert told[0] is None
    assert told[1] == {
        "finished": 1,
        "waiting": 2,
        "processing": 0,
        "failed": 0,
        "discarded": 0,
        "later_action_or_purged": 0,
        "counted_up_to": 10_000,
    }


def test_following_ends_when_somebody_pauses(group: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "MAX_STEP_MESSAGES", 1)
    action = runner.start(RETRY, Selection(fingerprint="f00"), Actor("ann"), "fixed")
    advance: Callable[[int], int | None] = runner.take_step

    def advance_and_pause(pk: int) -> int | None:
        changed = advance(pk)
        runner.pause(OperatorAction.objects.get(pk=pk), Actor("bob"))
        return changed

    monkeypatch.setattr(runner, "take_step", advance_and_pause)
    code, said = passport("operations", "--wait", str(action.pk))
    assert (code, "paused" in said, group.filter(status=Status.WAITING).count()) == (1, True, 1)
    assert passport("operations", "--resume", str(action.pk))[0] == 0


def test_what_is_not_worked_in_steps_is_not_steered(group: Any) -> None:
    assert passport("operations", "--pause", "99")[0] == 2


def test_a_dry_run_says_who_would_handle_them(redis_server: ValkeyServer) -> None:
    organization()
    end(opportunity(), Status.SUCCEEDED)
    code, said = passport("replay", "--event-type", "opportunity", "--preview")
    assert (code, "be merged only, nothing handles it" in said) == (0, True)
    report = json.loads(passport("replay", "--event-type", "opportunity", "--preview", "--json")[1])
    assert report["prediction"]["read"] == 1


@pytest.mark.parametrize("flag", ["--since", "--until", "--received-since", "--received-until"])
@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "inf"])
def test_times_that_no_database_compares_with_are_refused(flag: str, time: str) -> None:
    """Case B9."""
    with pytest.raises(CommandError, match="must be"):
        passport("list", flag, time)
    with pytest.raises(CommandError, match="whole number"):
        passport("retry", "9" * 400, "--reason", "x")
