"""Who hears of alerts, by which means, and when not (docs/alerts.md)."""

from settings.alert_hours import QuietHours, quiet_hours, timezone_of
from settings.env import env

ALERT_LANGUAGE = env.alert_language
ALERT_TIMEZONE = timezone_of(env.alert_timezone)
ALERT_QUIET_HOURS: QuietHours | None = quiet_hours(env.alert_quiet_hours)
ALERT_WRITE_AGAIN_S = 2.0  # while the database is away
ALERTS_PER_MINUTE = env.alerts_per_minute

# Where Telegram cannot tell.
ALERT_WEBHOOK_URL = env.alert_webhook_url
ALERT_WEBHOOK_SECRET = env.alert_webhook_secret
ALERT_WEBHOOK_PRIVATE_NETWORKS = env.alert_webhook_private_networks
ALERT_EMAIL_TO = [address.strip() for address in env.alert_email_to.split(",") if address.strip()]
ALERT_EMAIL_FROM = env.alert_email_from
EMAIL_URL = env.email_url

# When something is amiss.
ALERT_STUCK_S = env.alert_stuck_s
ALERT_BACKLOG = env.alert_backlog
ALERT_ERROR_RATE = env.alert_error_rate_percent / 100
ALERT_MEMORY = env.alert_memory_percent / 100  # of a process's limit, or of the machine's
