"""The dashboard's page and its JSON: who may see them, what they say, and what they cost."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rq import Worker

from passport_events.dispatching import hints
from passport_events.handling.worker import work
from passport_events.models import Heartbeat
from passport_events.monitoring.dashboard import read_dashboard
from passport_events.monitoring.dashboard.time_ranges import RANGES
from passport_events.monitoring.models import Figures, Outage, QueueSample
from passport_events.operating import flow_operations
from passport_events.operating.audit_log import Actor
from passport_events.testing import organization_id
from project.embedded import ValkeyServer
from tests.monitoring.past import count, move_back, this_minute, took
from tests.operating.inbox import dead, opportunity, organization

PAGE = reverse("admin:passport_monitoring_figures_changelist")
JSON = reverse("admin:passport_monitoring_figures_json")
MINUTE = timedelta(minutes=1)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]


def staff(*codenames: str, is_staff: bool = True) -> Client:
    user = User.objects.create_user("ann", is_staff=is_staff)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def some_of_everything(first: int, last: int) -> None:
    """Organizations with events that were processed, dead letters, pauses, samples and processes."""
    now = timezone.now()
    for number in range(first, last):
        home = organization(number)
        opportunity(number, home=organization_id(number))
        work("passport-opportunities")
        dead(number + 1_000, home=organization_id(number))
        flow_operations.pause("item", home, Actor("ann"), "why")
        Heartbeat.objects.create(name=f"poller h:{number}", kind="poller", started_at=now, beaten_at=now)
        Outage.objects.create(organization=home, began_at=now - 9 * MINUTE)
        a_sample(f"queue-{number}")
        Worker([hints.get_rq_queue("passport-items")], name=f"w{number}").register_birth()  # type: ignore[no-untyped-call]
    took(status="succeeded")
    move_back(MINUTE)
    count()


def a_sample(queue: str, *, minutes_ago: int = 1, **facts: Any) -> None:
    about = {"is_dead_letters": False, "depth": 7, "in_flight": 0, "delayed": 0, "retention_seconds": 86_400}
    QueueSample.objects.create(queue=queue, minute=this_minute() - minutes_ago, **{**about, **facts})


def found(client: Client, **query: str) -> dict[str, Any]:
    response = client.get(JSON, query)
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    return answer


@pytest.mark.parametrize("url", [PAGE, JSON])
def test_staff_need_the_permission_and_nobody_else_gets_in(url: str) -> None:
    assert Client().get(url).status_code == 302
    assert staff("view_dashboard", is_staff=False).get(url).status_code == 302
    User.objects.all().delete()
    assert staff("view_processedmessage").get(url).status_code == 403
    User.objects.all().delete()
    client = staff("view_dashboard")
    assert client.get(url).status_code == 200
    assert client.post(url).status_code == 403


def test_the_index_leads_there_those_who_may(admin_client: Client) -> None:
    index = reverse("admin:index")
    assert PAGE in admin_client.get(index).content.decode()
    assert PAGE not in staff("view_processedmessage").get(index).content.decode()


def test_an_empty_project_has_a_page_that_says_what_is_missing(admin_client: Client) -> None:
    text = admin_client.get(PAGE).content.decode()
    for said in ("No poller runs", "No worker listens", "No minute is counted yet", "No metrics for"):
        assert said in text


@pytest.mark.parametrize("name", RANGES)
def test_the_page_and_the_json_say_what_was_counted(admin_client: Client, name: str) -> None:
    some_of_everything(1, 3)

    answer = found(admin_client, range=name)

    total = answer["total"]
    assert (total["arrived"], total["processed"], total["dead_letters"], total["waiting"]) == (4, 2, 2, 0)
    assert total["latency"]["p95"] == pytest.approx(20, rel=0.07)
    assert total["processing_time"]["p50"] == pytest.approx(2, rel=0.07)
    assert [(line["organization_name"], line["dead_letters"]) for line in answer["lines"]] == [
        ("School 1", 1),
        ("School 2", 1),
    ]
    charts = {chart["id"]: chart for chart in answer["charts"]}
    arrived = [values[0] for _, values in charts["throughput"]["points"] if values[0]]
    assert arrived
    assert {len(chart["points"]) for chart in answer["charts"]} == {RANGES[name].minutes // RANGES[name].span}
    assert {process["kind"] for process in answer["processes"]} == {"poller", "worker"}
    assert [control["kind"] for control in answer["flow_rules"]] == ["pause", "pause"]
    assert len(answer["freshness"]) == 2
    page = admin_client.get(PAGE, {"range": name}).content.decode()
    assert "School 2" in page
    assert f"{total['latency']['p95']:.1f} s" in page


def test_figures_can_be_narrowed_to_one_organization_and_type(admin_client: Client) -> None:
    some_of_everything(1, 3)
    narrowed = found(admin_client, organization=organization_id(2), type="opportunity")
    assert (narrowed["total"]["arrived"], narrowed["total"]["dead_letters"]) == (2, 1)
    assert found(admin_client, type="item")["total"]["arrived"] == 0


@pytest.mark.parametrize("name", RANGES)
def test_more_rows_cost_no_more_queries(admin_client: Client, name: str) -> None:
    def queries(url: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get(url, {"range": name}).status_code == 200
        inbox = [q["sql"] for q in captured if "processedmessage" in q["sql"] or "delivery" in q["sql"]]
        assert inbox == []
        return len(captured)

    some_of_everything(1, 2)
    few = queries(PAGE), queries(JSON)
    some_of_everything(2, 7)
    assert (queries(PAGE), queries(JSON)) == few
    assert max(few) <= 15


def test_nobody_is_asked_but_the_database_and_redis(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("the web has no rights in AWS")

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", refuse)
    assert admin_client.get(PAGE).status_code == 200


def test_time_is_left_until_sqs_forgets_the_oldest_dead_letter(admin_client: Client) -> None:
    name = "passport-events-dead-letters"
    a_sample(name, is_dead_letters=True, oldest_seconds=86_400 - 7_200.0, minutes_ago=30)

    queue = next(each for each in found(admin_client)["queues"] if each["name"] == name)

    assert queue["expires_in_seconds"] == pytest.approx(7_200 - 1_800, abs=70)
    assert queue["sample_age"] == pytest.approx(1_800, abs=70)
    page = admin_client.get(PAGE).content.decode()
    assert f"SQS deletes the oldest message of {name} in 90 min" in page or "in 89 min" in page


def test_an_empty_dead_letter_queue_forgets_nothing(admin_client: Client) -> None:
    a_sample("passport-events-dead-letters", is_dead_letters=True, depth=0, oldest_seconds=80_000.0)
    assert {queue["expires_in_seconds"] for queue in found(admin_client)["queues"]} == {None}


def test_numbers_that_nobody_refreshes_say_so(admin_client: Client) -> None:
    some_of_everything(1, 2)
    a_sample("passport-events", minutes_ago=45)
    Figures.objects.all().delete()
    answer = " ".join(found(admin_client)["warnings"])
    assert "Metrics for passport-events are 45 min old" in answer


def test_without_redis_the_rest_is_shown(admin_client: Client, redis_server: ValkeyServer) -> None:
    some_of_everything(1, 2)
    redis_server.kill()
    answer = found(admin_client)
    assert answer["redis_problem"].startswith("Redis does not answer")
    assert answer["total"]["arrived"] == 2


def test_minutes_that_nobody_counted_are_gaps_and_no_zeros() -> None:
    some_of_everything(1, 2)
    flow = read_dashboard().charts[0]
    known = [values for _, values in flow.points if values[0] is not None]
    assert len(known) < len(flow.points)
    assert [None, None] in [list(values) for _, values in flow.points]


def test_the_page_runs_under_a_strict_content_security_policy(admin_client: Client) -> None:
    some_of_everything(1, 2)
    page = admin_client.get(PAGE).content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page)
    assert not re.search(r"(?:src|href)=[\"'](?:https?:)?//", page)


def test_hostile_names_are_shown_as_text(admin_client: Client) -> None:
    some_of_everything(1, 2)
    organization(9, name="<script>alert(1)</script>")
    opportunity(9, home=organization_id(9))
    move_back(MINUTE)
    count()
    page = admin_client.get(PAGE, {"type": '"><script>alert(2)</script>'}).content.decode()
    assert "<script>alert" not in page
