"""The tests' settings: real parts, which tests/conftest.py starts; DATABASE_URL chooses PostgreSQL."""

import atexit
import os
import shutil
import tempfile

from khronos.launch.sockets import any_free, claims

if "KHRONOS_TEST_HOME" not in os.environ:
    os.environ["KHRONOS_TEST_HOME"] = tempfile.mkdtemp(prefix="khronos-test-")
    atexit.register(shutil.rmtree, os.environ["KHRONOS_TEST_HOME"], ignore_errors=True)
    os.environ["KHRONOS_TEST_VALKEY_PORT"] = str(any_free())
    atexit.register(claims.pop().close)
VALKEY_PORT = int(os.environ["KHRONOS_TEST_VALKEY_PORT"])

# The tests are the same whatever the shell around them says.
for name in list(os.environ):
    if name.startswith(
        ("TELEGRAM_", "ANTHROPIC_", "OPENAI_", "LITESTREAM_", "ALERT", "EMAIL_", "TRANSCRIBER", "MEDIA_")
    ):
        del os.environ[name]
os.environ |= {
    "KHRONOS_HOME": os.environ["KHRONOS_TEST_HOME"],
    "KHRONOS_DOTENV": os.devnull,
    "SECRET_KEY": "only-for-tests-" + "x" * 40,
    "REDIS_URL": f"redis://127.0.0.1:{VALKEY_PORT}/0",
}

from settings.base import *  # noqa: E402
from settings.databases import configured  # noqa: E402

DATABASES = {"default": configured()}
if "sqlite3" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["TEST"] = {"NAME": str(KHRONOS_HOME / "test.sqlite3")}
    # No test of these is about power cuts: they wait for no disk.
    DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA synchronous = OFF;"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMBEDDER_URL = ""
BREAKER_WINDOW_S = 60.0  # five calls may take long on a machine that is busy
PARK_MIN_S = PARK_MAX_S = 600.0  # what is parked is due when a test says so
# A test of limits sets its own; the others go as fast as they can.
PROVIDER_REQUESTS_PER_MINUTE, PROVIDER_REQUESTS_PER_SECOND, PROVIDER_CONCURRENCY = {}, {}, {}
TELEGRAM_SPACING_MS = TELEGRAM_PER_SECOND = TELEGRAM_CHAT_SPACING_MS = TELEGRAM_GROUP_PER_MINUTE = 0
CONTACT_MESSAGES_PER_MINUTE = WRONG_SECRETS_PER_MINUTE = 0
ADDRESS_REQUESTS_PER_MINUTE = ADDRESS_FILES_PER_MINUTE = 0
TELEGRAM_POLL_S = 0
ALERT_WRITE_AGAIN_S = 3600.0  # tests attend to the book themselves
