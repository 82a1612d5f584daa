"""What commands for people share: their language, and that a database which cannot be asked is a line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import translation
from django.utils.translation import gettext as _

from khronos.management.hands import language


class ByHand(BaseCommand):
    requires_system_checks = ()

    def execute(self, *args: Any, **options: Any) -> str | None:
        with translation.override(language(options.get("lang"))):
            try:
                return super().execute(*args, **options)
            except DatabaseError as error:
                text = _(
                    "The database cannot be asked: %(why)s. `make up` makes it, "
                    "`python manage.py doctor` says what is amiss."
                )
                raise CommandError(text % {"why": error}) from None
