"""What both official SDKs have in common: they are made by one generator and differ in names only.

Their typed methods check each parameter and each answer against hundreds of classes, which costs more than
the rest of the call. `post` is their documented way around that; key, headers and errors stay theirs.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any, ClassVar, Protocol

import httpx2
import orjson
from django.conf import settings

from khronos.agents.providers.answers import Said, asks_of, words_of
from khronos.agents.providers.base import Completion, Prompt
from khronos.agents.providers.errors import Wordless, failure_of
from khronos.agents.providers.transport import PooledTransport
from khronos.exceptions import Refused, Transient, Unauthorized


class Client(Protocol):
    def post(
        self, path: str, *, cast_to: type[httpx2.Response], body: object, options: Any = ...
    ) -> httpx2.Response: ...


class SdkProvider:
    """One call, one answer. Retries belong to the turn, not to the SDK."""

    name: ClassVar[str]
    path: ClassVar[str]
    limit_header: ClassVar[str]  # how many requests a minute we may make
    sdk: ClassVar[ModuleType]
    client: ClassVar[Callable[..., Client]]

    def __init__(self) -> None:
        total_timeout = settings.PROVIDER_TOTAL_TIMEOUT_S[self.name]
        transport = PooledTransport(settings.PROVIDER_CONNECT_TIMEOUT_S, total_timeout)
        self._client = type(self).client(
            api_key=usable(getattr(settings, f"{self.name.upper()}_API_KEY")),
            base_url=getattr(settings, f"{self.name.upper()}_BASE_URL"),
            max_retries=0,
            http_client=httpx2.Client(transport=transport, timeout=total_timeout),
        )

    def request(self, prompt: Prompt) -> dict[str, Any]:
        raise NotImplementedError

    def read(self, answer: dict[str, Any]) -> Said:
        raise NotImplementedError

    def complete(self, prompt: Prompt) -> Completion:
        body = self.request(prompt)
        started = time.monotonic()
        answer = self._post(body, prompt.patience_s)
        duration_ms = round((time.monotonic() - started) * 1000)
        content = decoded(answer.content)
        said = self.read(content)
        asks = asks_of(prompt, said.stop_reason, said.asks) if said.asks else ()
        completion = Completion(
            text=said.text,
            provider=self.name,
            model=str(content.get("model") or body["model"]),
            input_tokens=said.input_tokens,
            output_tokens=said.output_tokens,
            stop_reason=said.stop_reason,
            duration_ms=duration_ms,
            asks=asks,
            requests_per_minute=number(answer.headers.get(self.limit_header)),
            cached_read_tokens=said.cached_read_tokens,
            cached_write_tokens=said.cached_write_tokens,
        )
        try:
            return replace(completion, text=words_of(replace(said, asks=asks), prompt.language))
        except Wordless as error:
            error.answer = completion
            raise

    def _post(self, body: dict[str, Any], patience_s: float) -> httpx2.Response:
        options = {"timeout": patience_s} if patience_s else {}
        try:
            return self._client.post(self.path, cast_to=httpx2.Response, body=body, options=options)
        except self.sdk.APIStatusError as error:
            raise failure_of(error.status_code, error.body, error.response.headers) from None
        except self.sdk.APIConnectionError as error:
            if patience_s and isinstance(error.__cause__, httpx2.ReadTimeout):
                raise Refused(
                    f"no answer within {patience_s:g} s, which is all that we wait for this"
                ) from None
            if not isinstance(error.__cause__, httpx2.RequestError):
                raise  # the SDK calls any error a connection error, our own mistakes as well
            raise Transient(f"no answer: {error.__cause__}") from None


def number(header: str | None) -> int:
    return int(header) if header and header.isdecimal() and len(header) < 10 else 0


def usable(key: str) -> str:
    key = key.strip()
    if not (key.isascii() and key.isprintable()):
        raise Unauthorized("the key holds signs that no key has")
    return key


def decoded(content: bytes) -> dict[str, Any]:
    try:
        answer = orjson.loads(content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Transient("an answer that cannot be read")
    return answer
