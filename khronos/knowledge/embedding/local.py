"""The model of our own: asked in its process, where there is one for all, else loaded into this one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import orjson
from django.conf import settings

from khronos.exceptions import Permanent, Transient
from khronos.http import Unanswered, Unsent, pool
from khronos.knowledge.embedding import model

if TYPE_CHECKING:
    from khronos.knowledge.embedding.base import Vectors

CONNECT_S = 0.5


class LocalEmbedder:
    name = model.NAME

    def cost_of(self, texts: Sequence[str]) -> None:
        """It is ours."""

    def embed(self, texts: Sequence[str], *, patience_s: float, in_haste: bool = False) -> "Vectors":
        if not settings.EMBEDDER_URL:
            return model.embed(texts)
        import numpy as np  # noqa: PLC0415 (20 MB, for whoever embeds alone)

        answer = ask(orjson.dumps(list(texts)), patience_s, in_haste)
        return np.frombuffer(answer, np.float32).reshape(len(texts), -1)


def ask(body: bytes, patience_s: float, in_haste: bool) -> bytes:
    headers = [(model.HASTE, "1")] if in_haste else []
    try:
        reply = pool(settings.EMBEDDER_URL).request(
            "POST", "/embed", headers, body, connect_timeout=CONNECT_S, timeout=patience_s
        )
    except (Unsent, Unanswered) as error:
        raise Transient(f"the embedder is away: {error}") from None
    if reply.status >= 500:
        raise Transient(f"the embedder answers {reply.status}")
    if reply.status != 200:
        raise Permanent(f"the embedder answers {reply.status}")
    return reply.body
