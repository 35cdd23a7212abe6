"""Settings of the demo monolith, for `make demo` and for development. Not for production.

They load without any variable set; then nothing listens where SQS and Redis should be. The command
`demo` starts both and tells its processes where they are, in `PASSPORT_DEMO_*`.
"""

import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
DEMO_DIRECTORY = REPOSITORY / ".demo"
DEMO_DIRECTORY.mkdir(exist_ok=True)  # SQLite makes files, not folders

_NOTHING_LISTENS = "127.0.0.1:1"
_REDIS_URL = os.environ.get("PASSPORT_DEMO_REDIS_URL", f"redis://{_NOTHING_LISTENS}/0")
_SQS_ENDPOINT = os.environ.get("PASSPORT_DEMO_SQS_ENDPOINT", f"http://{_NOTHING_LISTENS}")

SECRET_KEY = os.environ.get("PASSPORT_DEMO_SECRET_KEY", "opens nothing but the demo")
# For the web server, which then serves the admin's static files. A worker would remember every query.
DEBUG = "runserver" in sys.argv
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "project.urls"
STATIC_URL = "static/"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_rq",
    "passport_events",
    "passport_events.monitoring",
    "project.admissions",
    "project.demo",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def postgresql(port: str) -> dict[str, object]:
    """The database of `demo --postgresql`, which runs until the demo ends."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "postgres",
        "HOST": "127.0.0.1",
        "PORT": port,
    }


_POSTGRESQL_PORT = os.environ.get("PASSPORT_DEMO_POSTGRESQL_PORT")
DATABASES = {
    "default": postgresql(_POSTGRESQL_PORT)
    if _POSTGRESQL_PORT
    else {
        "ENGINE": "project.sqlite",  # Django's, with a fair wait for the write lock
        "NAME": os.environ.get("PASSPORT_DEMO_DATABASE", str(DEMO_DIRECTORY / "demo.sqlite3")),
        "OPTIONS": {
            # A transaction that only asks for the write lock halfway fails at once when another
            # has it; IMMEDIATE asks first, and then `timeout` seconds of waiting count.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=wal; PRAGMA synchronous=normal;",
        },
    }
}
RQ_QUEUES = {
    name: {"URL": _REDIS_URL, "SERIALIZER": "rq.serializers.JSONSerializer"}
    for name in ("passport-opportunities", "passport-attachments", "passport-items")
}
RQ = {"WORKER_CLASS": "passport_events.handling.rq_worker.PassportWorker"}

# The demo shows in seconds what a lease of a minute would show in minutes.
SILENCED_SYSTEM_CHECKS = ["passport_events.W003"]
_DEAD_LETTER_QUEUE_URL = os.environ.get("PASSPORT_DEMO_DEAD_LETTER_QUEUE_URL")
PASSPORT_EVENTS = {
    "QUEUE_URL": os.environ.get("PASSPORT_DEMO_QUEUE_URL", f"{_SQS_ENDPOINT}/000000000000/passport-events"),
    "DEAD_LETTER_QUEUE_URLS": [_DEAD_LETTER_QUEUE_URL] if _DEAD_LETTER_QUEUE_URL else [],
    "ENDPOINT_URL": _SQS_ENDPOINT,
    "REGION": "us-east-1",
    "RELEASE": "demo",
    # All of these are far too short for production: they let retries run out, and the work of a
    # killed process come back, while somebody watches. The defaults are hours and minutes.
    "BACKOFF_SECONDS": 0.2,
    "MAX_RETRIES": 3,
    "LEASE_SECONDS": 5,
    "JOB_TIME_LIMIT_SECONDS": 2,
    "SQS_WAIT_SECONDS": 2,
}
