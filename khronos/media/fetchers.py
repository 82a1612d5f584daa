"""Who fetches files that no turn waits for, in the worker's process: operators see what was sent to people,
and what a turn never came for is here before the channel forgets it.
"""

from contextlib import suppress
from functools import cache

from django.conf import settings

from khronos.exceptions import LostLease, Transient, Unauthorized
from khronos.hands import Hands
from khronos.media import fetching
from khronos.models import Attachment


@cache
def fetchers() -> Hands:
    return Hands("fetcher", settings.MEDIA_FETCHERS, Attachment.objects.due().count, fetch_all)


def wake() -> None:
    fetchers().wake()


def fetch_all() -> int:
    """Until nothing is due; answers how many were taken."""
    done = 0
    while (
        pk := Attachment.objects.due().order_by("due_at").values_list("pk", flat=True).first()
    ) is not None:
        claimed = Attachment.objects.claim(pk, settings.MEDIA_LEASE, "message__conversation__channel")
        if claimed is not None:
            with suppress(Transient, Unauthorized, LostLease):  # it is due later, or somebody else's
                fetching.fetch(claimed, claimed.message.conversation.channel)
        done += 1
    return done
