"""What the documents say and what the code has are the same."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import get_args

import passport_events
from passport_events import checks, conf
from passport_events.management.commands.passport import list_verbs
from passport_events.models import Mode, Status
from passport_events.monitoring.dashboard import warnings
from passport_events.operating.doctor.finding import Id
from passport_events.operating.finding import Code, Finding

REPOSITORY = Path(__file__).parents[1]
DOCS = REPOSITORY / "docs"


def test_every_setting_is_documented_with_its_default_and_no_other_is() -> None:
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \| ([^|]+) \|", (DOCS / "settings.md").read_text(), re.MULTILINE)
    fields = {field.name.upper(): field for field in dataclasses.fields(conf.Settings)}

    assert {key for key, _ in rows} == set(fields)
    for key, default in rows:
        if re.fullmatch(r"[\d.]+", default.strip()):
            assert float(default) == fields[key].default, key


def test_every_check_is_documented_and_no_other_is() -> None:
    documented = set(re.findall(r"passport_events\.[EW]\d+", (DOCS / "settings.md").read_text()))
    values = vars(checks).values()
    ids = {value for value in values if re.fullmatch(r"passport_events\.[EW]\d+", str(value))}

    assert documented == ids


def test_every_finding_of_the_doctor_is_documented_and_no_other_is() -> None:
    documented = re.findall(
        r"^\| (?:<a id=\S+></a>)?([A-Z]\d+) \|", (DOCS / "doctor.md").read_text(), re.MULTILINE
    )

    assert sorted(documented) == sorted(get_args(Id))


def test_every_finding_of_health_is_documented_and_no_other_is() -> None:
    rows = re.findall(
        r"^\| ((?:`[a-z_]+`(?:, )?)+) \| (fail|warn) \|", (DOCS / "operating.md").read_text(), re.MULTILINE
    )
    documented = {code: level for codes, level in rows for code in re.findall(r"`([a-z_]+)`", codes)}

    assert documented == {code: Finding("", code, "").level for code in Code if code is not Code.WELL}


def test_every_warning_of_the_dashboard_is_documented_and_no_other_is() -> None:
    page = (DOCS / "monitoring.md").read_text().partition("## Warnings")[2].partition("## What")[0]
    rows = re.findall(r"^\| ((?:`[a-z_]+`(?:, )?)+) \|", page, re.MULTILINE)

    assert re.findall(r"`([a-z_]+)`", " ".join(rows)) == list(warnings.WarningCode)


def test_the_glossary_is_sorted_and_has_every_status_and_mode() -> None:
    text = (DOCS / "glossary.md").read_text()
    terms = re.findall(r"^\| ([^|]+?) \| [A-Z]", text, re.MULTILINE)

    assert terms == sorted(terms, key=str.lower)
    assert all(status in text for status in Status)
    assert all(f"`{mode}`" in text for mode in Mode)


def test_every_decision_is_listed() -> None:
    pages = {page.name for page in (DOCS / "decisions").glob("0*.md")}

    assert set(re.findall(r"\((0\d+[^)]+)\)", (DOCS / "decisions" / "README.md").read_text())) == pages


def test_no_link_between_documents_is_broken() -> None:
    for page in [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_verb_that_a_text_of_the_package_names_exists() -> None:
    code = [path for kind in ("*.py", "*.html") for path in (REPOSITORY / "passport_events").rglob(kind)]

    for path in [REPOSITORY / "CHANGELOG.md", *code]:
        for verb in re.findall(r"(?:manage\.py |`)passport ([a-z][a-z-]*)", path.read_text()):
            assert verb in list_verbs(), f"{path.name}: passport {verb}"


def test_public_names_are_sorted_and_exist() -> None:
    assert passport_events.__all__ == sorted(passport_events.__all__)
    assert all(hasattr(passport_events, name) for name in passport_events.__all__)
