"""Quiet hours and time zones as the environment writes them; a wrong one names its fix."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from khronos.exceptions import Misconfigured

HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class QuietHours:
    begin: time
    end: time

    def morning_after(self, local: datetime) -> datetime | None:
        """When the hours end in which this moment lies; None where it lies in none."""
        now = local.time()
        over_midnight = self.begin > self.end
        inside = self.begin <= now or now < self.end if over_midnight else self.begin <= now < self.end
        if not inside:
            return None
        ends_tomorrow = over_midnight and now >= self.begin
        day = local.date() + timedelta(days=1 if ends_tomorrow else 0)
        return datetime.combine(day, self.end, tzinfo=local.tzinfo)


def quiet_hours(text: str) -> QuietHours | None:
    if not text.strip():
        return None
    match = HOURS.fullmatch(text.strip())
    if not match or match.group(1, 2) == match.group(3, 4):
        raise Misconfigured(
            f"ALERT_QUIET_HOURS is {text!r}.\n"
            "  Fix: write it as 22:00-07:00 in the environment or in .env, or leave it out."
        )
    first_hour, first_minute, last_hour, last_minute = (int(part) for part in match.groups())
    return QuietHours(time(first_hour, first_minute), time(last_hour, last_minute))


def timezone_of(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise Misconfigured(
            f"ALERT_TIMEZONE is {name!r}.\n"
            "  Fix: use a name such as America/Sao_Paulo in the environment or in .env."
        ) from None
