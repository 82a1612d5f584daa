"""What the models were asked, and what came of it."""

from dataclasses import dataclass, field

from bench.simulator.models.prompt import Provider


@dataclass(slots=True)
class ModelCall:
    """One request. `outcome` is "ok", "<status> <message>", "fault:<kind>", or "abandoned" by the caller."""

    at: float
    provider: Provider
    path: str
    model: str = ""
    question: str = ""
    messages: int = 0
    system_length: int = 0
    tools: int = 0
    images: list[str] = field(default_factory=list)  # SHA-256 of each
    stream: bool = False
    key: str = ""
    trace_id: str = ""
    correlation_id: str = ""
    concurrency: int = 0
    outcome: str = "abandoned"
    answer: str = ""
    seconds: float = 0.0
