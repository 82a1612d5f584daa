"""Which channel an address belongs to; remembered until somebody changes it."""

from django.http import Http404

from khronos.database import in_time
from khronos.guards import caches
from khronos.models import Channel


def listening(slug: str, kind: str) -> Channel:
    channel = lookup(slug)
    if channel is None or channel.kind != kind:
        raise Http404(slug)
    return channel


def lookup(slug: str) -> Channel | None:
    def read() -> Channel | None:
        in_time()  # one reads for all who ask together: after a failure the next one
        return Channel.objects.listening().filter(slug=slug).first()

    return caches.channels().get(slug, read)


def forget(slug: str = "*") -> None:
    """In every process: it has changed."""
    caches.channels().invalidate(slug)
