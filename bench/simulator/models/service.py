"""The fake models: what they answer, how fast, and how they fail."""

import asyncio
import random
from collections.abc import Iterable

from bench.simulator.faults import Fault, Faults, Kind
from bench.simulator.home import Home, at_home
from bench.simulator.models.gate import Gate
from bench.simulator.models.latency import Latency
from bench.simulator.models.ledger import ModelCall
from bench.simulator.models.prompt import Answer, Provider, ToolCall
from bench.simulator.models.quota import Load, Quota
from bench.simulator.models.script import Answerer, Line, Script
from bench.simulator.models.seen import Seen

ANTHROPIC_MODELS = (
    "claude-sonnet-5-5",
    "claude-haiku-5-5",
    "claude-opus-5-5",
    "claude-haiku-4-5",
    "claude-sonnet-4-5",
)
OPENAI_MODELS = ("gpt-5", "gpt-5-mini", "gpt-4o", "gpt-4o-mini", "gpt-4o-transcribe", "whisper-1")


class Models:
    """All public methods may be called from any thread."""

    def __init__(self, home: Home, seed: int = 0) -> None:
        self.home = home
        self.known: dict[Provider, list[str]] = {
            "anthropic": list(ANTHROPIC_MODELS),
            "openai": list(OPENAI_MODELS),
        }
        self.keys: set[str] = set()
        self.latency = Latency()
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.script = Script()
        self.quotas: dict[Provider, Quota] = {"anthropic": Quota(), "openai": Quota()}
        self.seen = Seen()
        self.faults = Faults(seed)
        self.chance = random.Random(seed)
        self.ledger: list[ModelCall] = []
        self.loads: dict[Provider, Load] = {"anthropic": Load(), "openai": Load()}
        self.gate = Gate(self)

    @at_home
    def think(self, seconds: float, most: float | None = None, *, sigma: float = 0.0) -> None:
        """Set the latency: fixed, even up to `most`, or log-normal around `seconds`."""
        self.latency = Latency(seconds, most, sigma)

    @at_home
    def hold(self) -> None:
        """Nobody is answered until `let_go`."""
        self.may_answer.clear()

    @at_home
    def let_go(self) -> None:
        self.may_answer.set()

    @at_home
    def answer_with(self, answerer: Answerer) -> None:
        """Answer by this function (called in the loop's thread: let it be quick) instead of the echo."""
        self.script.answerer = answerer

    @at_home
    def reply(
        self,
        answer: Answer | str,
        *,
        when: str | None = None,
        times: int | None = 1,
        provider: Provider | None = None,
    ) -> None:
        """Order an answer for the next prompt (that holds `when`); `times=None` for all of them."""
        given = Answer(answer) if isinstance(answer, str) else answer
        self.script.add(Line(given, when, times, provider))

    @at_home
    def use_tool(
        self,
        name: str,
        arguments: dict[str, object] | None = None,
        *,
        when: str | None = None,
        times: int | None = 1,
    ) -> None:
        """Ask for a tool, if the prompt offers it; the answer that follows quotes what the tool says."""
        self.script.add(Line(Answer(tools=(ToolCall(name, arguments or {}),)), when, times))

    @at_home
    def require_keys(self, keys: Iterable[str]) -> None:
        """Accept these keys only; none at all means any key that is not empty."""
        self.keys = set(keys)

    @at_home
    def limit(
        self,
        provider: Provider,
        *,
        per_minute: int = 50,
        concurrency: int | None = None,
        enforced: bool = True,
    ) -> None:
        """Set the provider's rate limit, and whether it refuses."""
        self.quotas[provider] = Quota(per_minute, concurrency, enforced)

    @at_home
    def fail(
        self,
        kind: Kind = "status",
        *,
        status: int = 529,
        provider: Provider | None = None,
        model: str | None = None,
        retry_after: float | None = None,
        seconds: float = 0.0,
        description: str = "",
        count: int | None = None,
        probability: float = 1.0,
        for_seconds: float | None = None,
    ) -> Fault:
        """Order a fault; without `count` and `for_seconds` it lasts until `heal`."""
        where = {"provider": provider, "model": model}
        fault = Fault(
            kind,
            {name: value for name, value in where.items() if value is not None},
            status,
            retry_after,
            seconds,
            description,
            probability,
            count,
        )
        return self.faults.add(fault, for_seconds=for_seconds)

    @at_home
    def heal(self) -> None:
        self.faults.clear()

    @at_home
    def calls(self, provider: Provider | None = None) -> list[ModelCall]:
        return [call for call in self.ledger if provider is None or call.provider == provider]

    @at_home
    def reset(self) -> None:
        """Forget the ledger, the faults, the script and the latency."""
        self.ledger.clear()
        self.faults.clear()
        self.script.clear()
        self.latency = Latency()
        self.may_answer.set()
        self.seen = Seen()
        for load in self.loads.values():
            load.most = load.now
