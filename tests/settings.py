"""The host project that the tests run in: the demo's shape, with nothing of the demo's own."""

from tests.harness import environment

SECRET_KEY = "tests"
ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = "tests.urls"
USE_TZ = True
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast

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
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
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

DATABASES = {"default": environment.database("passport")}
RQ_QUEUES = {
    name: {"URL": environment.redis_url(), "SERIALIZER": "rq.serializers.JSONSerializer"}
    for name in ("passport-opportunities", "passport-attachments", "passport-items")
}
RQ = {"WORKER_CLASS": "passport_events.handling.rq_worker.PassportWorker"}
PASSPORT_EVENTS = {
    "QUEUE_URL": environment.queue_url(),
    "DEAD_LETTER_QUEUE_URLS": [f"{environment.queue_url()}-dead-letters"],
    "ENDPOINT_URL": environment.aws_endpoint_url(),
    "REGION": environment.REGION,
    "RECEIVERS": 2,  # moto hands one message to any that ask at the same moment
}
