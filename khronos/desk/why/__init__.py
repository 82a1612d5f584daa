"""Why a message was answered, or was not: its timeline and a verdict (docs/timeline.md)."""

from khronos.desk.why.find import Unknown, find
from khronos.desk.why.life import Life, gather
from khronos.desk.why.offers import offers
from khronos.desk.why.steps import steps
from khronos.desk.why.story import Offer, Step, Story, Verdict
from khronos.desk.why.verdict import verdict

__all__ = ["Offer", "Step", "Story", "Unknown", "Verdict", "explain"]


def explain(reference: str) -> Story:
    """Of a trace id, a message's number, `turn:12`, chat/message, …. Raises Unknown."""
    life = gather(find(reference))
    return Story(
        **life.ids,
        began=life.began,
        now=life.now,
        steps=steps(life),
        verdict=verdict(life),
        said=life.message.text if life.message else "",
        rows=rows(life),
        offers=offers(life),
    )


def rows(life: Life) -> dict[str, object]:
    found = {"update": life.update, "message": life.message, "turn": life.turn}
    numbers: dict[str, object] = {noun: row.pk for noun, row in found.items() if row}
    if life.conversation:
        numbers["conversation"] = str(life.conversation.pk)
    return numbers | {
        "deliveries": [part.pk for part in life.deliveries],
        "dead_letters": [letter.pk for letter in life.letters],
    }
