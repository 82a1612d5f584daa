"""A simulated world and one Khronos in it: what is played on it, and how it ended, in exact figures."""

import itertools
from dataclasses import fields

from bench.instance import Instance
from bench.patience import until
from bench.simulator import Simulator
from bench.simulator.conversations import Arrival, Performance, write
from bench.simulator.verdict import Verdict
from bench.troubles import TROUBLES, UNFINISHED, last_ids, troubles

FIGURES = ("sent", "accepted", "answered", "undelivered", "lost", "repeated", "out_of_order", "misdirected")
CHATS_A_PLAY = 1000
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Stage:
    def __init__(self, world: Simulator, khronos: Instance) -> None:
        self.world, self.khronos = world, khronos
        self._plays = itertools.count()
        self._played: list[Performance] = []
        self._since: dict[str, int] = {}

    def clear(self) -> None:
        """A healthy, empty world; from now on only what is new counts. Telegram is quick to try again."""
        self.world.heal()
        self.world.reset()
        self.world.telegram.deliver(retry_base=0.1, retry_cap=2.0)
        self._played.clear()
        self._since = last_ids(self.khronos)

    def play(
        self, chats: int, messages: int, *, arrival: Arrival = "burst", rate: float = 100.0
    ) -> Performance:
        """People whom Khronos has never met begin to write."""
        number = next(self._plays)
        tag = LETTERS[number // 26] + LETTERS[number % 26]
        first = 100_001 + number * CHATS_A_PLAY
        lines = write(chats, messages, arrival=arrival, rate=rate, seed=number, tag=tag, first_chat_id=first)
        performance = self.world.play(lines)
        self._played.append(performance)
        return performance

    def say(self, chat: int, number: int) -> str:
        """One more message of a chat; answers its words."""
        text = f"[c{chat:02d}-m{number:02d}]"
        self.world.telegram.say(chat, text)
        return text

    def accepted(self) -> int:
        """How many messages Khronos has said 200 to."""
        return sum(update.accepted_at is not None for update in self.world.telegram.updates())

    def after(self, accepted: int, timeout: float = 30.0) -> None:
        """Wait for the middle of a play."""
        assert self.world.wait_until(lambda: self.accepted() >= accepted, timeout), self.accepted()

    def thinking(self, turns: int, timeout: float = 30.0) -> None:
        """Wait until a model is asked so many questions at once."""
        assert until(lambda: self.world.models.loads["anthropic"].now >= turns, timeout)

    def dispatched(self, accepted: int = 0, timeout: float = 30.0) -> None:
        """Wait until so many are accepted, and each is in its conversation."""
        self.after(accepted, timeout)
        assert until(lambda: self.count("update", "state = 'received'") == 0, timeout)

    def finish(self, timeout: float = 60.0) -> Verdict:
        """Wait until all is said, accepted, answered and settled; the verdict then, whatever it is."""

        def is_over() -> bool:
            if not all(performance.said for performance in self._played):
                return False
            if any(update.state == "pending" for update in self.world.telegram.updates()):
                return False
            verdict = self.world.verdict()
            troubles = self.troubles()
            return verdict.answered >= verdict.accepted and not any(troubles[name] for name in UNFINISHED)

        until(is_over, timeout, every=0.2)
        return self.world.verdict()

    def troubles(self) -> dict[str, int]:
        return troubles(self.khronos, self._since)

    def count(self, noun: str, where: str = "1") -> int:
        """Rows that this test has made."""
        query = f"SELECT count(*) FROM khronos_{noun} WHERE id > ? AND ({where})"
        return int(self.khronos.sql(query, self._since[noun])[0][0])

    def restarts(self) -> int:
        """How often any process was started again."""
        return sum(int(row["restarts"]) for row in self.khronos.ps())


def figures(verdict: Verdict) -> dict[str, object]:
    known = {field.name for field in fields(verdict)}
    return {name: getattr(verdict, name) for name in FIGURES if name in known}


def exact(messages: int, **otherwise: object) -> dict[str, object]:
    """So many, all accepted and answered, nothing lost, repeated, out of order or in the wrong chat."""
    good: dict[str, object] = dict.fromkeys(("sent", "accepted", "answered"), messages)
    return good | {name: [] for name in FIGURES[3:]} | otherwise


def clean(**otherwise: int) -> dict[str, int]:
    """No troubles but these: `clean(dead_letters=1)`."""
    return dict.fromkeys(TROUBLES, 0) | {name.replace("_", " "): count for name, count in otherwise.items()}
