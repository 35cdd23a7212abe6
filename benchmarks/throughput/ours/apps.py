"""Listens to the poller's stages where the harness asks how long a poll takes."""

from __future__ import annotations

import os
from pathlib import Path

from django.apps import AppConfig


class OursConfig(AppConfig):
    """Has no tables."""

    name = "benchmarks.throughput.ours"
    label = "bench_ours"

    def ready(self) -> None:
        """Start to listen."""
        path = os.environ.get("PASSPORT_BENCH_POLLS")
        if path:
            from benchmarks.throughput.ours import polls  # noqa: PLC0415  # nothing for the others

            polls.write_to(Path(path))
