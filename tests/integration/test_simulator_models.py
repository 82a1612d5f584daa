"""The providers' own libraries take the fake models for real ones, in sickness and in health."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from bench.simulator import Simulator
from bench.simulator.client import BotClient
from bench.simulator.models import Answer, Prompt, Usage
from bench.simulator.models.script import Answerer

CLAUDE, GPT = "claude-sonnet-5-5", "gpt-5"
QUESTION = "What is the price? [c01-m01]"
ECHO = f"You said: {QUESTION}"
TOOL: Any = {"name": "price", "description": "…", "input_schema": {"type": "object", "properties": {}}}


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator.start() as simulator:
        yield simulator


@pytest.fixture
def world(running: Simulator) -> Simulator:
    running.models.reset()
    running.models.require_keys([])
    running.models.limit("anthropic", per_minute=4000, enforced=False)
    return running


@pytest.fixture
def claude(world: Simulator) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=world.anthropic_url, api_key="key", max_retries=0) as client:
        yield client


@pytest.fixture
def gpt(world: Simulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=world.openai_url, api_key="key", max_retries=0) as client:
        yield client


def ask(client: anthropic.Anthropic, question: Any = QUESTION, **more: Any) -> anthropic.types.Message:
    messages: Any = question if isinstance(question, list) else [{"role": "user", "content": question}]
    answer: anthropic.types.Message = client.messages.create(
        model=CLAUDE, max_tokens=500, messages=messages, **more
    )
    return answer


def said(message: anthropic.types.Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def test_the_question_is_quoted_in_full(world: Simulator, claude: anthropic.Anthropic) -> None:
    answer = ask(claude, system="Be kind.")
    assert said(answer) == ECHO
    assert (answer.stop_reason, answer.model) == ("end_turn", CLAUDE)
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0
    (call,) = world.models.calls()
    assert (call.question, call.outcome, call.answer, call.system_length) == (QUESTION, "ok", ECHO, 8)


def test_all_that_was_said_since_the_last_answer_is_the_question(claude: anthropic.Anthropic) -> None:
    answer = ask(
        claude,
        [
            {"role": "user", "content": "old [c01-m01]"},
            {"role": "assistant", "content": "answered"},
            {"role": "user", "content": "new [c01-m02]"},
            {
                "role": "user",
                "content": [{"type": "text", "text": "newer"}, {"type": "text", "text": "last"}],
            },
        ],
    )
    assert said(answer) == "You said: new [c01-m02]\nnewer\nlast"


def test_claude_streams(claude: anthropic.Anthropic) -> None:
    question: Any = [{"role": "user", "content": QUESTION}]
    with claude.messages.stream(model=CLAUDE, max_tokens=500, messages=question) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    assert "".join(pieces) == ECHO
    assert len(pieces) > 1
    assert final.usage.output_tokens > 1


@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_is_asked_for_and_its_word_is_quoted(
    world: Simulator, claude: anthropic.Anthropic, streamed: bool
) -> None:
    world.models.use_tool("price", {"article": "tea"})
    question: Any = [{"role": "user", "content": QUESTION}]
    if streamed:
        with claude.messages.stream(model=CLAUDE, max_tokens=500, messages=question, tools=[TOOL]) as stream:
            first: anthropic.types.Message = stream.get_final_message()
    else:
        first = ask(claude, tools=[TOOL])
    (call,) = [block for block in first.content if block.type == "tool_use"]
    assert (first.stop_reason, call.name, call.input) == ("tool_use", "price", {"article": "tea"})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "9 euros"}
    turns = [
        *question,
        {"role": "assistant", "content": [block.model_dump() for block in first.content]},
        {"role": "user", "content": [result]},
    ]
    assert said(ask(claude, turns, tools=[TOOL])) == f"{ECHO}\nThe tool said: 9 euros"


def test_a_tool_that_is_not_offered_is_not_asked_for(world: Simulator, claude: anthropic.Anthropic) -> None:
    world.models.use_tool("price")
    assert ask(claude).stop_reason == "end_turn"


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], "at least one message"),
        ([{"role": "assistant", "content": "x"}], 'must use the "user" role'),
        ([{"role": "user", "content": " "}], "text content blocks must be non-empty"),
        ([{"role": "user", "content": []}], "must have non-empty content"),
        (
            [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "x"}]}],
            "unexpected `tool_use_id`",
        ),
    ],
)
def test_a_request_that_the_real_one_refuses_is_refused(
    claude: anthropic.Anthropic, messages: list[Any], words: str
) -> None:
    with pytest.raises(anthropic.BadRequestError, match=words):
        claude.messages.create(model=CLAUDE, max_tokens=5, messages=messages)


def test_keys_and_models_are_checked(world: Simulator, claude: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError):
        claude.messages.create(model="claude-2", max_tokens=5, messages=[{"role": "user", "content": "x"}])
    world.models.require_keys(["another"])
    with pytest.raises(anthropic.AuthenticationError):
        ask(claude)
    assert [call.outcome[:3] for call in world.models.calls()] == ["404", "401"]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, anthropic.BadRequestError),
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
        (529, anthropic.InternalServerError),
    ],
)
def test_an_ordered_status_ends_with_its_count(
    world: Simulator, claude: anthropic.Anthropic, status: int, error: type[anthropic.APIStatusError]
) -> None:
    world.models.fail(status=status, retry_after=3, count=1)
    with pytest.raises(error) as refusal:
        ask(claude)
    assert refusal.value.status_code == status
    assert refusal.value.response.headers["retry-after"] == "3"
    assert said(ask(claude)) == ECHO
    assert [call.outcome for call in world.models.calls()] == [f"fault:{status}", "ok"]


def test_an_outage_of_one_provider_leaves_the_other(
    world: Simulator, claude: anthropic.Anthropic, gpt: openai.OpenAI
) -> None:
    world.models.fail(status=529, provider="anthropic", for_seconds=60)
    with pytest.raises(anthropic.InternalServerError):
        ask(claude)
    messages: Any = [{"role": "user", "content": QUESTION}]
    completion = gpt.chat.completions.create(model=GPT, messages=messages)
    assert completion.choices[0].message.content == ECHO
    world.heal()
    assert said(ask(claude)) == ECHO


@pytest.mark.parametrize("kind", ["reset", "lost", "cut"])
def test_a_cut_connection_is_an_error(world: Simulator, claude: anthropic.Anthropic, kind: Any) -> None:
    world.models.fail(kind, count=1)
    with pytest.raises(anthropic.APIConnectionError):
        ask(claude)


@pytest.mark.parametrize("kind", ["cut", "stream_error"])
def test_a_stream_may_end_in_the_middle(world: Simulator, claude: anthropic.Anthropic, kind: Any) -> None:
    world.models.fail(kind, count=1)
    question: Any = [{"role": "user", "content": QUESTION}]
    pieces: list[str] = []
    with (
        pytest.raises(Exception, match=r"(?i)overloaded|closed|connection|reset|incomplete|read"),
        claude.messages.stream(model=CLAUDE, max_tokens=500, messages=question) as stream,
    ):
        pieces.extend(stream.text_stream)
    assert 0 < len("".join(pieces)) < len(ECHO)


def test_who_hangs_up_is_noted(world: Simulator, claude: anthropic.Anthropic) -> None:
    world.models.fail("hang", count=1)
    with pytest.raises(anthropic.APITimeoutError):
        claude.with_options(timeout=0.5).messages.create(
            model=CLAUDE, max_tokens=5, messages=[{"role": "user", "content": "x"}]
        )
    assert world.wait_until(lambda: len(world.models.calls()) == 1)
    assert world.models.calls()[0].outcome == "fault:hang"
    assert world.models.loads["anthropic"].now == 0


@pytest.mark.parametrize(
    ("kind", "stop", "text"),
    [
        ("empty", "end_turn", ""),
        ("refusal", "refusal", ""),
        ("max_tokens", "max_tokens", ECHO[: len(ECHO) // 2]),
    ],
)
def test_an_answer_may_be_spoiled(
    world: Simulator, claude: anthropic.Anthropic, kind: Any, stop: str, text: str
) -> None:
    world.models.fail(kind, count=1)
    answer = ask(claude)
    assert (answer.stop_reason, said(answer)) == (stop, text)


def test_ordered_answers_come_before_the_answer_function(
    world: Simulator, claude: anthropic.Anthropic
) -> None:
    def count(prompt: Prompt) -> Answer | str:
        return f"{len(prompt.turns)} turn"

    answerer: Answerer = count
    world.models.answer_with(answerer)
    world.models.reply("once", when="price")
    assert [said(ask(claude)) for _ in range(2)] == ["once", "1 turn"]


def test_the_bill_may_be_written_by_hand(
    world: Simulator, claude: anthropic.Anthropic, gpt: openai.OpenAI
) -> None:
    world.models.reply(Answer("x", usage=Usage(10, 20, cache_read=300, cache_write=4)), times=2)
    usage = ask(claude).usage
    assert (usage.input_tokens, usage.output_tokens) == (10, 20)
    assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (300, 4)
    messages: Any = [{"role": "user", "content": "x"}]
    bill = gpt.chat.completions.create(model=GPT, messages=messages).usage
    assert bill is not None
    assert (bill.prompt_tokens, bill.total_tokens) == (310, 330)


def test_the_rate_limit_is_told_and_enforced(world: Simulator, claude: anthropic.Anthropic) -> None:
    world.models.limit("anthropic", per_minute=1)
    raw = claude.messages.with_raw_response.create(
        model=CLAUDE, max_tokens=5, messages=[{"role": "user", "content": "x"}]
    )
    assert raw.headers["anthropic-ratelimit-requests-limit"] == "1"
    assert raw.headers["anthropic-ratelimit-requests-remaining"] == "0"
    with pytest.raises(anthropic.RateLimitError) as refusal:
        ask(claude)
    assert 1 <= int(refusal.value.response.headers["retry-after"]) <= 60


def test_concurrency_is_seen(world: Simulator, claude: anthropic.Anthropic) -> None:
    world.models.think(0.3)
    threads = [threading.Thread(target=ask, args=(claude,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.models.loads["anthropic"].most == 3
    assert sorted(call.concurrency for call in world.models.calls()) == [1, 2, 3]


def test_gpt_streams_and_calls_tools(world: Simulator, gpt: openai.OpenAI) -> None:
    messages: Any = [{"role": "system", "content": "s"}, {"role": "user", "content": QUESTION}]
    chunks = list(
        gpt.chat.completions.create(
            model=GPT, messages=messages, stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == ECHO
    assert chunks[-1].usage is not None
    world.models.use_tool("price", {"article": "tea"})
    tool: Any = {"type": "function", "function": {"name": "price", "parameters": {"type": "object"}}}
    choice = gpt.chat.completions.create(model=GPT, messages=messages, tools=[tool]).choices[0]
    (call,) = choice.message.tool_calls or []
    assert call.type == "function"
    assert (choice.finish_reason, json.loads(call.function.arguments)) == ("tool_calls", {"article": "tea"})
    messages += [choice.message, {"role": "tool", "tool_call_id": call.id, "content": "9 euros"}]
    last = gpt.chat.completions.create(model=GPT, messages=messages, tools=[tool]).choices[0]
    assert last.message.content == f"{ECHO}\nThe tool said: 9 euros"


def test_gpt_errors_are_its_own(world: Simulator, gpt: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "x"}]
    for status, error in ((429, openai.RateLimitError), (503, openai.InternalServerError)):
        world.models.fail(status=status, provider="openai", count=1)
        with pytest.raises(error):
            gpt.chat.completions.create(model=GPT, messages=messages)
    world.models.require_keys(["another"])
    with pytest.raises(openai.AuthenticationError, match="Incorrect API key"):
        gpt.chat.completions.create(model=GPT, messages=messages)


def test_responses_answer_too(world: Simulator, gpt: openai.OpenAI) -> None:
    answer = gpt.responses.create(model=GPT, input=QUESTION, instructions="s")
    assert answer.output_text == ECHO
    assert answer.usage is not None
    with gpt.responses.stream(model=GPT, input=QUESTION) as stream:
        kinds = [event.type for event in stream]
        assert stream.get_final_response().output_text == ECHO
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")


def test_models_are_listed_tokens_counted_and_speech_written_down(
    claude: anthropic.Anthropic, gpt: openai.OpenAI
) -> None:
    assert CLAUDE in [model.id for model in claude.models.list()]
    assert GPT in [model.id for model in gpt.models.list()]
    question: Any = [{"role": "user", "content": QUESTION}]
    assert claude.messages.count_tokens(model=CLAUDE, messages=question).input_tokens > 5
    written = gpt.audio.transcriptions.create(model="whisper-1", file=("v.oga", b"spoken words"))
    assert written.text == "spoken words"


def test_an_unknown_address_is_not_found(world: Simulator) -> None:
    client = BotClient(world.url, world.telegram.token)
    assert client.send("/v1/nothing", b"{}")[0] == 401
    assert client.send("/nothing", b"{}")[0] == 404
