"""A document in pieces: by headings first, then paragraphs, then sentences; neighbours overlap a little."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

# Characters: the model takes a mean of what it reads, so that long pieces mean nothing in particular.
PIECE = 500
OVERLAP = 120  # characters of the end of one that begin the next, in whole sentences
HEADING_MAX = 300
SENTENCE = re.compile(r"(?<=[.!?…:;])[\"”’)]*\s+")


@dataclass(frozen=True, slots=True)
class Block:
    """What a reader finds: a heading of some level, or (0) a paragraph."""

    text: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    heading: str  # the path to it, outermost first
    text: str

    def digest(self, title: str) -> str:
        return sha256(f"{title}\0{self.heading}\0{self.text}".encode()).hexdigest()[:32]


def split(blocks: Iterable[Block]) -> Iterator[Piece]:
    for heading, paragraphs in sections(blocks):
        yield from (Piece(heading, text) for text in packed(paragraphs))


def sections(blocks: Iterable[Block]) -> Iterator[tuple[str, list[str]]]:
    blocks = list(blocks)
    name = name_of(blocks)
    path: list[tuple[int, str]] = []
    paragraphs: list[str] = []
    for block in blocks:
        if not block.level:
            paragraphs.append(block.text)
            continue
        if paragraphs:
            yield said(path), paragraphs
        paragraphs = []
        if block is name:
            continue
        path = [*(each for each in path if each[0] < block.level), (block.level, block.text)]
    if paragraphs:
        yield said(path), paragraphs


def name_of(blocks: Sequence[Block]) -> Block | None:
    """The one heading above all others is the document's own name, and says nothing of a part of it."""
    headings = [block for block in blocks if block.level]
    highest = [block for block in headings if block.level == min(each.level for each in headings)]
    return highest[0] if len(highest) == 1 and len(headings) > 1 and highest[0] is headings[0] else None


def said(path: Iterable[tuple[int, str]]) -> str:
    return " › ".join(text for _, text in path)[:HEADING_MAX]


def packed(paragraphs: Iterable[str]) -> Iterator[str]:
    """As many whole units as fit; the last ones of a piece are the first of the next."""
    held: list[str] = []
    is_new = False
    for unit in units(paragraphs):
        if is_new and length(held) + len(unit) > PIECE:
            yield joined(held)
            held, is_new = tail(held), False
            if length(held) + len(unit) > PIECE:
                held = []
        held.append(unit)
        is_new = True
    if is_new:
        yield joined(held)


def units(paragraphs: Iterable[str]) -> Iterator[str]:
    """Sentences; the last of a paragraph ends its line. What is longer than a piece is cut at a word."""
    for paragraph in paragraphs:
        sentences = [part for sentence in SENTENCE.split(paragraph.strip()) for part in cut(sentence)]
        if sentences:
            yield from (f"{sentence} " for sentence in sentences[:-1])
            yield f"{sentences[-1]}\n"


def cut(sentence: str) -> Iterator[str]:
    while len(sentence) > PIECE:
        end = sentence.rfind(" ", PIECE // 2, PIECE)
        end = end if end > 0 else PIECE
        yield sentence[:end].strip()
        sentence = sentence[end:].strip()
    if sentence:
        yield sentence


def tail(units: list[str]) -> list[str]:
    kept: list[str] = []
    for unit in reversed(units):
        if length(kept) + len(unit) > OVERLAP:
            break
        kept.insert(0, unit)
    return kept


def length(units: Iterable[str]) -> int:
    return sum(map(len, units))


def joined(units: Iterable[str]) -> str:
    return "".join(units).strip()
