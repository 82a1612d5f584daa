"""The first start after a restore: what the database does not know any more is forgotten elsewhere, too."""

import shutil

import redis
from django.conf import settings

from khronos.backup import aftermath
from khronos.launch.home import Home
from khronos.launch.screen import Screen
from settings import dotenv

MARKERS = "seen:*"  # of updates that intake has stored: they may have to be stored again
TOGETHER = 500


def settle(home: Home, screen: Screen) -> None:
    if not aftermath.is_noted():
        return
    forget(home, screen)
    outcome = aftermath.settle()
    screen.done(
        f"After the restore: {outcome.resumed} pieces of work go on, {outcome.settled} had been done, "
        f"{outcome.taken_over} unanswered messages of the lost time are taken over, {outcome.held} are held"
    )
    if outcome.held:
        screen.warn(
            f"{outcome.held} messages may have been answered already. "
            "/admin/khronos/deadletter/ and /admin/khronos/quarantined/ list them; "
            "`python manage.py replay` answers them after all"
        )


def forget(home: Home, screen: Screen) -> None:
    """The embedded Valkey is not running yet, and needs nothing that it kept."""
    if "VALKEY_PORT" in dotenv.merged():
        shutil.rmtree(home.path / "valkey", ignore_errors=True)
        (home.path / "valkey").mkdir(mode=0o700, exist_ok=True)
        return
    try:
        client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5.0, socket_connect_timeout=5.0)
        batch: list[bytes] = []
        for key in client.scan_iter(MARKERS, count=TOGETHER):
            batch.append(key)
            if len(batch) >= TOGETHER:
                client.unlink(*batch)
                batch.clear()
        if batch:
            client.unlink(*batch)
    except redis.RedisError as error:
        screen.warn(f"Redis does not answer ({error}): updates that come again within the hour may be missed")
