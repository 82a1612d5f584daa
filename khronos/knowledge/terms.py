"""The words of a question: which are looked for, as they were meant, and how much each of them weighs."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from khronos.knowledge import typos
from khronos.knowledge.typos import Meant
from khronos.knowledge.words import WORD, folded, stem, words_of

POSTINGS_MAX = 4000  # chunks that the index ranks: words that stand everywhere tell little and cost much
MENDED_FROM = 5  # letters: short words of any language are a slip away from others
SATURATION = 0.4  # a word that stands there often is no better than one that stands there twice


@dataclass(frozen=True, slots=True)
class Terms:
    counts: Mapping[str, int]  # in how many chunks each stem stands
    slips: Mapping[str, Meant]  # misspelt words

    def of(self, text: str) -> dict[str, float]:
        """Its stems and what was meant by them, with their weights: a rare word tells more."""
        words = words_of(text)
        stems = {stem(word) for word in words} | {
            self.slips[each].stem for each in words if each in self.slips
        }
        return {each: weight(self.counts[each]) for each in stems}

    def mended(self, text: str) -> str:
        """As it was meant: what a misspelt word means no model knows."""

        def meant(found: re.Match[str]) -> str:
            slip = self.slips.get(folded(found[0]))
            return slip.word if slip and len(slip.word) >= MENDED_FROM else found[0]

        return WORD.sub(meant, text)

    def telling(self) -> dict[str, float]:
        """The rarest that stand anywhere; the others weigh in the judgement alone."""
        some: dict[str, float] = {}
        total = 0
        for each, count in sorted(self.counts.items(), key=lambda pair: pair[1]):
            total += count
            if count and (not some or total <= POSTINGS_MAX):
                some[each] = weight(count)
        return some


def terms_of(tenant: int, text: str) -> Terms:
    words = {stem(word): word for word in words_of(text)}
    there = typos.known(tenant, words)
    slips = typos.meant(tenant, [word for each, word in words.items() if each not in there])
    counts = dict.fromkeys(words, 0) | there | {each.stem: each.chunks for each in slips.values()}
    return Terms(counts, slips)


def weight(count: int) -> float:
    return 1.0 / math.log(2.0 + count)


def share(words: Sequence[str], terms: Mapping[str, float]) -> float:
    """Of the weight of all that is looked for, how much stands here."""
    if not terms:
        return 0.0
    times = Counter(words)
    held = sum(weight * times[each] / (times[each] + SATURATION) for each, weight in terms.items())
    return held * (1 + SATURATION) / sum(terms.values())
