"""What every installation shares."""

from datetime import timedelta
from urllib.parse import urlsplit

from settings.admin import *
from settings.agents import *
from settings.alerts import *
from settings.backup import *
from settings.celery import *
from settings.dotenv import ROOT
from settings.env import env
from settings.extensions import *
from settings.knowledge import *
from settings.media import *
from settings.observability import *
from settings.resilience import *
from settings.telegram import *
from settings.tools import *

BASE_DIR = ROOT
KHRONOS_HOME = env.home

SECRET_KEY = env.secret_key
DEBUG = env.khronos_debug
PUBLIC_URL = env.public_url.rstrip("/")
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
ALLOWED_HOSTS += [name.strip() for name in env.allowed_hosts.split(",") if name.strip()]
if PUBLIC_URL:
    ALLOWED_HOSTS.append(urlsplit(PUBLIC_URL).hostname or "")
    CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

ROOT_URLCONF = "khronos.urls"
WSGI_APPLICATION = "khronos.wsgi.application"
INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin.apps.SimpleAdminConfig",  # the web process alone loads the screens
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "khronos",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
# Machines call these addresses, thousands of times a second: they pay for nothing of the admin's.
LEAN_PREFIXES = (
    "/webhooks/", "/health", "/ready", "/livez", "/readyz", "/metrics",
    "/breakers/", "/limiter/", "/cache/", "/pool/", "/dashboard/",
)  # fmt: skip
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "DIRS": [ROOT / "khronos" / "desk" / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}}
]

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("pt-br", "Português (Brasil)")]
LOCALE_PATHS = [ROOT / "khronos" / "locale"]
STATIC_URL = "/static/"
STATICFILES_DIRS = [ROOT / "khronos" / "desk" / "static"]
WHITENOISE_USE_FINDERS = True
LOGIN_URL = "/admin/login/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

UPDATE_MAX_BYTES = 1024 * 1024
WEB_CALLBACK_PRIVATE_NETWORKS = env.web_callback_private_networks
# Messages of the web channel may hold files in base64; the rest of such a body is no larger than others.
WEB_FILES_MAX_BYTES = env.web_files_max_mb * 1024 * 1024
WEB_BODY_MAX_BYTES = WEB_FILES_MAX_BYTES * 4 // 3 + UPDATE_MAX_BYTES
WITH_FILES_PREFIXES = ("/webhooks/web/", "/chat/messages")
DATA_UPLOAD_MAX_MEMORY_SIZE = UPDATE_MAX_BYTES + 1024

WEB_THREADS = env.web_threads
MAX_MEMORY_MB = env.max_memory_mb
METRICS_TOKEN = env.metrics_token
REDIS_URL = env.redis_url

# Leases are on the database's clock; a dead worker's work is free again after this.
TURN_LEASE = timedelta(seconds=env.turn_lease_s)
LEFT_ALONE_H = env.left_alone_h
WAITING_TOLD_EVERY = timedelta(minutes=env.waiting_told_min)  # who waits for a person, and writes; 0: never
DELIVERY_LEASE = timedelta(seconds=env.delivery_lease_s)
LOCK_TTL = timedelta(seconds=env.lock_ttl_s)
SWEEP_EVERY_S = 1.0
UPDATES_KEPT = timedelta(days=env.updates_kept_days)
USAGE_KEPT = timedelta(days=env.usage_kept_days)
