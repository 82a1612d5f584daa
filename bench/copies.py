"""`python -m bench.inside bench.copies`: fill the database, or have Litestream copy it and some changes."""

import argparse
import json
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from django.db import connection, transaction

from bench.patience import until
from khronos.backup import configured, program
from khronos.backup.engine import BackupFailed, engine

ROW = 1000  # bytes of text
TOGETHER = 5000  # rows a transaction
WORDS = 3000
LATER = 200  # transactions after the whole copy, each a piece of its own or a part of one
COPIED_S = 110.0
INSERT = (
    "INSERT INTO khronos_event (event_id, type, trace_id, idempotency_key, timestamp, payload)"
    " VALUES (%s, 'outbox.message.sent', %s, %s, datetime('now'), %s)"
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fill", type=int, metavar="MB")
    megabytes = parser.parse_args().fill
    print(json.dumps(fill(megabytes) if megabytes else copy()))


def fill(megabytes: int) -> dict[str, float]:
    """Text as people write it: it can be pressed, though not to nothing."""
    chance = random.Random(1)
    words = ["".join(chance.choices("aeiourstlnmdp", k=chance.randint(2, 10))) for _ in range(WORDS)]
    file = Path(engine().live)
    while size(file) < megabytes * 10**6:
        insert(list(rows(chance, words, TOGETHER)))
    return {"bytes": size(file)}


def size(file: Path) -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file.stat().st_size


def rows(chance: random.Random, words: list[str], count: int) -> Iterator[tuple[str, ...]]:
    for _ in range(count):
        text = " ".join(chance.choices(words, k=ROW // 7))
        key = f"{chance.getrandbits(128):032x}"
        yield key, key[:16], key, json.dumps({"text": text})


def insert(made: list[tuple[str, ...]]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(INSERT, made)


def copy() -> dict[str, float]:
    copies, chance = engine(), random.Random()
    config = configured.whole_wanted().with_name("litestream.yml")
    config.parent.mkdir(exist_ok=True)
    config.write_text(configured.litestream_yml(copies.live))
    began = time.monotonic()
    with subprocess.Popen(
        [program.path(), "replicate", "-config", str(config)],
        env=configured.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as keeper:  # fmt: skip
        try:
            if not until(arrives, COPIED_S, every=0.5):
                raise TimeoutError(f"not copied within {COPIED_S:.0f} s")
            whole_s = time.monotonic() - began
            for _ in range(LATER):
                insert(list(rows(chance, ["later"], 1)))
            copies.sync_now(30.0)
        finally:
            keeper.terminate()
    return {
        "whole_s": whole_s,
        "bytes": sum(each.size for each in copies.list_copies() if each.kind == "whole"),
    }


def arrives() -> bool:
    try:
        engine().age()
    except BackupFailed:
        return False
    return True
