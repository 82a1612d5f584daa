"""What an answered turn leaves in mind for the next one; a deed of the answer's own transaction."""

from collections.abc import Sequence

from khronos.agents.providers import configured
from khronos.agents.window import window_of
from khronos.models import Conversation, Message, Summary


def keep_in_mind(conversation: Conversation, before: Sequence[Message], language_so_far: str) -> None:
    """Mostly nothing changes, and nothing is written."""
    window = window_of(conversation, before)
    changes: dict[str, object] = {}
    if window.begins != conversation.told_from:
        changes["told_from"] = window.begins
    if conversation.language != language_so_far:
        changes["language"] = conversation.language
    if changes:
        Conversation.objects.filter(pk=conversation.pk).update(**changes)
    if window.sum_up_to and configured(conversation.agent.providers) != ["offline"]:
        Summary.objects.want(conversation.pk, window.sum_up_to)
