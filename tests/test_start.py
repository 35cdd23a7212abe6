"""What a process loads when it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

START = """
import sys
import django
django.setup()
from django.contrib import admin
import passport_events.handling.rq_worker
admin.autodiscover()
print(*sorted({"boto3", "botocore", "pydantic"} & sys.modules.keys()))
"""


def test_neither_a_worker_nor_the_admin_loads_boto3() -> None:
    """Its two hundred modules are memory in each process; those that ask AWS load it by themselves."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", START],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "project.settings"},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
