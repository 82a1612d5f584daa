"""What commands for people share: language, tenants by name, a line for a database that cannot be asked."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import translation
from django.utils.translation import gettext as _

from khronos.management.hands import language
from khronos.models import Tenant


def tenant_of(slug: str) -> Tenant:
    found = Tenant.objects.filter(slug=slug).first()
    if found is None:
        slugs = ", ".join(Tenant.objects.order_by("slug").values_list("slug", flat=True)[:20])
        raise CommandError(
            _("There is no tenant %(slug)s. There are: %(slugs)s.") % {"slug": slug, "slugs": slugs or "–"}
        )
    return found


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
