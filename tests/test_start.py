"""What starting the app costs every process that has it installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]


def test_neither_the_web_nor_an_ordinary_worker_loads_boto3() -> None:
    """It takes longer to import than everything else together, and only pollers and pointers need it."""
    code = """
import django; django.setup()
import sys, django.core.management, passport_events.handling.jobs, passport_events.admin
django.core.management.call_command("check", verbosity=0)
print(sorted({"boto3", "botocore"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr
