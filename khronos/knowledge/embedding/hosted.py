"""A hosted model, asked as OpenAI's embeddings are; many other servers speak the same (OPENAI_BASE_URL)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import httpx2
import numpy as np
import openai
import orjson
from django.conf import settings

from khronos.exceptions import Failure, Permanent, Refused, Throttled, Transient, Unauthorized
from khronos.guards.breakers import guarded
from khronos.models import Usage
from khronos.usage.charging import note
from khronos.usage.prices import Tokens, micros

if TYPE_CHECKING:
    from khronos.knowledge.embedding.base import Vectors

NAME = "embedder"  # of its breaker
PROVIDER, KIND = "openai", Usage.Kind.EMBEDDING
OPERATORS = {401, 402, 403, 404}  # nothing but an operator mends these
PASSING = {408, 409, 425}


class HostedEmbedder:
    """One call, one answer. Retries belong to the document, not to the SDK."""

    def __init__(self) -> None:
        self.name = f"openai:{settings.EMBEDDINGS_MODEL}"[:100]
        self._client = openai.OpenAI(
            api_key=settings.OPENAI_API_KEY or "none", base_url=settings.OPENAI_BASE_URL, max_retries=0
        )

    def cost_of(self, texts: Sequence[str]) -> int:
        """No text has more tokens than bytes; most have a quarter of that, and the rest is given back."""
        return max(
            1, micros(settings.EMBEDDINGS_MODEL, Tokens(into=sum(len(text.encode()) for text in texts)))
        )

    def embed(self, texts: Sequence[str], *, patience_s: float, in_haste: bool = False) -> "Vectors":
        try:
            with guarded(NAME):
                return self._ask(texts, patience_s)
        except Refused as refusal:
            raise Refused(f"{NAME}: {refusal}", refusal.retry_after) from None

    def _ask(self, texts: Sequence[str], patience_s: float) -> "Vectors":
        body = {"model": settings.EMBEDDINGS_MODEL, "input": list(texts), "encoding_format": "float"}
        client = self._client.with_options(timeout=patience_s)
        try:
            answer = client.post("/embeddings", cast_to=httpx2.Response, body=body)
        except openai.APIStatusError as error:
            raise failure_of(error) from None
        except openai.APIConnectionError as error:
            raise Transient(f"no answer: {error.__cause__}") from None
        vectors = vectors_in(answer.content, len(texts))
        note(PROVIDER, settings.EMBEDDINGS_MODEL, Tokens(into=tokens_in(answer.content, texts)), "ok", KIND)
        return vectors


def vectors_in(content: bytes, count: int) -> "Vectors":
    try:
        rows = sorted(orjson.loads(content)["data"], key=lambda row: int(row["index"]))
        vectors = np.array([row["embedding"] for row in rows], np.float32)
    except (ValueError, KeyError, TypeError):
        raise Transient("an answer that cannot be read") from None
    if vectors.ndim != 2 or len(vectors) != count or vectors.shape[1] % 64:
        raise Transient(f"vectors of a strange shape: {vectors.shape}")
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return vectors


def tokens_in(content: bytes, texts: Sequence[str]) -> int:
    """As the answer says; of one that does not, by the size of what was asked."""
    usage = orjson.loads(content).get("usage")
    told = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return told if isinstance(told, int) else sum(len(text) // 4 + 1 for text in texts)


def failure_of(error: openai.APIStatusError) -> Failure:
    reason = f"{error.status_code} {error.message}"[:300]
    wait = error.response.headers.get("retry-after", "")
    wait_s = float(wait) if wait.isdecimal() else None
    if error.status_code in OPERATORS:
        return Unauthorized(reason)
    if error.status_code == 429:
        return Throttled(reason, wait_s)
    if error.status_code >= 500 or error.status_code in PASSING:
        return Transient(reason, wait_s)
    return Permanent(reason)
