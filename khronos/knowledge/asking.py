"""What a question is looked for as: its parts, each with what was said before where it leans on that.

"And in blue?" says little by itself. How much what was said before counts is told by how many words the
question has of its own; bench/knowledge has what that finds, and what it costs whoever changes the subject.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from khronos.knowledge.words import folded, words_of

LEANS = (2.0, 1.5, 0.7, 0.3)  # what was said before weighs so much beside 0, 1, 2, 3 words of its own
POINTING = re.compile(
    r"^(?:and|but|or|so|then|also|even|what about|how about|e|mas|ou|entao|tambem|nem)\b"
    r"|\b(?:its?|that|this|there|those|these|them|one|he|she|they"
    r"|el[ea]s?|del[ea]s?|isso|isto|disso|disto|ess[ea]s?|est[ea]s?|la|ai)\b"
)
BACK = 3  # questions, until one that stands by itself
PARTS_MAX = 3  # with more it is a story, and not as many questions
BEGINS = (
    r"also|can|could|do|does|is|are|may|will|how|what|when|where|who|which"
    r"|t[eê]m|como|onde|quand[oa]|quant[oa]s?|qual|quais|quem|posso|pode|voc[eê]s?|vcs?|aceitam?"
)
ENDS = re.compile(rf"(?<=[.?!;])\s+|\n+|,?\s+(?:and|e)\s+(?=(?:{BEGINS})\b)", re.IGNORECASE)
CHARACTERS = 400  # of what was said before, the newest


@dataclass(frozen=True, slots=True)
class Wording:
    text: str
    weight: float


def asked(text: str, earlier: Sequence[str] = ()) -> list[list[Wording]]:
    """The wordings of the whole, and of each question where there are several in it.

    `earlier` is what the same person said before, the newest last.
    """
    parts = [part for part in ENDS.split(text.strip()) if words_of(part)]
    if not 1 < len(parts) <= PARTS_MAX:
        return [wordings(text, earlier)]
    told = [*earlier, *parts]
    ways = [wordings(part, told[: len(earlier) + place]) for place, part in enumerate(parts)]
    return [[Wording(text, 1.0)], *ways]


def wordings(question: str, earlier: Sequence[str] = ()) -> list[Wording]:
    alone = Wording(question, 1.0)
    weight = leaning(question)
    if not weight or not earlier:
        return [alone]
    return [alone, Wording(f"{subject(earlier)} {question}", weight)]


def leaning(question: str) -> float:
    own = len(words_of(question)) - points_back(question)
    return LEANS[max(own, 0)] if own < len(LEANS) else 0.0


def points_back(question: str) -> bool:
    """Such a word stands for one that is not said."""
    return POINTING.search(" ".join(folded(question).split())) is not None


def subject(earlier: Sequence[str]) -> str:
    told: list[str] = []
    for line in reversed(earlier[-BACK:]):
        told.insert(0, line)
        if not leaning(line):
            break
    return " ".join(told)[-CHARACTERS:]
