"""The whole demo on PostgreSQL, with everything killed once in the middle of the burst."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.postgresql
def test_killing_everything_in_the_middle_changes_nothing_but_the_time() -> None:
    """Given the demo, when poller, worker and database are killed and Redis is flushed, all figures are right."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PASSPORT_", "AWS_"))}
    done = subprocess.run(
        [sys.executable, "manage.py", "demo", "--postgresql", "--break"],
        env={**kept, "DJANGO_SETTINGS_MODULE": "project.settings"},
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    figures, _, _ = done.stdout.splitlines()[-1].partition(" p95_seconds=")
    assert figures == "demo: published=1200 unique=1000 recorded=1000 lost=0 applied_twice=0 dead=10", (
        done.stdout
    )
    assert done.returncode == 0
    for harm in ("SIGKILL for rqworker", "FLUSHALL", "SIGKILL for poll_sqs", "PostgreSQL got SIGKILL"):
        assert harm in done.stdout
