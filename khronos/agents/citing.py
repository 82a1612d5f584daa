"""Where an answer is from: the numbers that it cites become titles, or nothing (docs/mind.md)."""

import re
from collections.abc import Sequence
from typing import Any

from khronos.agents.providers.base import Found

CITED = re.compile(r"[ \t]*\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\](?![(\w])")
CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)  # there [1] is no citation
MARKUP = re.compile(r"[*`\[\]\s]+")
SOURCES = {"en": "Source", "pt": "Fonte"}

type Sources = list[dict[str, Any]]


def cite(text: str, found: Sequence[Found], language: str, *, names: bool) -> tuple[str, Sources]:
    """The answer without numbers, with its sources behind it; and all that it could cite, for the record.

    A number that was not given cites nothing.
    """
    pieces = CODE.split(text)
    words, code = pieces[::2], pieces[1::2]
    numbers = {
        int(each) for piece in words for run in CITED.findall(piece) for each in re.split(r"[,;]", run)
    }
    bare = "".join(CITED.sub("", word) + kept for word, kept in zip(words, [*code, ""], strict=True)).strip()
    sources = [
        {"title": each.cited, "document": each.document, "chunk": each.chunk, "cited": number in numbers}
        for number, each in enumerate(found, 1)
    ]
    titles = dict.fromkeys(each.cited for number, each in enumerate(found, 1) if number in numbers)
    if names and titles:
        named = "; ".join(MARKUP.sub(" ", title).strip() for title in titles)
        bare = f"{bare}\n\n*{SOURCES.get(language, SOURCES['en'])}: {named}*"
    return bare or text, sources
