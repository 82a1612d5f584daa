"""A Khronos before a model that is about to fail, and what is seen of it from all sides."""

import itertools
import json
import time
import urllib.request
from dataclasses import dataclass

from bench.patience import until
from bench.simulator import Simulator
from khronos.resilience.breakers import Breaker, BreakerPolicy, RedisStore
from khronos.resilience.breakers.link import TRUST_S
from tests.acceptance.conftest import house
from tests.acceptance.stage import Stage

TOKEN = "token-of-the-matrix"
REST_S = 1.0
MATRIX = {
    "METRICS_TOKEN": TOKEN,
    "ANTHROPIC_TIMEOUT_S": "1",
    "OPENAI_TIMEOUT_S": "1",
    "ANTHROPIC_BREAKER_REST_S": f"{REST_S}",
    "OPENAI_BREAKER_REST_S": f"{REST_S}",
    "ANTHROPIC_REQUESTS_PER_MINUTE": "6000",  # none would leave 429 without a memory
}
PEOPLE = 6  # one more than a breaker must have seen

firsts = itertools.count(101, 100)


@dataclass
class Scene:
    stage: Stage
    anthropic: Simulator  # a server of its own, so that it can be down alone
    first: int
    began: float = 0.0

    @property
    def chats(self) -> range:
        return range(self.first, self.first + PEOPLE)

    def everybody_says(self, number: int) -> None:
        self.began = self.began or time.monotonic()
        for chat in self.chats:
            self.stage.say(chat, number)

    def newcomer_says(self) -> None:
        self.stage.say(self.first + PEOPLE, 1)

    def outcomes(self) -> list[str]:
        return [call.outcome for call in self.anthropic.models.calls("anthropic")]

    def is_left_alone(self, rest_s: float) -> bool:
        """Everybody has asked it once; from then on one for all of them, after each rest."""
        return len(self.outcomes()) <= PEOPLE + (time.monotonic() - self.began) // rest_s

    def asked_openai(self) -> int:
        return len(self.stage.world.models.calls("openai"))

    def turns(self, where: str) -> int:
        return self.stage.count("turn", where)

    def comes_to(self, where: str, turns: int) -> bool:
        return until(lambda: self.turns(where) == turns, 15)

    def breaker(self, name: str = "anthropic") -> str:
        request = urllib.request.Request(
            f"{self.stage.khronos.url}/breakers/status", headers={"Authorization": f"Bearer {TOKEN}"}
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            return str(json.load(answer)[name]["state"])

    def alerts(self) -> list[str]:
        """What stands open, of models."""
        rows = self.stage.khronos.sql(
            "SELECT text FROM khronos_alert WHERE resolved_at IS NULL AND name LIKE 'provider.%'"
        )
        return [text for (text,) in rows]

    def shown(self) -> list[list[str]]:
        return [self.stage.world.telegram.answers(chat) for chat in self.chats]

    def mend(self) -> None:
        """The end of the fault."""
        self.anthropic.heal()
        self.anthropic.come_back()
        self.stage.world.heal()


def open_scene(anthropic: Simulator, **more: str) -> Scene:
    stage = house.open(env=MATRIX | more | {"ANTHROPIC_BASE_URL": anthropic.url})
    opened = Scene(stage, anthropic, next(firsts))
    opened.mend()
    anthropic.reset()
    with stage.khronos.redis() as client:
        for name in ("anthropic", "openai"):
            policy = BreakerPolicy(name, timeout_s=1.0, opens_at=0.5, rest_s=REST_S)
            Breaker(policy, RedisStore(client)).reset()
    time.sleep(TRUST_S)
    return opened
