"""Which channel an address belongs to; remembered for two seconds, so that a burst asks once."""

import time

from django.http import Http404

from khronos.models import Channel

REMEMBER_S = 2.0

_known: dict[str, tuple[float, Channel | None]] = {}


def listening(slug: str, kind: str) -> Channel:
    channel = lookup(slug)
    if channel is None or channel.kind != kind:
        raise Http404(slug)
    return channel


def lookup(slug: str) -> Channel | None:
    now = time.monotonic()
    known = _known.get(slug)
    if known and now < known[0]:
        return known[1]
    channel = Channel.objects.listening().filter(slug=slug).first()
    if channel is not None or len(_known) < 1000:  # strangers' slugs must not fill the memory
        _known[slug] = (now + REMEMBER_S, channel)
    return channel


def forget() -> None:
    _known.clear()
