"""Models behind an address: a prompt as JSON, an answer as JSON, within one deadline (docs/models.md)."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from django.conf import settings

from khronos.agents.providers.answers import Said, asks_of, words_of
from khronos.agents.providers.base import Completion, Prompt
from khronos.agents.providers.errors import Wordless
from khronos.exceptions import Refused
from khronos.http.inlet import Reply
from khronos.http.vendors import NoAnswer, Vendor, as_json, understood, usable


class HostedProvider:
    """One call, one answer. Retries belong to the turn."""

    name: ClassVar[str]
    path: ClassVar[str]
    base_url: ClassVar[str] = ""  # where NAME_BASE_URL says nothing
    limit_header: ClassVar[str] = ""  # how many requests a minute we may make
    models_path: ClassVar[str] = ""  # of the models' list; empty: nobody looks whether the model is there

    def __init__(self) -> None:
        key = usable(getattr(settings, f"{self.name.upper()}_API_KEY"))
        base_url = getattr(settings, f"{self.name.upper()}_BASE_URL") or self.base_url
        self._vendor = Vendor(base_url, self.signed(key))
        self._timeout_s: float = settings.PROVIDER_TOTAL_TIMEOUT_S[self.name]

    @staticmethod
    def signed(key: str) -> dict[str, str]:
        """The headers that show our key."""
        raise NotImplementedError

    def request(self, prompt: Prompt) -> dict[str, Any]:
        raise NotImplementedError

    def read(self, answer: dict[str, Any]) -> Said:
        raise NotImplementedError

    def complete(self, prompt: Prompt) -> Completion:
        body = self.request(prompt)
        started = time.monotonic()
        reply = self._post(body, prompt.patience_s)
        duration_ms = round((time.monotonic() - started) * 1000)
        content = understood(reply)
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
            requests_per_minute=number(reply.header(self.limit_header)),
            cached_read_tokens=said.cached_read_tokens,
            cached_write_tokens=said.cached_write_tokens,
        )
        try:
            return replace(completion, text=words_of(replace(said, asks=asks), prompt.language))
        except Wordless as error:
            error.answer = completion
            raise

    def _post(self, body: Mapping[str, Any], patience_s: float) -> Reply:
        timeout_s = min(patience_s or self._timeout_s, self._timeout_s)
        try:
            return self._vendor.post(self.path, as_json(body), timeout_s)
        except NoAnswer as error:
            if not (patience_s and error.timed_out):
                raise
            raise Refused(f"no answer within {patience_s:g} s, which is all that we wait for this") from None


def number(header: str | None) -> int:
    return int(header) if header and header.isdecimal() and len(header) < 10 else 0
