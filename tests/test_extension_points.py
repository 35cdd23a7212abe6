"""What optional apps register is used by the core."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import pytest

from passport_events import conf, extension_points
from passport_events.extension_points import Verb
from passport_events.models import OperatorAction
from passport_events.operating.audit_log import Actor
from passport_events.operating.erasure import erase
from passport_events.operating.retention import Retention, purge
from passport_events.testing import organization_id, record_id
from tests.operating.test_passport_command import passport

pytestmark = pytest.mark.django_db


def test_an_app_brings_a_verb(monkeypatch: pytest.MonkeyPatch) -> None:
    def add_arguments(parser: ArgumentParser) -> None:
        parser.add_argument("--loud", action="store_true", help="in capitals")

    def run(out: Any, options: dict[str, Any]) -> int:
        out.write("HELLO" if options["loud"] else "hello")
        return 1

    monkeypatch.setattr(extension_points, "verbs", dict(extension_points.verbs))
    monkeypatch.setattr("passport_events.management.commands.passport.verbs", extension_points.verbs)
    extension_points.register_verb(
        Verb("greet", "Greet.", "manage.py passport greet --loud", add_arguments, run)
    )

    assert passport("greet", "--loud") == (1, "HELLO\n")


def test_an_app_erases_its_rows_of_a_record_and_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    erased: list[tuple[str, str]] = []

    def hook(organization: str, record: str) -> int:
        erased.append((organization, record))
        return 2

    monkeypatch.setitem(extension_points.erase_hooks, "files", hook)
    about = organization_id(1), record_id("Opportunity", 1)

    assert erase(*about, Actor("ann"), "request 17").app_rows == 2

    assert erased == [about]
    assert OperatorAction.objects.get().affected == 2


def test_an_app_deletes_its_expired_rows_in_each_purge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(extension_points.purge_hooks, "files", lambda: 3)
    assert purge(Retention.from_settings(conf.get_settings())).rows == 3
