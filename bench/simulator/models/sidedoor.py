"""The smaller addresses: the list of models, the counting of tokens, and speech to text."""

from collections.abc import Mapping, Sequence

from aiohttp import web
from aiohttp.web_request import FileField

from bench.simulator.models.anthropic import read_prompt
from bench.simulator.models.dialect import Body, ModelError
from bench.simulator.models.prompt import Provider

TRANSCRIPTIONS = "/v1/audio/transcriptions"
COUNT_TOKENS = "/v1/messages/count_tokens"
MODELS = "/v1/models"


def asked_of(headers: Mapping[str, str]) -> Provider:
    """Both providers list their models at the same address; only Anthropic's clients send its version."""
    return "anthropic" if "anthropic-version" in headers else "openai"


def list_models(provider: Provider, known: Sequence[str]) -> Body:
    entries = [describe(provider, name) for name in known]
    if provider == "openai":
        return {"object": "list", "data": entries}
    return {"data": entries, "has_more": False, "first_id": known[0], "last_id": known[-1]}


def describe(provider: Provider, name: str) -> Body:
    if provider == "openai":
        return {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "system"}
    title = name.replace("-", " ").title()
    return {"type": "model", "id": name, "display_name": title, "created_at": "2026-01-01T00:00:00Z"}


def one_model(path: str, provider: Provider, known: Sequence[str]) -> Body:
    name = path.removeprefix(MODELS + "/")
    if name not in known:
        raise ModelError(404, f"model: {name}")
    return describe(provider, name)


def count_tokens(body: Body) -> Body:
    return {"input_tokens": read_prompt(body, 1).input_tokens}


async def read_recording(request: web.BaseRequest) -> tuple[str, bytes]:
    """The model and the recording of a transcription request."""
    form = await request.post()
    recording = form.get("file")
    if not isinstance(recording, FileField):
        raise ModelError(400, "[] is too short - 'file'")
    return str(form.get("model", "")), recording.file.read()
