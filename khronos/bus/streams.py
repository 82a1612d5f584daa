"""Redis Streams: publishing, and a consumer of a group that forgets nothing (docs/bus.md).

An entry is acknowledged after its handler returned. Entries of a dead consumer are claimed by another.
An entry that fails too often goes to the dead-letter stream, so that the rest go on.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from khronos.bus.events import Wire
from khronos.resilience import crashpoints

log = logging.getLogger(__name__)

KEEP = 100_000  # entries of a stream that stay for replay
DEAD = "dead.letters"
TRIES = 5


@dataclass(frozen=True, slots=True)
class Entry:
    id: str
    stream: str
    fields: dict[str, str]
    tries: int = 1


# A command each would cost this side three times as much.
PUBLISH = """
local at = 3
for number, key in ipairs(KEYS) do
    if number <= tonumber(ARGV[1]) then
        local last = at + tonumber(ARGV[at])
        redis.call('XADD', key, '*', unpack(ARGV, at + 1, last))
        at = last + 1
    else
        redis.call('SET', key, '1', 'EX', ARGV[2])
    end
end
"""


def publish(
    client: "redis.Redis", wires: Sequence[Wire], markers: Sequence[str] = (), markers_stay_s: int = 0
) -> None:
    """All of them, and then the markers, in one round trip."""
    if not wires:
        return
    words: list[Any] = []
    for fields in wires:
        words.append(2 * len(fields))
        for field in fields.items():
            words += field
    keys = [*(str(fields["event"]) for fields in wires), *markers]
    client.eval(PUBLISH, len(keys), *keys, len(wires), markers_stay_s, *words)


class Consumer:
    """A consumer of a group. `handle` gets a batch and answers the ids that it is done with."""

    def __init__(
        self,
        client: "redis.Redis",
        group: str,
        name: str,
        streams: Sequence[str],
        handle: Callable[[list[Entry]], Iterable[str]],
        bury: Callable[[Entry], None],
        *,
        batch: int = 200,
        idle_ms: int = 15_000,
    ) -> None:
        self.client, self.group, self.name, self.streams = client, group, name, streams
        self.handle, self.bury = handle, bury
        self.batch, self.idle_ms = batch, idle_ms

    def join(self) -> None:
        """Make the group where it is missing; from the beginning, since handlers forgive a repeat."""
        for stream in self.streams:
            try:
                self.client.xgroup_create(stream, self.group, id="0", mkstream=True)
            except redis.ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise

    def read(self, block_ms: int) -> int:
        """Handle what is new; answers how many entries there were."""
        try:
            found: Any = self.client.xreadgroup(
                self.group, self.name, dict.fromkeys(self.streams, ">"), count=self.batch, block=block_ms
            )
        except redis.ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            self.join()  # the server was flushed
            return 0
        count = 0
        for stream, entries in found or []:
            batch = [entry(stream, raw) for raw in entries if raw[1]]
            self.process(stream.decode(), batch)
            count += len(entries)
        return count

    def process(self, stream: str, entries: list[Entry]) -> None:
        if not entries:
            return
        crashpoints.reached("bus.read")
        done = list(self.handle(entries))
        if done:
            self.client.xack(stream, self.group, *done)
            crashpoints.reached("bus.acked")

    def adopt(self) -> int:
        """Take over what a consumer (a dead one, or ourselves before a fault) left unacknowledged."""
        count = 0
        for stream in self.streams:
            pending: Any = self.client.xpending_range(
                stream, self.group, "-", "+", count=self.batch, idle=self.idle_ms
            )
            tries = {row["message_id"]: int(row["times_delivered"]) for row in pending}
            if not tries:
                continue
            taken: Any = self.client.xclaim(stream, self.group, self.name, self.idle_ms, list(tries))
            entries = [entry(stream.encode(), raw, tries[raw[0]] + 1) for raw in taken if raw[1]]
            self.process(stream, [each for each in entries if each.tries <= TRIES])
            for each in entries:
                if each.tries > TRIES:
                    self.give_up(each)
            gone = set(tries) - {raw[0] for raw in taken}
            if gone:
                self.client.xack(stream, self.group, *gone)  # trimmed away; their rows are swept
            count += len(taken)
        return count

    def give_up(self, dead: Entry) -> None:
        log.error("stream entry given up", extra={"stream": dead.stream, "entry": dead.id})
        self.bury(dead)
        fields: Wire = {**dead.fields, "stream": dead.stream, "entry": dead.id}
        self.client.xadd(DEAD, fields, maxlen=KEEP, approximate=True)
        self.client.xack(dead.stream, self.group, dead.id)


def entry(stream: bytes, raw: Any, tries: int = 1) -> Entry:
    id_, fields = raw
    decoded = {key.decode(): value.decode("utf-8", "replace") for key, value in fields.items()}
    return Entry(id_.decode(), stream.decode(), decoded, tries)


def trim(client: "redis.Redis", stream: str, keep: int = KEEP) -> int:
    """Forget the oldest entries beyond `keep`, but none that a group has not acknowledged."""
    if client.xlen(stream) <= keep:
        return 0
    groups: Any = client.xinfo_groups(stream)
    if all(group["pending"] == 0 and group.get("lag") == 0 for group in groups):
        return int(client.xtrim(stream, maxlen=keep, approximate=False))
    bounds = [nth_newest(client, stream, keep), *(oldest_needed(client, stream, group) for group in groups)]
    return int(client.xtrim(stream, minid=min(bounds, key=order).decode(), approximate=False))


def oldest_needed(client: "redis.Redis", stream: str, group: dict[str, Any]) -> bytes:
    pending: Any = client.xpending(stream, group["name"])
    if pending and pending["pending"]:
        return bytes(pending["min"])
    return bytes(group["last-delivered-id"])


def nth_newest(client: "redis.Redis", stream: str, keep: int) -> bytes:
    """The id of the oldest of the newest `keep`, found in steps that do not hold the server up."""
    bound, left = "+", keep - 1
    while left > 0:
        rows: Any = client.xrevrange(stream, max=bound, count=min(left, 1000) + 1)
        if len(rows) <= 1:
            break
        bound, left = rows[-1][0].decode(), left - (len(rows) - 1)
    return bound.encode() if bound != "+" else b"0-0"


def order(id_: bytes) -> tuple[int, int]:
    ms, _, sequence = id_.decode().partition("-")
    return int(ms), int(sequence or 0)
