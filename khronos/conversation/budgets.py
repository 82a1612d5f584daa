"""Budgets are looked at every minute, and when one is changed: who is told, and who may go on."""

from django.conf import settings

from khronos.alerts import end_alert, raise_alert, resolve_alert
from khronos.conversation import sweep
from khronos.models import Alert, Tenant, UsageDay
from khronos.observability.said import Said as _
from khronos.observability.said import joined
from khronos.usage import budget
from khronos.usage.budget import alert_of
from khronos.usage.prices import money, price_of

UNPRICED = "price.unknown"


def watch() -> None:
    for tenant in Tenant.objects.all():
        look_at(tenant)
    look_at_prices()


def look_at(tenant: Tenant) -> bool:
    """Is there something left? An alert that is open is not raised again: it is told once a month."""
    limit = budget.limit_of(tenant)
    spent = budget.spent(tenant.pk) if limit else 0
    facts = {"tenant": tenant.name, "spent": money(spent), "limit": money(limit)}
    text = _("%(tenant)s has spent %(spent)s of the %(limit)s of this month.") % facts
    is_spent = bool(limit) and spent >= limit
    is_nearly = bool(limit) and spent >= limit * settings.BUDGET_NEARLY
    tell(f"budget.nearly.{tenant.slug}", "warning", text, is_so=is_nearly)
    name = alert_of(tenant)
    if tell(name, "error", joined(" ", (text, _("Its questions wait."))), is_so=is_spent):
        sweep.hurry(name)
    return not is_spent


def look_after_parking(tenant_id: int) -> None:
    """It may have been raised while the turn was parked: then nobody else would call it."""
    tenant = Tenant.objects.get(pk=tenant_id)
    if look_at(tenant):
        sweep.hurry(alert_of(tenant))


def tell(name: str, level: str, text: str, *, is_so: bool) -> bool:
    """True for whoever ended it."""
    is_open = Alert.objects.open().filter(name=name).exists()
    if is_so and not is_open:
        raise_alert(name, level, text)
    return is_open and not is_so and end_alert(name)


def look_at_prices() -> None:
    """Of the models that answered this month; the default price counts for those that nobody priced."""
    rows = UsageDay.objects.filter(day__gte=budget.first_of_month())
    unknown = sorted(name for name in set(rows.values_list("model", flat=True)) if price_of(name) is None)
    if not unknown:
        resolve_alert(UNPRICED)
    else:
        said = _("Nobody said what these models cost, a default price is taken: %(names)s.")
        text = said % {"names": ", ".join(unknown)}
        tell(UNPRICED, "warning", text, is_so=True)
