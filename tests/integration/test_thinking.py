"""What becomes of a question when models fail: the next one, a wait, or an end."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.agents.providers.errors import complaint
from khronos.agents.think import Away, think
from khronos.exceptions import Permanent, Unauthorized
from khronos.guards.breakers import breaker
from khronos.http import pool
from khronos.resilience.breakers import State
from tests.integration.model_answers import QUESTION, keys_given
from tests.stopwatch import Stopwatch


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> Iterator[None]:
    with keys_given(settings):
        yield


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("400 Your credit balance is too low", "wants to be paid"),
        ("401 invalid x-api-key", "refuses our key"),
        ("402 Payment required", "wants to be paid"),
        ("403 no rights", "refuses our key"),
        ("404 model: gone", "does not know our model"),
        ("the key holds signs that no key has", "refuses our key"),
    ],
)
def test_operator_reads_what_to_mend(reason: str, words: str) -> None:
    assert complaint(Unauthorized(reason)) == words


@pytest.mark.usefixtures("bus", "db")
def test_question_that_gets_no_word_again_and_again_is_given_up(sim: Simulator, settings: Settings) -> None:
    settings.OPENAI_API_KEY = ""
    sim.models.fail("empty")
    for _ in range(3):
        with pytest.raises(Away, match="an empty answer"):
            think(QUESTION, token="turn:1")
    with pytest.raises(Permanent, match="it is the question"):
        think(QUESTION, token="turn:1")
    assert len(sim.models.calls()) == 4
    sim.models.heal()
    assert think(QUESTION, token="turn:2").text.startswith("You said")
    pool(sim.url).close()


@pytest.mark.usefixtures("bus", "transactional_db")
def test_hang_is_found_out_though_few_may_ask_at_once(sim: Simulator, settings: Settings) -> None:
    settings.PROVIDER_TOTAL_TIMEOUT_S = {"anthropic": 0.4, "openai": 5.0}
    settings.PROVIDER_CONCURRENCY = {"anthropic": 3, "openai": 20}
    sim.models.fail("hang", provider="anthropic")
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: think(QUESTION), range(12)))
    assert [answer.provider for answer in answers] == ["openai"] * 12
    assert len(sim.models.calls("anthropic")) == 3
    assert breaker("anthropic").snapshot().state is State.OPEN
    with Stopwatch() as watch:
        answer = think(QUESTION)
    assert answer.duration_ms < 1000 * (0.4 + watch.stood_s)
    assert len(sim.models.calls("anthropic")) == 3
    pool(sim.url).close()
