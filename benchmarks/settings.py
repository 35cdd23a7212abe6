"""A Django project for programs that measure, on the servers that they start themselves."""

import os

from project.embedded import LOOPBACK

POSTGRESQL_PORT = "PASSPORT_BENCH_POSTGRESQL_PORT"
REDIS_PORT = "PASSPORT_BENCH_REDIS_PORT"
_NOTHING_LISTENS = "1"

SECRET_KEY = "benchmarks"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django_rq", "passport_events"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "postgres",
        "HOST": LOOPBACK,
        "PORT": os.environ.get(POSTGRESQL_PORT, _NOTHING_LISTENS),
    }
}
RQ_QUEUES = {
    name: {
        "URL": f"redis://{LOOPBACK}:{os.environ.get(REDIS_PORT, _NOTHING_LISTENS)}/0",
        "SERIALIZER": "rq.serializers.JSONSerializer",
    }
    for name in ("passport-opportunities", "passport-attachments", "passport-items")
}
PASSPORT_EVENTS = {"QUEUE_URL": f"http://{LOOPBACK}/no-queue"}
LOGGING_CONFIG = None
