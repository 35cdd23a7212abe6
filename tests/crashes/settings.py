"""The tests' settings with pauses and polls of a second at most, and with steps that can be armed."""

from typing import Any

from tests.harness.environment import BUCKET
from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as THEIRS
from tests.settings import PASSPORT_EVENTS as DEFAULTS

INSTALLED_APPS = [*THEIRS, "tests.crashes"]
SHORT: dict[str, Any] = {
    "SQS_WAIT_SECONDS": 1,
    "BACKOFF_SECONDS": 0.01,
    "JOB_TIME_LIMIT_SECONDS": 1,
    "BATCH_SIZE": 3,
    "S3_PAYLOAD_BUCKETS": [BUCKET],
}
PASSPORT_EVENTS = {**DEFAULTS, **SHORT}
RQ = {"WORKER_CLASS": "passport_events.handling.rq_worker.PassportSimpleWorker"}
