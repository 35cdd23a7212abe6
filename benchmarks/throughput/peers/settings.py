"""Django for the peers. Nothing but what they need."""

import os

from benchmarks.throughput.peers import place

SECRET_KEY = "opens nothing"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "benchmarks.throughput.peers",
    *filter(None, os.environ.get("PASSPORT_BENCH_APPS", "").split(",")),
]
DATABASES = {"default": place.DJANGO_DATABASE}
RQ_QUEUES = {"default": {"URL": place.REDIS_URL}}
TASKS = {
    "default": {
        "BACKEND": "django_tasks_sqs.SQSBackend",
        "QUEUES": [place.QUEUE],
        "OPTIONS": {
            "queue_urls": {place.QUEUE: place.QUEUE_URL},
            "region_name": place.REGION,
            "endpoint_url": place.ENDPOINT_URL,
        },
    }
}
