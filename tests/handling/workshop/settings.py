"""The tests' settings, with this app, our worker class, and leases that end soon."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as THEIRS
from tests.settings import PASSPORT_EVENTS as DEFAULTS

INSTALLED_APPS = [*THEIRS, "tests.handling.workshop"]
PASSPORT_EVENTS = {**DEFAULTS, "LEASE_SECONDS": 1, "BACKOFF_SECONDS": 0.01}
RQ = {"WORKER_CLASS": "passport_events.handling.rq_worker.PassportWorker"}
