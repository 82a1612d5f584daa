"""The outside world: models, bots, the public address. Nothing is asked that costs anything."""

from django.conf import settings
from django.db import DatabaseError
from django.utils.translation import gettext as _

from khronos.agents.providers import fate_of, has_key, key_of, model_of
from khronos.channels.telegram.api import BotApi
from khronos.checks import providers
from khronos.checks.certificate import certificate
from khronos.conversation import registration
from khronos.exceptions import Failure, Unauthorized
from khronos.management.diagnosis.finding import Finding, Findings, ill, well
from khronos.management.diagnosis.machine import asked
from khronos.models import Channel
from khronos.usage.prices import price_of


def models() -> Findings:
    names = [name for name in settings.PROVIDER_ORDER if has_key(name)]
    if not names:
        yield well(_("no key is set: the built-in offline agent answers (ANTHROPIC_API_KEY changes that)"))
    for name in settings.PROVIDER_ORDER:
        for model in providers.in_use(name):
            if fate := fate_of(model):
                yield outdated(name, model, fate)
            if name in names:
                yield from answers(name, model)
                yield from priced(model)


def outdated(name: str, model: str, fate: str) -> Finding:
    if model == model_of(name):
        return ill(f"{name.upper()}_MODEL={model} {fate}", _("set the newer name in .env, then start anew"))
    return ill(
        _("an agent asks for %(model)s, which %(fate)s") % {"model": model, "fate": fate},
        _("give the agent the newer name (/admin/khronos/agent/)"),
    )


def priced(model: str) -> Findings:
    if price_of(model) is None:
        yield ill(
            _("nobody said what %(model)s costs; the price of the dearest model is taken") % {"model": model},
            _("say it in .env: MODEL_PRICES=%(model)s=0.5/1.5 (dollars per million tokens, in and out)")
            % {"model": model},
        )


def answers(name: str, model: str) -> Findings:
    if trouble := providers.trouble_with(name, model):
        fix = _("correct %(key)s, %(name)s_MODEL or %(name)s_BASE_URL in .env, then start anew")
        yield ill(f"{name} {trouble}", fix % {"key": key_of(name), "name": name.upper()})
    else:
        yield well(_("%(name)s knows our key and %(model)s") % {"name": name, "model": model})


def telegram() -> Findings:
    try:
        channels = list(Channel.objects.bots())
    except DatabaseError:
        channels = []
    if not channels and not settings.TELEGRAM_BOT_TOKEN:
        yield well(_("no bot: TELEGRAM_BOT_TOKEN in .env makes one (from @BotFather)"))
    elif not channels:
        yield from bot(settings.TELEGRAM_BOT_TOKEN, "TELEGRAM_BOT_TOKEN")
    for channel in channels:
        found = list(bot(channel.token, channel.slug))
        yield from found
        if all(each.is_well for each in found):
            yield from webhook(channel)


def bot(token: str, name: str) -> Findings:
    try:
        username = BotApi(token).get_me().get("username")
    except Unauthorized:
        yield ill(
            _("%(name)s: Telegram refuses the token") % {"name": name},
            _("ask @BotFather for it (/token), put it into TELEGRAM_BOT_TOKEN or the channel, start anew"),
        )
    except Failure as error:
        yield ill(
            _("%(name)s: Telegram cannot be asked: %(why)s") % {"name": name, "why": error},
            _("look at the way to TELEGRAM_API_URL, and at https_proxy"),
        )
    else:
        yield well(_("%(name)s: the token is that of @%(bot)s") % {"name": name, "bot": username})


def webhook(channel: Channel) -> Findings:
    try:
        trouble = registration.trouble_with(channel)
    except Failure as error:
        trouble = str(error)
    if trouble:
        yield ill(
            f"{channel.slug}: {trouble}",
            _("`python manage.py doctor --fix` tells Telegram our address anew"),
            lambda: settle(channel),
        )
    elif settings.PUBLIC_URL:
        yield well(_("%(name)s: the webhook is set, and Telegram reaches it") % {"name": channel.slug})
    else:
        yield well(_("%(name)s: no PUBLIC_URL, so that messages are fetched") % {"name": channel.slug})


def settle(channel: Channel) -> None:
    """As Telegram should have it: our address and secret, or none where messages are fetched."""
    if settings.PUBLIC_URL:
        registration.register(channel, BotApi(channel.token))
    else:
        BotApi(channel.token).delete_webhook()


def public_address() -> Findings:
    if settings.PUBLIC_URL:
        yield asked(certificate, _("renew the certificate where TLS ends; see that the address is reached"))
    else:
        yield well(_("none: only this machine reaches the pages (PUBLIC_URL changes that)"))
