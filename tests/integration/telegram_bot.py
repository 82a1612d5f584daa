"""A Telegram bot of ours before the simulator, or before a server that misbehaves."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from bench.simulator import Simulator
from khronos.channels.base import Account, Transport
from khronos.channels.telegram import KIND
from khronos.http import pool
from tests.integration.raw_server import RawServer

TOKEN = "424242:simulated-token"
CHAT = 7001


def transport_to(url: str) -> Transport:
    return KIND.transport(Account("default", token=TOKEN, options={"api_url": url}))


@pytest.fixture
def bot(sim: Simulator) -> Iterator[Transport]:
    sim.telegram.add_bot(TOKEN, username="khronos_bot")
    sim.telegram.open_chat(CHAT)
    yield transport_to(sim.telegram_url)
    pool(sim.telegram_url).close()


def to(server: RawServer, deed: Callable[[Transport], Any]) -> Any:
    """Do something by this server, and leave no connection behind."""
    try:
        return deed(transport_to(server.url))
    finally:
        pool(server.url).close()


def sent(server: RawServer) -> dict[str, Any]:
    """The parameters of the last call."""
    parameters: dict[str, Any] = orjson.loads(server.requests[-1].partition(b"\r\n\r\n")[2])
    return parameters
