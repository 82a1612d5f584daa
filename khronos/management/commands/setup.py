"""Ask a few questions, check the token against Telegram, write .env, set the webhook."""

import argparse
import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import translation
from django.utils.translation import gettext as _

from khronos.channels.telegram.api import BotApi
from khronos.exceptions import Failure
from khronos.launch import envfile, keys
from khronos.launch.home import Home
from khronos.management import wizard
from khronos.management.hands import language, silence, takes_language
from settings import dotenv


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        takes_language(parser)

    def handle(self, *, lang: str | None, **_options: Any) -> None:
        with silence(), translation.override(language(lang)):
            self.set_up()

    def set_up(self) -> None:
        try:
            answers = wizard.answers(dotenv.given(), input, self.stdout.write)
        except (EOFError, KeyboardInterrupt):
            raise CommandError(_("Nothing was written.")) from None
        envfile.change(dotenv.path(), answers)
        self.stdout.write(f"✅ {_('Written: %(path)s') % {'path': dotenv.path()}}")
        for name, value in answers.items():
            if os.environ.get(name, value) != value:
                self.stdout.write(
                    f"⚠ {_('The environment has another %(name)s, which counts more.') % {'name': name}}"
                )
        if answers["TELEGRAM_BOT_TOKEN"] and answers["PUBLIC_URL"]:
            self.stdout.write(set_webhook(answers["TELEGRAM_BOT_TOKEN"], answers["PUBLIC_URL"]))
        self.stdout.write(_("Now: `make up`. Where Khronos runs already, `make down` first."))


def set_webhook(token: str, url: str) -> str:
    """Its secret is made here if `make up` has not made it yet."""
    home = Home.configured()
    home.make()
    keys.make_missing(home)
    hook, secret = f"{url.rstrip('/')}/webhooks/telegram/default/", dotenv.merged()["TELEGRAM_WEBHOOK_SECRET"]
    try:
        BotApi(token).set_webhook(hook, secret, settings.TELEGRAM_ALLOWED_UPDATES)
    except Failure as error:
        return (
            f"❌ {_('The webhook is not set: %(why)s. Khronos tries again when it runs.') % {'why': error}}"
        )
    return f"✅ {_('The webhook is set: %(address)s') % {'address': hook}}"
