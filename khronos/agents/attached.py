"""What was attached to messages, as a model is shown it: words in the line, pictures and papers beside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from khronos.agents.providers.base import Image, Line, Paper, Role
from khronos.models import Message


@dataclass(frozen=True, slots=True)
class Shown:
    words: str  # such as [document "bill.pdf", 120 kB]
    images: Sequence[Image] = ()
    papers: Sequence[Paper] = ()


type Attached = Mapping[int, Shown]  # by message

NOTHING: Attached = MappingProxyType({})


def lined(role: Role, text: str, messages: Sequence[Message], attached: Attached) -> Line:
    shown = [found for message in messages if (found := attached.get(message.pk))]
    images = tuple(image for each in shown for image in each.images)
    return Line(role, text, images, tuple(paper for each in shown for paper in each.papers))


def joined(first: Line, second: Line) -> Line:
    return Line(
        first.role,
        f"{first.text}\n{second.text}",
        (*first.images, *second.images),
        (*first.papers, *second.papers),
    )
