"""What a benchmark answers: our figure, the reference's of the same run, and what was promised."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True, slots=True)
class Target:
    """`at_least` must be reached, `goal` is hoped for; where less is better they are upper bounds."""

    at_least: float
    goal: float
    less_is_better: bool = False

    def is_met(self, value: float) -> bool:
        return value <= self.at_least if self.less_is_better else value >= self.at_least

    def is_goal_met(self, value: float) -> bool:
        return value <= self.goal if self.less_is_better else value >= self.goal


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table. With a reference the ratio is judged, else our own figure is."""

    name: str
    ours: float
    unit: str
    reference: float | None = None
    reference_name: str = ""
    target: Target | None = None
    details: Mapping[str, object] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        return self.ours / self.reference if self.reference else None

    @property
    def judged(self) -> float:
        return self.ours if self.ratio is None else self.ratio

    @property
    def is_met(self) -> bool:
        return self.target is None or self.target.is_met(self.judged)


type Benchmark = Callable[[bool], list[Measure]]  # takes `quick`


def middle(values: Sequence[float]) -> float:
    """The median: a noisy neighbour spoils a round, not the figure."""
    return float(median(values))
