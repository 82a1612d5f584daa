"""Questions and the passages that answer them, as the files beside this one hold them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
FOLLOW = "follow-up"
KINDS = {"=": "same language", "~": "misspelt", "x": "other language"}


@dataclass(frozen=True, slots=True)
class Question:
    kind: str
    text: str
    business: str
    heading: str


def lines(name: str) -> Iterator[str]:
    for line in (FOLDER / name).read_text("utf-8").splitlines():
        if line and not line.startswith("# "):
            yield line


def questions() -> Iterator[Question]:
    business = heading = ""
    for line in lines("pairs.txt"):
        sign, _, rest = line.partition(" ")
        if sign == "@":
            business = rest.partition(" ")[2]
        elif sign == "##":
            heading = rest
        elif sign in KINDS:
            yield Question(KINDS[sign], rest, business, heading)


def follow_ups() -> Iterator[tuple[list[str], Question]]:
    """Each behind all that was asked before it in its talk."""
    business = heading = ""
    before: list[str] = []
    for line in lines("follow.txt"):
        sign, _, rest = line.partition(" ")
        if sign == "@":
            business = rest.partition(" ")[2]
        elif sign == "##":
            heading = rest
        elif sign == "<":
            before = [rest]
        else:
            yield list(before), Question(FOLLOW, rest, business, heading)
            before.append(rest)


def documents() -> dict[str, str]:
    """By business, as Markdown; passages that answer nothing stand among the others."""
    found: dict[str, list[str]] = {}
    business = ""
    for name in ("pairs.txt", "twins.txt"):
        for line in lines(name):
            sign, _, rest = line.partition(" ")
            if sign == "@":
                business = rest.partition(" ")[2]
                found.setdefault(business, [f"# {business}"])
            elif sign not in KINDS:
                found[business].append(line)
    return {name: "\n\n".join(text) for name, text in found.items()}
