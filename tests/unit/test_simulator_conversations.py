"""Conversations are the same for the same seed, and every message can be told from every other."""

import pytest

from bench.simulator.conversations import Arrival, write
from bench.simulator.verdict import MARKER


@pytest.mark.parametrize("arrival", ["burst", "paced", "random"])
def test_each_chat_says_its_lines_in_order(arrival: Arrival) -> None:
    lines = write(5, 4, arrival=arrival, rate=10.0, seed=7)
    assert len(lines) == 20
    for chat_id in {line.chat_id for line in lines}:
        own = [line for line in lines if line.chat_id == chat_id]
        assert [line.marker[-4:-1] for line in own] == ["m01", "m02", "m03", "m04"]
        assert [line.at for line in own] == sorted(line.at for line in own)


def test_markers_are_unique_and_found_in_the_text() -> None:
    lines = write(12, 12, tag="x")
    assert len({line.marker for line in lines}) == 144
    assert all(MARKER.findall(line.text) == [line.marker] for line in lines)
    assert lines[0].marker == "[xc01-m01]"


def test_the_seed_decides() -> None:
    assert write(9, 3, arrival="random", seed=1) == write(9, 3, arrival="random", seed=1)
    assert write(9, 3, arrival="random", seed=1) != write(9, 3, arrival="random", seed=2)


def test_a_burst_comes_at_once_and_a_pace_is_kept() -> None:
    assert {line.at for line in write(3, 3)} == {0.0}
    assert [line.at for line in write(2, 2, arrival="paced", rate=4.0)] == [0.0, 0.25, 0.5, 0.75]
