"""The example shop: put it there, or take all of it away again."""

import argparse
from typing import Any

from django.core.management.base import CommandError

from khronos.agents.tools import toolbox
from khronos.knowledge import catalogue
from khronos.management.byhand import ByHand
from khronos.models import Tenant
from khronos.shop import example


class Command(ByHand):
    help = __doc__ or ""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("what", choices=["example"])
        parser.add_argument("deed", choices=["add", "remove"])
        parser.add_argument("--tenant", default="", help="its slug; needed where there are several")

    def handle(self, *, deed: str, tenant: str, **_: Any) -> None:
        owner = found(tenant)
        counts = example.add(owner) if deed == "add" else example.remove(owner)
        toolbox.forget(owner.pk)
        catalogue.renew()
        told = ", ".join(f"{number} {noun}" for noun, number in counts.items())
        verb = "The example shop is there" if deed == "add" else "The example shop is gone"
        self.stdout.write(f"✅ {verb} (tenant {owner.slug}): {told}.")
        if deed == "add":
            self.stdout.write("   Ask for a cup. `manage.py shop example remove` takes all of it away.")


def found(slug: str) -> Tenant:
    tenants = Tenant.objects.order_by("pk")
    if slug:
        tenants = tenants.filter(slug=slug)
    rows = list(tenants[:2])
    if len(rows) != 1:
        known = ", ".join(Tenant.objects.order_by("slug").values_list("slug", flat=True)[:20])
        raise CommandError(f"Say which tenant: --tenant SLUG. There are: {known or 'none; make up first'}.")
    return rows[0]
