"""Who reads documents, in the worker's process."""

from functools import cache

from django.conf import settings

from khronos.hands import Hands
from khronos.models import Document


@cache
def readers() -> Hands:
    return Hands("reader", settings.EMBEDDINGS_AT_ONCE, Document.objects.due().count, read_all)


def wake() -> None:
    readers().wake()


def read_all() -> int:
    """Until nothing is due, the most urgent first; answers how many were taken."""
    from khronos.knowledge import work  # noqa: PLC0415 (numpy is 20 MB, which only whoever reads pays)

    done = 0
    while (document := Document.objects.due().by_urgency().only("pk").first()) is not None:
        if Document.objects.at_work().count() >= settings.EMBEDDINGS_AT_ONCE:
            break  # other processes' readers are at it; who is done there looks for more
        work.take(document.pk)
        done += 1
    return done
