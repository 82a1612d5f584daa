"""Words of a question that stand in no chunk: what is one slip of the finger away from them, and does."""

import string
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

from khronos.knowledge.words import stem
from khronos.models import Word

SHORTEST = 4  # letters: what is shorter is one slip away from too many others
LONGEST = 20


@dataclass(frozen=True, slots=True)
class Meant:
    word: str
    stem: str
    chunks: int  # in so many it stands


def known(tenant: int, stems: Iterable[str]) -> dict[str, int]:
    """Of those stems that the tenant's chunks have: in how many."""
    rows = Word.objects.filter(tenant=tenant, text__in=list(stems), chunks__gt=0)
    return dict(rows.values_list("text", "chunks"))


def meant(tenant: int, words: Iterable[str]) -> dict[str, Meant]:
    """For unknown words: the likeliest one that is a slip away, if there is any."""
    slips = {word: {stem(slip): slip for slip in slips_of(word)} for word in words if is_likely(word)}
    everything: set[str] = set().union(*slips.values())
    there = known(tenant, everything) if everything else {}
    best = {word: likeliest(word, there, near.keys()) for word, near in slips.items()}
    return {word: Meant(slips[word][each], each, there[each]) for word, each in best.items() if each}


def likeliest(word: str, there: Mapping[str, int], near: Set[str]) -> str:
    """The most frequent; of as frequent ones the one that begins alike, since few slips come early."""
    found = near & there.keys()
    return max(found, key=lambda each: (there[each], alike(word, each), each), default="")


def alike(one: str, other: str) -> int:
    """With how many letters both begin."""
    return sum(other.startswith(one[: at + 1]) for at in range(len(one)))


def is_likely(word: str) -> bool:
    return SHORTEST <= len(word) <= LONGEST and word.isascii() and word.isalpha()


def slips_of(word: str) -> Iterator[str]:
    """A letter too many, another one, one left out, or two that changed places."""
    for cut in range(len(word) + 1):
        left, right = word[:cut], word[cut:]
        yield from (left + letter + right for letter in string.ascii_lowercase)
        if right:
            yield left + right[1:]
            yield from (left + letter + right[1:] for letter in string.ascii_lowercase)
        if len(right) > 1:
            yield left + right[1] + right[0] + right[2:]
