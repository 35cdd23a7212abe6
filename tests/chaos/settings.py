"""Settings of the pipeline under fault: everything that takes hours in production takes seconds here."""

import os

from tests.chaos import clocks
from tests.chaos.limits import LEASE_SECONDS, QUEUE_URL
from tests.harness import environment

clocks.follow(os.environ.get(clocks.DIRECTORY, ""))

SECRET_KEY = "chaos"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_rq",
    "passport_events",
    "tests.chaos.ledger",
]

_database = environment.database("postgres")
# A server that does not answer must not be waited for longer than the other faults last.
DATABASES = {"default": {**_database, "OPTIONS": {**_database.get("OPTIONS", {})}}}
if os.environ.get(environment.DATABASE) == "postgresql":
    DATABASES["default"]["OPTIONS"] = {"connect_timeout": 3}

RQ_QUEUES = {
    name: {"URL": environment.redis_url(), "SERIALIZER": "rq.serializers.JSONSerializer"}
    for name in ("passport-opportunities", "passport-attachments", "passport-items")
}
RQ = {"WORKER_CLASS": "passport_events.handling.rq_worker.PassportWorker"}

PASSPORT_EVENTS = {
    "RECEIVERS": 32,  # for two writers
    "QUEUE_URL": os.environ.get(QUEUE_URL, environment.queue_url()),
    "ENDPOINT_URL": environment.aws_endpoint_url(),
    "REGION": environment.REGION,
    "RELEASE": "chaos",
    "SQS_WAIT_SECONDS": 2,
    "MAX_CONSECUTIVE_ERRORS": 12,
    "BATCH_SIZE": 50,
    "LEASE_SECONDS": LEASE_SECONDS,
    "JOB_TIME_LIMIT_SECONDS": 3,
    "HANDLER_TIMEOUT_SECONDS": 10,
    "BACKOFF_SECONDS": 0.2,
    "BACKOFF_MAX_SECONDS": 2,
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"timed": {"format": "%(asctime)s %(process)d %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "timed"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
