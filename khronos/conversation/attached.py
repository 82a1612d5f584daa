"""A row for each file that a message brings; its bytes are fetched by whoever needs them, elsewhere."""

from collections.abc import Container, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from django.db.models.functions import Now

from khronos.conversation.arrivals import Understood
from khronos.models import Attachment, Message
from khronos.models.prepared import insert_all

KINDS = set(Attachment.Kind.values)
FOR_A_TURN = timedelta(minutes=1)  # then it is fetched even so: a person may want to see it


def keep(said: Sequence[Understood], answered: Container[int]) -> None:
    """`answered`: the updates whose messages a turn answers, which will fetch for itself."""
    files = {each.update.pk: each for each in said if each.incoming.media.get("kind") in KINDS}
    if not files:
        return
    keys = Message.objects.filter(update__in=list(files)).values_list("update_id", "pk")
    insert_all(
        row(pk, media, update in answered)
        for update, pk in keys
        if update
        for media in all_of(files[update].incoming.media)
    )


def all_of(media: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [media, *media.get("more", ())]


def row(message: int, media: Mapping[str, Any], is_answered: bool) -> Attachment:
    return Attachment(
        message_id=message,
        kind=media["kind"],
        file_id=media["file_id"],
        file_unique_id=media.get("file_unique_id", ""),
        name=media.get("file_name", ""),
        media_type=media.get("mime_type", "")[:100],
        size=max(0, media.get("file_size", 0)),
        seconds=min(max(0, media.get("duration", 0)), 86_400),
        due_at=due_in(FOR_A_TURN if is_answered and media["kind"] != Attachment.Kind.VIDEO else None),
    )


@cache
def due_in(wait: timedelta | None) -> Any:
    """One expression each: a statement is prepared for every other."""
    return Now() + wait if wait else Now()
