"""What Telegram says of our bots. Their own watch (conversation/registration.py) raises the alerts."""

from khronos.conversation import registration
from khronos.exceptions import Failure
from khronos.models import Channel
from khronos.models.check import OFF
from khronos.observability.health import Amiss
from khronos.observability.said import Said as _
from khronos.observability.said import joined


def webhook() -> str:
    channels = list(Channel.objects.bots())
    if not channels:
        return joined("", (OFF, _("no Telegram channel")))
    troubles = [f"{channel.slug}: {trouble}" for channel in channels if (trouble := trouble_of(channel))]
    if troubles:
        raise Amiss("; ".join(troubles))
    return joined(": ", (", ".join(channel.slug for channel in channels), _("as it should be")))


def trouble_of(channel: Channel) -> str:
    try:
        return registration.trouble_with(channel)
    except Failure as error:
        return str(error)
