"""What a tool is (docs/tools.md). A new one is one file in `library/`:

@tool("Tell the opening hours of a shop.", takes={"city": {"type": "string"}}, gives=ANYTHING)
def opening_hours(scene: Scene, city: str) -> dict[str, Any]:
    return {"hours": "9-18"}
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import signature
from typing import Any, Concatenate, Literal

from khronos import database
from khronos.exceptions import Misconfigured
from khronos.models import Contact, Conversation, Queue, Turn

type Json = dict[str, Any]
type Arguments = Mapping[str, Any]
type Deed = Callable[[], object]
type Door = Callable[[Queue], object]
type Confirmer = Literal["", "contact", "operator"]

CONFIRMERS = ("", "contact", "operator")

ANYTHING: Json = {}


class Unfit(Exception):
    """It cannot be done as asked, and was not; the model is told why."""


@dataclass(frozen=True, slots=True)
class Scene:
    """On whose behalf a tool is called: of the turn, never of the arguments."""

    conversation: Conversation
    door: Door  # hands the conversation to people of a queue
    key: str  # of this call; the same one whenever it is tried
    turn: Turn

    @property
    def tenant_id(self) -> int:
        return self.conversation.tenant_id

    @property
    def contact(self) -> Contact:
        """Raises Unfit in a group: what is the first one's must not be told to all."""
        if self.conversation.chat_type != "private" or self.conversation.contact is None:
            raise Unfit("this is a group; it can be done in a private chat only")
        return self.conversation.contact


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    description: str  # in words, for the model
    takes: Json  # JSON Schema of an object
    gives: Json
    run: Callable[[Scene, Arguments], Any]
    side_effects: bool = False
    is_local: bool = False  # on our own tables alone: a change is committed together with its result
    is_personal: bool = False  # about the contact: not offered in groups
    is_cacheable: bool = False
    confirmed_by: Confirmer = ""
    question: Mapping[str, str] = field(default_factory=dict)  # by language; its holes are arguments
    timeout_s: float = 10.0
    per_minute: int = 60
    afterwards: Callable[[Scene, Arguments], Deed] | None = None  # done in the answer's own transaction
    guard: str = ""  # the breaker

    @property
    def is_repeatable(self) -> bool:
        """After a crash in the middle: nothing happened, or nothing that counts."""
        return self.is_local or not self.side_effects


def tool[**P](
    description: str,
    *,
    takes: Json,
    gives: Json = ANYTHING,
    required: Sequence[str] | None = None,
    **flags: Any,
) -> Callable[[Callable[Concatenate[Scene, P], Any]], Tool]:
    """`takes` are the properties; all are required unless `required` says which."""

    def made(function: Callable[Concatenate[Scene, P], Any]) -> Tool:
        name = function.__name__
        agree(function, takes, set(takes if required is None else required))
        if flags.get("confirmed_by", "") not in CONFIRMERS:
            raise Misconfigured(f"the tool {name} is confirmed by nobody we know.\n  Fix: {CONFIRMERS[1:]}.")

        def run(scene: Scene, arguments: Arguments) -> Any:
            return function(scene, **arguments)  # type: ignore[call-arg]

        asked = list(takes if required is None else required)
        schema = {"type": "object", "properties": takes, "required": asked, "additionalProperties": False}
        return Tool(name, description, schema, gives, run, guard=f"tool:{name}", **flags)

    return made


def agree(function: Callable[..., Any], takes: Json, required: set[str]) -> None:
    """A model is told what is in `takes`: the function has to take just that."""
    _scene, *given = signature(function).parameters.values()
    names = {each.name for each in given}
    if names != set(takes):
        raise Misconfigured(
            f"the tool {function.__name__} takes {sorted(takes)}, its function {sorted(names)}.\n"
            "  Fix: the same names in both."
        )
    if bare := {each.name for each in given if each.default is each.empty} - required:
        raise Misconfigured(
            f"the tool {function.__name__} may be called without {sorted(bare)}.\n  Fix: give it a default."
        )


def storable(value: Any) -> Any:
    """Without signs that a database refuses, in any depth."""
    match value:
        case str():
            return database.storable(value)
        case Mapping():
            return {storable(str(name)): storable(each) for name, each in value.items()}
        case list() | tuple():
            return [storable(each) for each in value]
        case _:
            return value
