"""The wheel goes into another project by pip, INSTALLED_APPS and migrate."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from passport_events.contract import build

pytestmark = pytest.mark.any_database

REPOSITORY = Path(__file__).parents[1]

SETTINGS = """
SECRET_KEY = "newcomer"
INSTALLED_APPS = [
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
    "django.contrib.messages", "django.contrib.sessions", "django_rq", "passport_events", "passport_events.monitoring",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
USE_TZ = True
PASSPORT_EVENTS = {"QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/salesforce"}
RQ_QUEUES = {
    name: {"URL": "redis://127.0.0.1:1/0"}
    for name in ("passport-opportunities", "passport-attachments", "passport-items")
}
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, so that the checkout stays clean."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    tracked = ["passport_events", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"]
    _run(["cp", "-r", *(str(REPOSITORY / name) for name in tracked), str(source)], REPOSITORY)
    _run([sys.executable, "-m", "pip", *_QUIET, "wheel", "--no-deps", "-w", str(target), "."], source)
    (built,) = target.glob("*.whl")
    return built


_QUIET = ("--disable-pip-version-check", "-q", "--no-input")


def _run(command: list[str], directory: Path, **variables: str) -> str:
    done = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_carries_types_templates_static_files_the_contract_and_nothing_else(wheel: Path) -> None:
    """Given the wheel, what is not Python is in it, and what is not the package is not."""
    names = zipfile.ZipFile(wheel).namelist()
    for needed in ("passport_events/py.typed", "passport_events/migrations/0001_initial.py"):
        assert needed in names
    for folder in ("templates", "static"):
        assert any(name.startswith(f"passport_events/{folder}/passport_events/") for name in names)
    for needed in ("uplot/LICENSE", "uplot/uPlot.iife.min.js", "dashboard.js"):
        assert f"passport_events/monitoring/static/passport_monitoring/{needed}" in names
    assert "passport_events/monitoring/templates/passport_monitoring/dashboard.html" in names
    assert "passport_events/monitoring/migrations/0001_initial.py" in names
    for file in [*build.generate_files(), "README.md"]:
        assert f"passport_events/contract/{file}" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {
        "passport_events",
        "django_passport_events",
    }


def test_a_newcomer_installs_it_with_pip_installed_apps_and_migrate(wheel: Path, tmp_path: Path) -> None:
    """Given another project, when the wheel is installed there, its checks pass and its tables are made."""
    site = tmp_path / "site"
    _run(
        [sys.executable, "-m", "pip", *_QUIET, "install", "--no-deps", "-t", str(site), str(wheel)], tmp_path
    )
    (tmp_path / "newcomer.py").write_text(SETTINGS)
    variables = {"PYTHONPATH": f"{site}{os.pathsep}{tmp_path}", "DJANGO_SETTINGS_MODULE": "newcomer"}
    _run([sys.executable, "-m", "django", "check"], tmp_path, **variables)
    _run([sys.executable, "-m", "django", "migrate", "--verbosity=0"], tmp_path, **variables)
    show = "import passport_events, django; django.setup(); from passport_events import models as m"
    show += "; print(passport_events.__file__, m.ProcessedMessage.objects.count())"
    where, count = _run([sys.executable, "-c", show], tmp_path, **variables).split()
    assert Path(where).is_relative_to(site)
    assert count == "0"
