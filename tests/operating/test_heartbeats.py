"""An organization that used to send heartbeats and is silent for too long is named."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from health_check.exceptions import ServiceUnavailable

from passport_events.clock import ClockTimestamp
from passport_events.models import Mode, SalesforceOrganization
from passport_events.operating.finding import report_ok
from passport_events.operating.health import check_health, check_organizations
from passport_events.operating.health_checks import OrganizationsHeard
from passport_events.operating.heartbeats import list_organization_silences
from passport_events.receiving.poll import poll_once
from passport_events.testing import FakeQueue
from project.embedded import ValkeyServer
from tests.operating.inbox import organization
from tests.receiving.factories import heartbeat

pytestmark = pytest.mark.django_db


def silent_for(row: SalesforceOrganization, seconds: float) -> SalesforceOrganization:
    """Let its newest heartbeat be so old, by the database's clock."""
    time = ClockTimestamp() - timedelta(seconds=seconds)
    SalesforceOrganization.objects.filter(pk=row.pk).update(
        heartbeat_sent_at=time, heartbeat_received_at=time
    )
    return row


def named() -> list[str]:
    """Which organizations are trouble."""
    return [finding.name for finding in check_organizations() if not finding.ok]


def test_one_that_never_sent_a_heartbeat_is_no_trouble() -> None:
    organization()
    assert check_organizations() == [report_ok("organizations", "None has sent a heartbeat yet.")]


def test_silence_is_trouble_after_the_setting_and_over_with_the_next_heartbeat() -> None:
    home = silent_for(organization(), 890)
    assert check_organizations() == [report_ok("organizations", "1 were heard in the last 900 s.")]

    silent_for(home, 910)

    (found,) = check_organizations()
    assert (found.name, found.ok) == (f"organization {home.salesforce_id}", False)
    said = re.fullmatch(r"No heartbeat of School 1 was recorded for (\d+) seconds\.", found.text)
    assert said is not None
    assert 910 <= int(said[1]) < 970
    assert "Event Relay" in found.hint

    queue = FakeQueue()
    queue.send(heartbeat())
    poll_once(queue)
    assert named() == [f"organization {home.salesforce_id}"]  # this one is older than what was known

    SalesforceOrganization.objects.update(heartbeat_sent_at=None)
    queue.send(heartbeat())
    poll_once(queue)
    assert named() == []


def test_the_setting_says_how_long(settings: Any) -> None:
    home = silent_for(organization(), 60)
    assert named() == []
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "HEARTBEAT_TIMEOUT_SECONDS": 30}
    assert named() == [f"organization {home.salesforce_id}"]


@pytest.mark.parametrize(("mode", "is_trouble"), [(Mode.LIVE, True), (Mode.SHADOW, True), (Mode.OFF, False)])
def test_one_that_is_off_may_be_silent(mode: Mode, is_trouble: bool) -> None:  # noqa: FBT001
    silent_for(organization(mode=mode), 3_600)
    assert bool(named()) == is_trouble


def test_the_longest_silence_comes_first_and_those_that_are_heard_are_not_named() -> None:
    rows = [organization(number) for number in range(1, 5)]
    for row, seconds in zip(rows, (1_000, 10, 5_000, 2_000), strict=True):
        silent_for(row, seconds)
    assert named() == [f"organization {rows[index].salesforce_id}" for index in (2, 3, 0)]
    assert [silence.name for silence in list_organization_silences()] == [
        "School 3",
        "School 4",
        "School 1",
        "School 2",
    ]


def test_a_name_that_paints_on_the_terminal_is_spelled_out() -> None:
    silent_for(organization(name="Nort\x1b[31mhfield"), 1_000)
    assert r"Nort\x1b[31mhfield" in check_organizations()[0].text


def test_passport_health_says_it_and_so_does_its_json(redis_server: ValkeyServer) -> None:
    home = silent_for(organization(), 1_000)
    assert f"organization {home.salesforce_id}" in [finding.name for finding in check_health()]
    for form in ([], ["--json"]):
        out = StringIO()
        with pytest.raises(SystemExit) as end:
            call_command("passport", "health", *form, stdout=out)
        assert end.value.code == 1
        assert f"organization {home.salesforce_id}" in out.getvalue()
    findings = {finding["name"]: finding for finding in json.loads(out.getvalue())["findings"]}
    assert findings[f"organization {home.salesforce_id}"]["ok"] is False


def test_the_health_check_says_nothing_of_who_is_heard() -> None:
    silent_for(organization(), 10)
    OrganizationsHeard().run()


def test_the_health_check_names_who_is_silent() -> None:
    silent_for(organization(), 1_000)
    with pytest.raises(
        ServiceUnavailable, match=r"No heartbeat of School 1 was recorded for 1\d\d\d seconds"
    ):
        OrganizationsHeard().run()
