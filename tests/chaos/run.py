"""One run: servers, Django, and then the course."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import django

from tests.chaos.cluster import Cluster
from tests.chaos.fault import Fault
from tests.chaos.report import Outcome
from tests.chaos.sizes import Size
from tests.harness import network


def run(size: Size, seed: int, directory: Path, faults: Sequence[Fault], ablation: str = "") -> Outcome:
    """Run it. All that it leaves is in `directory`.

    Raises PreparationError, and whatever a fault raises, which none should. Only one run fits into a
    process, because Django's settings have to know the ports.
    """
    network.stay_on_this_machine()
    with Cluster(directory, ablation) as cluster:
        # This process looks and judges, so it goes around the proxies.
        os.environ |= cluster.direct_environment
        django.setup()
        from tests.chaos.course import Course  # noqa: PLC0415  it needs the models

        return Course(cluster, size, seed, faults, ablation).run()
