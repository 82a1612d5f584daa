"""A hosted model, asked as OpenAI's embeddings are; many other servers speak the same (OPENAI_BASE_URL)."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings

from khronos.exceptions import Refused, Transient
from khronos.guards.breakers import guarded
from khronos.http.vendors import Vendor, as_json, bearer, understood
from khronos.models import Usage
from khronos.usage.charging import note
from khronos.usage.prices import Tokens, micros

if TYPE_CHECKING:
    from khronos.knowledge.embedding.base import Vectors

NAME = "embedder"  # of its breaker
KIND = Usage.Kind.EMBEDDING


class HostedEmbedder:
    """One call, one answer. Retries belong to the document."""

    provider = "openai"
    path = "/embeddings"

    def __init__(self) -> None:
        self.name = f"{self.provider}:{settings.EMBEDDINGS_MODEL}"[:100]

    def vendor(self) -> Vendor:
        return Vendor(settings.OPENAI_BASE_URL, bearer(settings.OPENAI_API_KEY or "none"))

    def request(self, texts: Sequence[str]) -> dict[str, Any]:
        return {"model": settings.EMBEDDINGS_MODEL, "input": list(texts), "encoding_format": "float"}

    def rows(self, answer: Mapping[str, Any]) -> list[list[float]]:
        """In the order of the texts."""
        return [row["embedding"] for row in sorted(answer["data"], key=lambda row: int(row["index"]))]

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
        answer = understood(self.vendor().post(self.path, as_json(self.request(texts)), patience_s))
        vectors = self._vectors(answer, len(texts))
        note(self.provider, settings.EMBEDDINGS_MODEL, Tokens(into=tokens_in(answer, texts)), "ok", KIND)
        return vectors

    def _vectors(self, answer: Mapping[str, Any], count: int) -> "Vectors":
        try:
            vectors = np.array(self.rows(answer), np.float32)
        except (ValueError, KeyError, TypeError):
            raise Transient("an answer that cannot be read") from None
        if vectors.ndim != 2 or len(vectors) != count or vectors.shape[1] % 64:
            raise Transient(f"vectors of a strange shape: {vectors.shape}")
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return vectors


def tokens_in(answer: Mapping[str, Any], texts: Sequence[str]) -> int:
    """As the answer says; of one that does not, by the size of what was asked."""
    usage = answer.get("usage")
    told = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return told if isinstance(told, int) else sum(len(text) // 4 + 1 for text in texts)
