"""Redis connections, bounded in number and in time."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import redis
from django.conf import settings

from khronos.resilience.groupcommit import GroupCommit

type Command = tuple[tuple[Any, ...], dict[str, Any]]

QUICK_S = 0.25  # what a request may wait for the doorbell
PATIENT_S = 5.0
TOGETHER = 32  # commands in one round trip
WAITING = "XREADGROUP"  # for news: the one command of ours that does


@cache
def quick() -> "redis.Redis":
    """For the request path: a broker that hesitates is left alone."""
    return connect(QUICK_S)


@cache
def patient() -> "redis.Redis":
    return connect(PATIENT_S)


class Together(redis.Redis):
    """Commands of many threads share a round trip: whoever comes first asks for all who wait meanwhile."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._pen: GroupCommit[Command, Any] = GroupCommit(self._exchange, most=TOGETHER)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if args[0] == WAITING:  # it would keep the others waiting
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        return self._pen.submit((args, options))

    def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        connection: Any = self.connection_pool.get_connection()
        try:
            connection.send_packed_command(connection.pack_commands([args for args, _ in commands]))
            return [self._answer(connection, *command) for command in commands]
        except (redis.ConnectionError, redis.TimeoutError):
            connection.disconnect()
            raise
        finally:
            self.connection_pool.release(connection)

    def _answer(self, connection: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        try:
            return self.parse_response(connection, args[0], **options)  # type: ignore[no-untyped-call]
        except redis.ResponseError as error:
            return error  # this command's own


def connect(timeout_s: float, url: str = "") -> "redis.Redis":
    return Together.from_url(
        url or settings.REDIS_URL,
        socket_timeout=timeout_s,
        socket_connect_timeout=min(timeout_s, 2.0),
        socket_keepalive=True,
        max_connections=256,
        retry=None,
        health_check_interval=0,
        protocol=2,
    )
