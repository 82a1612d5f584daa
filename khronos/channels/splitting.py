"""A long text in parts that a channel takes, cut where a reader pauses.

The limit counts UTF-16 units, as Telegram does, of the Markdown as well as of what it shows: a part must
still fit when its markup is refused and it goes out as it was written.
"""

import re
import unicodedata
from collections.abc import Sequence

from khronos.channels.fences import FENCE, Fence, fences
from khronos.channels.markdown import plain

PARAGRAPH = re.compile(r"(?=\n[ \t]*\n)")
LINE = re.compile(r"(?=\n)")
SENTENCE = re.compile(r"[.!?…][\"'”’)\]*_]*(?=\s)|[。！？](?=.)")
WORD = re.compile(r"(?=\s)")
# By preference: where a match ends one may cut, behind which share of what fits, and whether in code too.
PAUSES = ((PARAGRAPH, 4, False), (LINE, 4, True), (SENTENCE, 4, False), (WORD, 10_000, True))
MARKED = re.compile(r"!?\[[^\]\n]{0,300}\]\([^)\n]{0,2000}\)|`[^`\n]{1,300}`|\*\*[^*\n]{1,300}\*\*")
ATOM_MAX = 2500  # the longest match of MARKED
FENCE_ROOM = 8
WIDEST = 16  # times its source is about the most that a text can show: a table of tiny cells
CLUSTER_MAX = 20  # code points of one sign that a reader sees; longer ones are no writing
JOINER = "\u200d"


def split(text: str, limit: int) -> list[str]:
    """Parts that fit, none of them blank; only white space at the cuts is lost, and code fences go on."""
    parts: list[str] = []
    rest = text.strip()
    while rest and not fits(rest, limit):
        head, rest = cut(rest, limit)
        parts.append(head)
    return [*parts, rest] if rest else parts


def fits(text: str, limit: int) -> bool:
    size = units(text)
    return size * WIDEST <= limit or (size <= limit and units(plain(text)) <= limit)


def units(text: str) -> int:
    """UTF-16 code units: what lies beyond the first plane (most emoji) counts two."""
    return len(text) + sum(1 for sign in text if sign > "\uffff") if not text.isascii() else len(text)


def cut(text: str, limit: int) -> tuple[str, str]:
    """The first part and what is left."""
    most = longest(text, limit)
    while True:
        head, tail = parted(text, place(text, most))
        if most <= 1 or fits(head, limit):
            return head, tail
        most = most * 3 // 4


def longest(text: str, limit: int) -> int:
    """How many code points fit into so many UTF-16 units, with room for the end of a block of code."""
    room = limit - min(FENCE_ROOM, limit // 4)
    window = text[:room].encode("utf-16-le", "surrogatepass")[: room * 2]
    return max(1, len(window.decode("utf-16-le", "ignore")))


def place(text: str, most: int) -> int:
    """The best place to cut within the first `most` code points."""
    blocks = fences(text[:most])
    atoms = [*atoms_of(text, most), *(block.beginning(text) for block in blocks)]
    for ends, share, within_code in PAUSES:
        for match in reversed([*ends.finditer(text, most // share + 1, most + 2)]):
            position = match.end()
            is_free = within_code or not in_code(blocks, position)
            if position <= most and is_free and not inside(atoms, position):
                return position
    return whole_sign(text, most, atoms)


def atoms_of(text: str, most: int) -> list[tuple[int, int]]:
    """What would leave half of a mark on either side of a cut."""
    found = [*MARKED.finditer(text, 0, most + ATOM_MAX), *FENCE.finditer(text, 0, most + ATOM_MAX)]
    return [match.span() for match in found]


def inside(spans: Sequence[tuple[int, int]], position: int) -> bool:
    return any(start < position < end for start, end in spans)


def in_code(blocks: Sequence[Fence], position: int) -> bool:
    return any(block.start < position < block.end for block in blocks)


def whole_sign(text: str, most: int, atoms: Sequence[tuple[int, int]]) -> int:
    """A cut between two signs: never between a letter and its accent, or within a flag or a family."""
    starts = [start for start, end in atoms if 0 < start < most < end]
    most = min(starts, default=most)
    for position in range(most, max(0, most - CLUSTER_MAX), -1):
        if position >= len(text) or not is_joined(text[position - 1], text[position]):
            return position
    return most


def is_joined(left: str, right: str) -> bool:
    if JOINER in (left, right) or unicodedata.combining(right):
        return True
    if "\ufe00" <= right <= "\ufe0f" or "\U0001f3fb" <= right <= "\U0001f3ff":
        return True
    return all("\U0001f1e6" <= sign <= "\U0001f1ff" for sign in (left, right))


def parted(text: str, position: int) -> tuple[str, str]:
    """Both sides of a cut; a block of code is closed on the left and opened again on the right."""
    block = next((block for block in fences(text[:position]) if not block.is_closed), None)
    if block is None:
        return text[:position].rstrip(), text[position:].lstrip()
    if not text[block.body : position].strip():  # nothing of the code is on the left
        before = text[: block.start].rstrip()
        if before:
            return before, text[block.start :].lstrip()
        return text[:position].rstrip(), text[position:].lstrip()
    head, tail = text[:position].rstrip(), text[position:].lstrip("\n")
    if ending := block.ending(tail):
        return f"{head}\n{ending.strip()}", tail[len(ending) :].lstrip()
    if not tail.strip():
        return head, ""
    return f"{head}\n{block.mark}", f"{block.opening}\n{tail}"
