"""The tests' settings: real parts, given by tests/conftest.py through the environment."""

import os
import tempfile

os.environ.setdefault("KHRONOS_HOME", tempfile.mkdtemp(prefix="khronos-test-"))
os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:1/0")

from settings.base import *
from settings.databases import configured

DATABASES = {"default": configured()}
DATABASES["default"].setdefault("TEST", {})
if "sqlite3" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["TEST"]["NAME"] = str(KHRONOS_HOME / "test.sqlite3")  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
