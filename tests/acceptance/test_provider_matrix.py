"""Every way in which a model may fail, as people, the operator and the provider see it (docs/models.md).

A row of `OUTAGES` is a fault. With Anthropic alone its questions wait, their people are told once, and all is
answered in order when it ends; with OpenAI behind it nobody notices.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from bench.patience import until
from bench.simulator import Simulator
from bench.simulator.models.prompt import Answer
from tests.acceptance.conftest import rows
from tests.acceptance.provider_scene import PEOPLE, REST_S, Scene, open_scene
from tests.acceptance.stage import clean, exact, figures
from tests.stopwatch import Stopwatch

WAIT = "Não consigo pensar agora, mas sua mensagem está segura. Respondo assim que puder."
SOON_S = 15.0  # patience, no promise
SORRY = "Desculpe, não consegui responder a isto. Uma pessoa já foi avisada."
REFUSED = "Desculpe, não posso ajudar com isso. Posso ajudar com outra coisa?"

type Order = Callable[[Simulator], object]


def failing(kind: Any = "status", **order: Any) -> Order:
    return lambda anthropic: anthropic.models.fail(kind, **order)


def failing_in_turns(*statuses: int) -> Order:
    """Each twice, the last one from then on."""

    def order(anthropic: Simulator) -> None:
        for status in statuses[:-1]:
            anthropic.models.fail(status=status, count=2)
        anthropic.models.fail(status=statuses[-1])

    return order


@dataclass(frozen=True)
class Outage:
    name: str
    order: Order
    reason: str  # what the operator reads beside a turn that waits
    opens: bool = True  # the breaker. A 429 is the limiter's: a wait of seconds is not told to everybody
    rest_s: float = REST_S  # so long nobody asks, once all know
    back_s: float = 8.0  # from the end of the fault to the last answer


NOT_READ = "an answer that cannot be read"
OUTAGES = [
    Outage("refused connections", Simulator.go_down, "no answer: ConnectionRefusedError"),
    Outage("cut connections", failing("reset"), "no answer: ConnectionResetError"),
    Outage("hang", failing("hang"), "no answer: TimeoutError"),
    Outage("a byte now and then, for ever", failing("drip"), "no answer: TimeoutError"),
    Outage("cut in the middle", failing("cut"), "no answer: "),
    Outage("500, 502, 503", failing_in_turns(500, 502, 503), "50"),
    Outage("529", failing(status=529), "529 Overloaded"),
    Outage("garbage", failing("garbled"), NOT_READ),
    Outage("somebody else's page", failing("page"), NOT_READ),
    Outage("empty answers", failing("empty"), "an empty answer"),
    Outage("429", failing(status=429), "429 Number of requests", opens=False, back_s=16.0),
    Outage(
        "429 with retry-after",
        failing(status=429, retry_after=3),
        "429 Number of requests",
        opens=False,
        rest_s=3.0,
        back_s=16.0,
    ),
]


# What only an operator can mend.
REFUSALS = [
    (401, "anthropic refuses our key: 401 invalid x-api-key"),
    (403, "anthropic refuses our key: 403 no rights"),
    (404, "anthropic does not know our model: 404 model: gone"),
]

ANSWER = "Our shop opens at nine, and closes at six."
HALF = ANSWER[: len(ANSWER) // 2]


@dataclass(frozen=True)
class Oddity:
    name: str
    order: Order
    alone: str  # what the person reads
    backed: str
    state: str = "answered"


def nothing_but_thoughts(anthropic: Simulator) -> None:
    anthropic.models.reply(Answer(stop="max_tokens"), times=None)


ODDITIES = [
    Oddity("refusal", failing("refusal"), REFUSED, REFUSED),
    Oddity("tokens that run out in the middle", failing("max_tokens"), HALF, HALF),
    Oddity("tokens that run out before the first word", nothing_but_thoughts, SORRY, ANSWER, "buried"),
    Oddity("a question that it finds wrong", failing(status=400), SORRY, ANSWER, "buried"),
]


@pytest.fixture(scope="module")
def anthropic() -> Iterator[Simulator]:
    with Simulator.start() as simulator:
        yield simulator


@pytest.fixture
def alone(anthropic: Simulator) -> Scene:
    return open_scene(anthropic)


@pytest.fixture
def backed(anthropic: Simulator) -> Scene:
    """OpenAI stands behind Anthropic."""
    return open_scene(anthropic, OPENAI_API_KEY="sk-simulated")


# Anthropic alone


@pytest.mark.parametrize(
    "outage",
    rows(OUTAGES, "refused connections", "hang", "529", "somebody else's page", "429 with retry-after"),
)
def test_alone_it_parks_tells_once_and_answers_all_in_order(alone: Scene, outage: Outage) -> None:
    outage.order(alone.anthropic)
    alone.everybody_says(1)
    assert alone.comes_to("state = 'parked'", PEOPLE)
    assert (alone.breaker() != "closed") == outage.opens
    assert not outage.opens or until(lambda: alone.shown() == [[WAIT]] * PEOPLE, SOON_S)
    alone.everybody_says(2)
    assert alone.comes_to("state = 'waiting'", PEOPLE)
    assert alone.turns(f"state = 'parked' AND reason LIKE 'anthropic: %{outage.reason}%'") > 0
    assert alone.turns("provider != ''") == 0
    assert alone.is_left_alone(outage.rest_s)
    with Stopwatch() as watch:
        alone.mend()
        alone.newcomer_says()
        assert figures(alone.stage.finish(30)) == exact(2 * PEOPLE + 1)
    assert watch.took_s < outage.back_s
    told = [answers.count(WAIT) for answers in alone.shown()]
    assert set(told) == {1} or (not outage.opens and set(told) == {0, 1})
    assert [len(answers) for answers in alone.shown()] == [2 + times for times in told]
    assert alone.outcomes().count("ok") == alone.turns("state = 'answered'") == 2 * PEOPLE + 1
    assert until(lambda: alone.breaker() == "closed", SOON_S)
    assert alone.stage.troubles() == clean()


@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.name)
def test_odd_answers_alone(alone: Scene, oddity: Oddity) -> None:
    oddity.order(alone.anthropic)
    alone.anthropic.models.reply(ANSWER, times=None)
    alone.everybody_says(1)
    assert until(lambda: alone.shown() == [[oddity.alone]] * PEOPLE, 15)
    assert alone.turns(f"state = '{oddity.state}'") == len(alone.outcomes()) == PEOPLE
    assert alone.breaker() == "closed"


def test_what_an_operator_must_mend_parks_alerts_and_is_answered_after_the_next_start(alone: Scene) -> None:
    for number, (status, text) in enumerate(REFUSALS):
        order = alone.anthropic.models.fail(status=status, description=text.partition(f"{status} ")[2])
        chats = alone.chats[2 * number : 2 * number + 2]
        for chat in chats:
            alone.stage.say(chat, 1)
        assert alone.comes_to("state = 'parked'", 2 * number + 2)
        assert order.hits == 2
        assert alone.alerts() == [text]
        alone.mend()
    assert until(lambda: alone.shown() == [[WAIT]] * PEOPLE, SOON_S)
    assert alone.breaker() == "closed"
    alone.newcomer_says()
    assert alone.comes_to("state = 'answered'", 1)
    assert alone.alerts() == []
    assert alone.turns("state = 'parked'") == PEOPLE
    assert len(alone.outcomes()) == PEOPLE + 1
    alone.stage.khronos.restart()
    with Stopwatch() as watch:
        assert figures(alone.stage.finish(30)) == exact(PEOPLE + 1)
    assert watch.took_s < 6.0
    assert len(alone.outcomes()) == 2 * PEOPLE + 1
    assert [(answers[0], len(answers)) for answers in alone.shown()] == [(WAIT, 2)] * PEOPLE


# OpenAI behind it


@pytest.mark.parametrize("outage", rows(OUTAGES, "hang", "somebody else's page", "429 with retry-after"))
def test_with_openai_behind_it_nobody_notices(backed: Scene, outage: Outage) -> None:
    outage.order(backed.anthropic)
    for number in (1, 2):
        backed.everybody_says(number)
        assert backed.comes_to("state = 'answered'", number * PEOPLE)
        assert (backed.breaker() != "closed") == outage.opens
    assert backed.is_left_alone(outage.rest_s)
    assert figures(backed.stage.finish()) == exact(2 * PEOPLE)
    assert backed.asked_openai() == backed.turns("provider = 'openai'") == 2 * PEOPLE
    assert backed.turns("apologised") == 0
    assert backed.stage.troubles() == clean()


@pytest.mark.parametrize("outage", [OUTAGES[2], OUTAGES[-1]], ids=lambda outage: outage.name)
def test_when_the_first_is_back_it_answers_again(backed: Scene, outage: Outage) -> None:
    outage.order(backed.anthropic)
    backed.everybody_says(1)
    assert figures(backed.stage.finish()) == exact(PEOPLE)
    backed.mend()
    time.sleep(outage.rest_s)
    backed.newcomer_says()
    assert figures(backed.stage.finish()) == exact(PEOPLE + 1)
    assert (backed.turns("provider = 'anthropic'"), backed.asked_openai()) == (1, PEOPLE)
    assert backed.outcomes().count("ok") == 1
    assert until(lambda: backed.breaker() == "closed", SOON_S)


def test_when_both_are_away_it_is_as_with_one(backed: Scene) -> None:
    backed.anthropic.models.fail("hang")
    backed.stage.world.models.fail(status=503)
    backed.everybody_says(1)
    assert backed.comes_to("state = 'parked'", PEOPLE)
    assert until(lambda: backed.shown() == [[WAIT]] * PEOPLE, SOON_S)
    assert (backed.breaker("anthropic"), backed.breaker("openai")) == ("open", "open")
    assert backed.asked_openai() <= PEOPLE
    with Stopwatch() as watch:
        backed.mend()
        backed.newcomer_says()
        assert figures(backed.stage.finish(30)) == exact(PEOPLE + 1)
    assert watch.took_s < 6.0
    assert [(answers[0], len(answers)) for answers in backed.shown()] == [(WAIT, 2)] * PEOPLE
    assert backed.stage.troubles() == clean()


@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.name)
def test_odd_answers_with_openai_behind(backed: Scene, oddity: Oddity) -> None:
    oddity.order(backed.anthropic)
    backed.anthropic.models.reply(ANSWER, times=None)
    backed.stage.world.models.reply(ANSWER, times=None)
    backed.everybody_says(1)
    assert until(lambda: backed.shown() == [[oddity.backed]] * PEOPLE, 15)
    assert backed.turns("state = 'answered'") == len(backed.outcomes()) == PEOPLE
    assert backed.asked_openai() == (0 if oddity.alone == oddity.backed else PEOPLE)
    assert backed.breaker() == "closed"


@pytest.mark.parametrize(("status", "text"), REFUSALS, ids=str)
def test_with_openai_behind_it_only_the_operator_hears_of_it(backed: Scene, status: int, text: str) -> None:
    backed.anthropic.models.fail(status=status, description=text.partition(f"{status} ")[2])
    backed.everybody_says(1)
    assert figures(backed.stage.finish(20)) == exact(PEOPLE)
    assert backed.alerts() == [text]
    assert (backed.breaker(), backed.turns("provider = 'openai'")) == ("closed", PEOPLE)
    assert len(backed.outcomes()) == PEOPLE
    backed.mend()
    backed.newcomer_says()
    assert figures(backed.stage.finish(20)) == exact(PEOPLE + 1)
    assert (backed.alerts(), backed.turns("provider = 'anthropic'")) == ([], 1)
    assert backed.stage.troubles() == clean()
