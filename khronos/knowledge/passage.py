"""A piece of a document that was found, and how well it answers what was asked (docs/knowledge.md)."""

import math
from dataclasses import dataclass

WORDS_WEIGH = 0.4  # of a whole match of words, beside the cosine
# A power: in another language a few words are alike by chance, and must not outweigh the meaning.
SURPRISE = 1.5
COVERS = 0.28  # what has less does not answer the question (bench/knowledge has what that costs)
WORDS_COVER = 0.7  # where the meaning is unknown


@dataclass(frozen=True, slots=True)
class Passage:
    chunk: int
    document: int
    title: str
    source: str  # the file's name, or an address
    heading: str
    text: str
    meaning: float  # the cosine
    words: float  # 1: all words of the question stand in it
    own: float  # its score by the question's own words, without what was said before
    leads: bool = False  # of several questions in one it answers one best

    @property
    def score(self) -> float:
        return scored(self.meaning, self.words)

    @property
    def covers(self) -> bool:
        """It is about what was asked; whoever shows less than this makes things up."""
        return max(self.score, self.own) >= COVERS or self.words >= WORDS_COVER

    @property
    def cited(self) -> str:
        """Where it stands, for people."""
        return f"{self.title} › {self.heading}" if self.heading else self.title


def scored(meaning: float, words: float) -> float:
    return meaning + WORDS_WEIGH * math.pow(words, SURPRISE)
