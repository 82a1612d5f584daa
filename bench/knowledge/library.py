"""`python -m bench.inside bench.knowledge.library NAME DOCUMENTS PIECES`: so much for an instance to read.

A piece is made of the words of real ones, and no two are alike.
"""

import random
import sys
from collections.abc import Sequence

from bench.knowledge.pairs import documents
from khronos.knowledge import intake
from khronos.knowledge.words import words_of
from khronos.models import Tenant

WORDS_A_PIECE = 58  # as many characters as a piece has at most


def main() -> None:
    name, count, pieces = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    tenant, words = Tenant.objects.get(slug="default"), words_of(" ".join(documents().values()))
    for number in range(count):
        raw = made(f"{name} {number}", words, pieces).encode()
        intake.ring(intake.add(tenant, f"{name}-{number}.md", raw, title=f"{name} {number}"))
    print("{}")


def made(title: str, words: Sequence[str], pieces: int) -> str:
    chance = random.Random(title)
    texts = (" ".join(chance.choices(words, k=WORDS_A_PIECE)) for _ in range(pieces))
    return "\n\n".join(f"# {title}, {number}\n\n{text}." for number, text in enumerate(texts))
