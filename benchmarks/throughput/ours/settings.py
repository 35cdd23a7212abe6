"""A monolith with nothing in it but the package, whose settings are its defaults."""

import os

from benchmarks.throughput.peers import place

SECRET_KEY = "opens nothing"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_rq",
    "passport_events",
    "benchmarks.throughput.ours",
    *filter(None, os.environ.get("PASSPORT_BENCH_APPS", "").split(",")),
]
DATABASES = {"default": place.DJANGO_DATABASE}
RQ_QUEUES = {
    name: {"URL": place.REDIS_URL, "SERIALIZER": "rq.serializers.JSONSerializer"}
    for name in ("passport-opportunities", "passport-attachments", "passport-items")
}
# Each contender names its worker with --worker-class; without this setting `check` warns (W001).
RQ = {"WORKER_CLASS": "passport_events.handling.rq_worker.PassportWorker"}
PASSPORT_EVENTS: dict[str, object] = {
    "QUEUE_URL": place.QUEUE_URL,
    "ENDPOINT_URL": place.ENDPOINT_URL,
    "REGION": place.REGION,
    "RELEASE": "bench",
}
if "PASSPORT_BENCH_ORGANIZATION_CACHE_SECONDS" in os.environ:
    PASSPORT_EVENTS["ORGANIZATION_CACHE_SECONDS"] = int(
        os.environ["PASSPORT_BENCH_ORGANIZATION_CACHE_SECONDS"]
    )
