"""Own user model, integer keys, a read replica, local time, own queue names, own admin site."""

from tests.harness import environment

SECRET_KEY = "monolith"
ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = "tests.monolith.urls"
STATIC_URL = "static/"

AUTH_USER_MODEL = "campus.User"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = False
TIME_ZONE = "America/New_York"

INSTALLED_APPS = [
    "tests.monolith.apps.BackofficeConfig",
    "tests.monolith.campus",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django_rq",
    "passport_events",
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

# Nothing copies rows to the replica, so that what is read there by mistake is missing.
DATABASES = {
    "default": {**environment.database(environment.MONOLITH_DATABASES["default"]), "ATOMIC_REQUESTS": True},
    "replica": environment.database(environment.MONOLITH_DATABASES["replica"]),
}
DATABASE_ROUTERS = ["tests.monolith.routers.ReplicaRouter"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# Jobs are pickled, RQ's default.
RQ_QUEUES = {name: {"URL": environment.redis_url()} for name in ("crm-opps", "crm-files", "crm-items")}
# An old project, whose other jobs are pickled.
SILENCED_SYSTEM_CHECKS = ["passport_events.W001"]
PASSPORT_EVENTS = {
    "QUEUE_URL": environment.queue_url(),
    "ENDPOINT_URL": environment.aws_endpoint_url(),
    "REGION": environment.REGION,
    "S3_PAYLOAD_BUCKETS": ["large-messages"],
    "EVENT_TYPES": {
        "opportunity": {"entities": ["Opportunity"], "queue": "crm-opps"},
        "attachment": {
            "entities": ["ContentVersion", "ContentDocumentLink", "Attachment"],
            "queue": "crm-files",
        },
        "item": {"entities": ["OpportunityLineItem"], "queue": "crm-items"},
    },
}
