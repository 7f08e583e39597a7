"""All settings, read from the environment; every variable has its line in README.md."""

from __future__ import annotations

from pathlib import Path

import environ

from config import env, logs

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = Path(env.text("FOOTNOTE_HOME", str(BASE_DIR / "var")))
HOME.mkdir(parents=True, exist_ok=True)

DEBUG = env.boolean("FOOTNOTE_DEBUG", False)
SECRET_KEY = env.secret_key("SECRET_KEY", HOME)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
HTTPS = env.boolean("FOOTNOTE_HTTPS", False)

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.import_export",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_q",
    "import_export",
    "rest_framework",
    "rest_framework_api_key",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "crm",
    "enrichment",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASES = {
    "default": environ.Env.db_url_config(env.text("DATABASE_URL", f"sqlite:///{HOME}/footnote.sqlite3"))
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Without IMMEDIATE two workers fail at once with "database is locked": a transaction
    # that began by reading cannot wait for the write lock.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-64000;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("REDIS_URL")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

WORKERS = env.integer("FOOTNOTE_WORKERS", 2)
TASK_TIMEOUT = 300  # seconds; work of a task ends itself long before
LEASE = max(5, env.integer("FOOTNOTE_LEASE", 90))  # seconds
# django-q2 only wakes workers: it may deliver twice, late or never (ARCHITECTURE.md).
Q_CLUSTER = {
    "name": "footnote",
    "workers": WORKERS,
    "queue_limit": 1,
    "bulk": 1,
    "timeout": TASK_TIMEOUT,
    "retry": TASK_TIMEOUT * 3 + 30,
    "max_attempts": 3,
    "ack_failures": True,
    "catch_up": False,
    "save_limit": 250,
    "guard_cycle": 0.5,
    "poll": 0.5,
    "label": "Queue",
    **({"redis": REDIS_URL} if REDIS_URL else {"orm": "default", "broker_class": "enrichment.broker.Queue"}),
}

PASSWORD_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{PASSWORD_VALIDATION}.MinimumLengthValidator"},
    {"NAME": f"{PASSWORD_VALIDATION}.CommonPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

LANGUAGE_CODE = "en-us"
TIME_ZONE = env.text("FOOTNOTE_TIME_ZONE", "UTC")
USE_TZ = True
FORMAT_MODULE_PATH = "config.formats"

STATIC_URL = "static/"
STATIC_ROOT = HOME / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # whitenoise warns while it is missing
WHITENOISE_USE_FINDERS = True
MEDIA_ROOT = HOME / "files"
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]  # asked from inside, without the proxy
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOGGING = logs.configuration(
    env.choice("FOOTNOTE_LOG", "text", ("text", "json")),
    env.text("FOOTNOTE_LOG_LEVEL", "WARNING"),
    secrets=(SECRET_KEY,),
)
METRICS_TOKEN = env.text("FOOTNOTE_METRICS_TOKEN")

REFRESH_RECORDS = max(1, env.integer("FOOTNOTE_REFRESH_RECORDS", 2000))
UPLOAD_MAX_BYTES = env.integer("FOOTNOTE_UPLOAD_MAX_MB", 20) * 1_000_000
UPLOAD_DAYS = env.integer("FOOTNOTE_UPLOAD_DAYS", 30)
DATA_UPLOAD_MAX_MEMORY_SIZE = UPLOAD_MAX_BYTES  # the official client of the V1 API sends files as texts
EGRESS_ALLOW = env.words("EGRESS_ALLOW")
# A folder of plain modules that are sources (sources/modules.py).
INTEGRATIONS = env.text("FOOTNOTE_INTEGRATIONS")
# Where sources that answer later can reach this installation.
PUBLIC_URL = env.text("FOOTNOTE_URL", "http://127.0.0.1:8000").rstrip("/")
USER_AGENT = env.text("FOOTNOTE_USER_AGENT", "Footnote/0.1 (+self-hosted CRM enrichment)")

from config.api import REST_FRAMEWORK, SPECTACULAR_SETTINGS  # noqa: E402, F401
from config.unfold import UNFOLD  # noqa: E402, F401
