"""The poller: for an operator without a public address, getUpdates feeds the same intake (docs/intake.md).

The offset moves after the store. One poller a token: a lease among ours, 409 tells of a stranger's.
"""

import logging
import threading
import time
from datetime import timedelta
from hashlib import sha256

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connections

from khronos.alerts import raise_alert, resolve_alert
from khronos.bus import doorbell
from khronos.bus.routes import HURRY
from khronos.channels import account_of
from khronos.channels.telegram.api import BotApi, Fetched
from khronos.delivery.policy import wrong_token
from khronos.exceptions import Conflict, Failure, Transient, Unauthorized
from khronos.intake.accept import accept_all
from khronos.models import Channel, Lease
from khronos.models.lease import holder
from khronos.observability import heartbeat
from khronos.resilience.backoff import doubled
from khronos.resilience.shutdown import Stopping

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)  # above the longest poll and its timeouts
STAND_BY_S = 5.0
LOOK_EVERY_S = 10.0  # for channels that were added
AGAIN_MIN_S, AGAIN_MAX_S = 1.0, 30.0
CONFLICT_S = 10.0
UNAUTHORIZED_S = 60.0


class Poller:
    """Polls one bot until told to stop, or until its channel is switched off."""

    def __init__(self, channel: Channel, stopping: Stopping) -> None:
        self.channel, self.stopping = channel, stopping
        self.holder = f"{holder()}:{channel.pk}"  # of two channels with one token the other stands by
        self.lease = ""
        self.failures = 0
        self.in_hand = 0  # updates that are fetched and not yet stored

    def run(self) -> None:
        """Until told to stop; whatever fails is tried again later."""
        while not self.stopping.is_set():
            close_old_connections()
            try:
                if not self.look():
                    break
                if not Lease.objects.hold(self.lease, self.holder, LEASE):
                    self.stopping.wait(STAND_BY_S)
                    continue
                self.poll()
                if self.failures:
                    self.recover()
                self.failures = 0
            except Conflict as conflict:
                self.yield_to(conflict)
            except (Failure, DatabaseError) as error:
                self.rest(error)
        try:
            self.let_go()
        except DatabaseError:
            log.warning("lease not let go, it ends by itself")

    def look(self) -> bool:
        """The channel as it is now, perhaps with another token; False when it is switched off or gone."""
        channel = Channel.objects.bots().filter(pk=self.channel.pk).first()
        if channel is None:
            resolve_alert(f"poller.{self.channel.slug}")
            return False
        self.channel, lease = channel, lease_of(channel.token)
        if lease != self.lease:
            self.let_go()
            self.lease = lease
        return True

    def let_go(self) -> None:
        if self.lease:
            Lease.objects.let_go(self.lease, self.holder)

    def poll(self) -> None:
        """Ask for news once, store it, and only then move on."""
        api = BotApi(account_of(self.channel).token)
        news = api.get_updates(
            self.channel.polling_offset, settings.TELEGRAM_POLL_S, settings.TELEGRAM_ALLOWED_UPDATES
        )
        resolve_alert(f"poller.{self.channel.slug}")
        if news:
            self.store(news)

    def store(self, news: list[Fetched]) -> None:
        """Who is told to stop stores nothing more: Telegram gives it again, since the offset stays."""
        self.in_hand = len(news)
        try:
            if not self.stopping.is_set():
                accept_all(self.channel, [update.raw for update in news])
                self.move_on(news)
        finally:
            self.in_hand = 0

    def move_on(self, news: list[Fetched]) -> None:
        self.channel.polling_offset = max(update.update_id for update in news) + 1
        Channel.objects.filter(pk=self.channel.pk).update(polling_offset=self.channel.polling_offset)

    def yield_to(self, conflict: Conflict) -> None:
        """A webhook is set, ours to remove since there is no public address; or somebody else polls."""
        if "webhook" in str(conflict).lower():  # also "terminated by setWebhook request"
            log.warning("a webhook was set for this bot; it is removed, since PUBLIC_URL is empty")
            try:
                BotApi(self.channel.token).delete_webhook()
            except Failure as error:
                self.rest(error)
            return
        raise_alert(
            f"poller.{self.channel.slug}",
            "error",
            f"Another program polls the bot of {self.channel} with the same token. "
            "Stop it, or give one of them another bot.",
        )
        self.stopping.wait(CONFLICT_S)

    def recover(self) -> None:
        """What was refused for a wrong token need not wait for its next try."""
        if resolve_alert(wrong_token(self.channel)):
            doorbell.call(HURRY, "ops", wrong_token(self.channel))

    def rest(self, error: Exception) -> None:
        self.failures += 1
        asked = error.retry_after if isinstance(error, Transient) else None
        again_s = asked or doubled(AGAIN_MIN_S, self.failures - 1, AGAIN_MAX_S)
        wait = UNAUTHORIZED_S if isinstance(error, Unauthorized) else again_s
        if isinstance(error, Unauthorized):
            raise_alert(
                f"poller.{self.channel.slug}",
                "error",
                f"Telegram refuses the token of {self.channel}. "
                "Set TELEGRAM_BOT_TOKEN, or the channel's token in the admin, to the one @BotFather shows.",
            )
        log.warning("poll failed", extra={"error": f"{type(error).__name__}: {error}"[:300], "wait_s": wait})
        self.stopping.wait(wait)


def lease_of(token: str) -> str:
    """Telegram serves one poller a token, however many channels have it."""
    return f"poller:{sha256(token.encode()).hexdigest()[:16]}"


def poll(poller: Poller) -> None:
    """A thread's whole life."""
    try:
        poller.run()
    finally:
        connections.close_all()


class Polling:
    """A thread for each Telegram channel; a channel that is added later is found soon."""

    def __init__(self, stopping: Stopping) -> None:
        self.stopping = stopping
        self.pollers: dict[int, tuple[Poller, threading.Thread]] = {}
        self.is_done = threading.Event()  # nobody begins to poll any more

    def run(self) -> None:
        look_at = 0.0
        while not self.stopping.is_set():
            heartbeat.beat("poller")
            if time.monotonic() < look_at:
                self.stopping.wait(heartbeat.EVERY_S)
                continue
            look_at = time.monotonic() + LOOK_EVERY_S
            self.look()
        self.is_done.set()

    def look(self) -> None:
        close_old_connections()
        try:
            channels = list(Channel.objects.bots())
        except (DatabaseError, InterfaceError) as error:
            log.warning("channels not looked for", extra={"error": f"{type(error).__name__}: {error}"[:300]})
            return
        for channel in channels:
            if channel.pk not in self.pollers or not self.pollers[channel.pk][1].is_alive():
                self.begin(channel)

    def begin(self, channel: Channel) -> None:
        poller = Poller(channel, self.stopping)
        thread = threading.Thread(target=poll, args=[poller], daemon=True)
        self.pollers[channel.pk] = poller, thread
        thread.start()

    def stop(self) -> str:
        """Who waits for Telegram's answer will not use it."""
        self.is_done.wait()
        return "Telegram is asked no more"

    def in_hand(self) -> int:
        return sum(poller.in_hand for poller, _ in list(self.pollers.values()))

    def let_go(self) -> str:
        """Also for those who still wait for Telegram's answer, which nobody will hear."""
        for poller, _ in list(self.pollers.values()):
            poller.let_go()
        return f"{len(self.pollers)} bots left to other pollers"
