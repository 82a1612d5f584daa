"""Real processes, started as an operator starts them, in a simulated world."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from bench.instance import Instance
from bench.simulator import Simulator
from tests.acceptance.stage import Stage

EDIT = {"TELEGRAM_DELIVERY_MODE": "edit"}
# For tests that outwait one; a delivery's must outlast every call to a channel.
SHORT_LEASES = {"TURN_LEASE_S": "10", "LOCK_TTL_S": "10", "DELIVERY_LEASE_S": "15"}
HANGS_S = 300  # a start, what is awaited in the middle and the end may each take a minute and more
SHARED = ("stage", "editing", "polling")


class House:
    """Has one stage at a time. It serves one test after another, until one asks for another or fails."""

    def __init__(self) -> None:
        self._wanted: dict[str, Any] | None = None
        self._stack = ExitStack()
        self.stage: Stage | None = None

    def open(self, **wanted: Any) -> Stage:
        if self.stage is None or wanted != self._wanted:
            self.close()
            world = self._stack.enter_context(Simulator.start())
            self.stage = Stage(world, self._stack.enter_context(Instance(world, **wanted)))
            self._wanted = wanted
        self.stage.clear()
        return self.stage

    def close(self) -> None:
        self.stage = None
        self._stack.close()


house = House()


class Named(Protocol):
    @property
    def name(self) -> str: ...


def rows(of_all: Sequence[Named], *always: str) -> list[pytest.ParameterSet]:
    """Of a matrix: one of each sort always, the whole under the mark `slow`."""
    assert set(always) < {each.name for each in of_all}
    return [
        pytest.param(each, id=each.name, marks=[] if each.name in always else pytest.mark.slow)
        for each in of_all
    ]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that share a stage follow each other: each change of stage stops and starts all processes."""
    here = Path(__file__).parent
    places = [number for number, item in enumerate(items) if here in item.path.parents]
    for number, item in zip(places, sorted((items[each] for each in places), key=stage_of), strict=True):
        items[number] = item
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(HANGS_S))


def stage_of(item: pytest.Item) -> int:
    wanted = getattr(item, "fixturenames", ())
    return next((number for number, name in enumerate(SHARED) if name in wanted), len(SHARED))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure comes with the last words of every process, and spoils the stage."""
    report = yield
    if report.failed and house.stage is not None:
        report.sections.append(("The last words of every process", house.stage.khronos.tails()))
        house.close()
    return report


@pytest.fixture(scope="session", autouse=True)
def closed_at_the_end() -> Iterator[None]:
    yield
    house.close()


@pytest.fixture
def stage() -> Stage:
    """Updates come to the webhook, answers are sent."""
    return house.open()


@pytest.fixture
def editing() -> Stage:
    """Answers are put into placeholders."""
    return house.open(env=EDIT)


@pytest.fixture
def polling() -> Stage:
    """Without a public address: updates are fetched."""
    return house.open(polling=True)
