"""What people read of an alert: what it is in plain words, since when, how often, what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from khronos.alerts.kinds import kind_of
from khronos.models.alert import Alert
from khronos.models.alert_policy import LEVELS
from khronos.observability.lengths import words

SIGNS = {"info": "ℹ️", "warning": "⚠️", "error": "❌", "critical": "🔥"}
OVER = "✅"
DETAIL_MAX = 1500  # characters; a message of Telegram's holds 4,096
NAMED_MAX = 15  # alerts of one summary


@dataclass(frozen=True, slots=True)
class News:
    """One message, as every means of telling needs it."""

    name: str
    level: str
    title: str
    text: str  # all of it, the title included
    since: datetime | None = None
    count: int = 1
    is_over: bool = False
    runbook: str = ""
    url: str = ""


def news_of(alert: Alert, now: datetime) -> News:
    with translation.override(settings.ALERT_LANGUAGE):
        kind = kind_of(alert.name)
        is_over = alert.resolved_at is not None
        title = str(kind.title) + (f" – {_('over')}" if is_over else "")
        sign = OVER if is_over else SIGNS[alert.level]
        detail = f"{alert.name}: {alert.text[:DETAIL_MAX]}"
        lines = [f"{sign} {title}", *([] if is_over else [detail]), story(alert, now)]
        if alert.is_muted(now) and not is_over:
            lines.append(muting(alert))
        if not is_over:
            lines.append(help_on(kind.runbook, alert.pk))
        return News(
            name=alert.name,
            level=alert.worst,
            title=title,
            text="\n".join(lines),
            since=alert.raised_at,
            count=alert.count,
            is_over=is_over,
            runbook=f"docs/runbooks/{kind.runbook}.md",
            url=page_of(alert.pk),
        )


def story(alert: Alert, now: datetime) -> str:
    """Since when; what is new since it was last told; how long it lasted."""
    since = clock_time(alert.raised_at, now)
    came_back = alert.flaps > alert.told_flaps
    if alert.resolved_at is not None:
        facts = {"since": since, "until": clock_time(alert.resolved_at, now)}
        facts["length"] = words((alert.resolved_at - alert.raised_at).total_seconds())
        if alert.flaps:
            facts["n"] = str(alert.flaps + 1)
            return _("It came and went %(n)s times from %(since)s to %(until)s (%(length)s).") % facts
        return _("It lasted %(length)s, from %(since)s to %(until)s.") % facts
    if alert.told_at is None:
        return _("Since %(since)s.") % {"since": since} + more_times(alert.count - 1)
    if came_back:
        said = ngettext(
            "It comes and goes: it came back %(n)s time since %(since)s.",
            "It comes and goes: it came back %(n)s times since %(since)s.",
            alert.flaps,
        )
        return said % {"n": alert.flaps, "since": since}
    length = words((now - alert.raised_at).total_seconds())
    if LEVELS.index(alert.level) > LEVELS.index(alert.told_level):
        said = _("It got worse. It began at %(since)s (%(length)s ago).")
    else:
        said = _("It goes on since %(since)s (%(length)s).")
    held_back = alert.count - alert.told_count
    return said % {"since": since, "length": length} + more_times(held_back, clock_time(alert.told_at, now))


def more_times(count: int, since: str = "") -> str:
    if count <= 0:
        return ""
    if not since:
        return " " + ngettext("… %(n)s more time", "… %(n)s more times", count) % {"n": count}
    said = ngettext("… %(n)s more time since %(since)s", "… %(n)s more times since %(since)s", count)
    return " " + said % {"n": count, "since": since}


def muting(alert: Alert) -> str:
    if alert.muted_until is None:
        return "🔇 " + _("Muted by %(who)s until it is over.") % {"who": alert.muted_by}
    until = clock_time(alert.muted_until, alert.muted_until)
    return "🔇 " + _("Muted by %(who)s until %(until)s.") % {"who": alert.muted_by, "until": until}


def help_on(runbook: str, pk: int) -> str:
    page = page_of(pk)
    return "👉 " + _("What to do: %(page)s") % {
        "page": f"docs/runbooks/{runbook}.md" + (page and f"  {page}")
    }


def page_of(pk: int) -> str:
    """Where it stands in the admin, for those who are outside. Without the database it stands nowhere."""
    return f"{settings.PUBLIC_URL}/admin/khronos/alert/{pk}/change/" if settings.PUBLIC_URL and pk else ""


def clock_time(moment: datetime, now: datetime) -> str:
    """03:12, and the day where it was another one."""
    local, today = moment.astimezone(settings.ALERT_TIMEZONE), now.astimezone(settings.ALERT_TIMEZONE)
    return local.strftime("%H:%M" if local.date() == today.date() else "%Y-%m-%d %H:%M")


def together(alerts: Sequence[Alert], *, night: bool) -> News:
    """Many in one message: what came in the night, or what was too much for a minute."""
    with translation.override(settings.ALERT_LANGUAGE):
        count = len(alerts)
        worst = max((alert.worst for alert in alerts), key=LEVELS.index)
        if night:
            title = ngettext("In the quiet hours: %(n)s alert", "In the quiet hours: %(n)s alerts", count)
        else:
            title = ngettext("And %(n)s more alert", "And %(n)s more alerts", count)
        title %= {"n": count}
        lines = [f"{SIGNS[worst]} {title}", *(line_of(alert) for alert in alerts[:NAMED_MAX])]
        if count > NAMED_MAX:
            lines.append("… " + _("and %(n)s more, see the list of alerts") % {"n": count - NAMED_MAX})
        if settings.PUBLIC_URL:
            lines.append(f"{settings.PUBLIC_URL}/admin/khronos/alert/?open=1")
        return News(name="summary", level=worst, title=title, text="\n".join(lines), count=count)


def line_of(alert: Alert) -> str:
    sign = OVER if alert.resolved_at is not None else SIGNS[alert.level]
    since = alert.raised_at.astimezone(settings.ALERT_TIMEZONE).strftime("%H:%M")
    times = f" ×{alert.count}" if alert.count > 1 else ""
    return f"{sign} {kind_of(alert.name).title} ({alert.name}) {since}{times}"
