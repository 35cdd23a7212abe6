"""The tests' settings with leases, pauses and polls of a second, and with steps that can be armed."""

import json
import os
from typing import Any

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as THEIRS
from tests.settings import PASSPORT_EVENTS as DEFAULTS

INSTALLED_APPS = [*THEIRS, "tests.crashes"]
SHORT: dict[str, Any] = {
    "WAIT_SECONDS": 1,
    "LEASE_SECONDS": 1,
    "BACKOFF_SECONDS": 0.01,
    "TIME_SLICE_SECONDS": 1,
    "BATCH_SIZE": 3,
}
# What a single test wants otherwise, as JSON.
PASSPORT_EVENTS = {**DEFAULTS, **SHORT, **json.loads(os.environ.get("PASSPORT_TEST_SETTINGS", "{}"))}
RQ = {"WORKER_CLASS": "passport_events.handling.rq_worker.PassportSimpleWorker"}
