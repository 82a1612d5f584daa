"""A public installation behind a proxy that speaks TLS. DATABASE_URL and REDIS_URL name the grown parts."""

from settings.base import *
from settings.databases import configured

DATABASES = {"default": configured()}
DEBUG = False
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = not PUBLIC_URL.startswith("http:")
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SECURE_REDIRECT_EXEMPT = [r"^(webhooks/|health$|ready$|livez$|readyz$|metrics$)"]
