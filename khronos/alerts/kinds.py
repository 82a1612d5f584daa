"""Every kind of alert: how names of it look, how bad it is, what it is called, which runbook helps.

A new alert is one line here and one page in docs/runbooks/ (docs/alerts.md).
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Kind:
    pattern: str  # of names; `*` stands for a channel, a provider, a process …
    level: str  # the usual one; whoever raises it may know better
    title: str | Promise
    runbook: str  # docs/runbooks/<runbook>.md


KINDS = (
    Kind("breaker.database", "critical", _("The database does not answer"), "database-down"),
    Kind("breaker.telegram", "error", _("Telegram does not answer"), "breaker-open"),
    Kind("breaker.*", "error", _("An outside service does not answer"), "breaker-open"),
    Kind("provider.*.unauthorized", "error", _("A model refuses our key"), "provider-unauthorized"),
    Kind(
        "channel.*.unauthorized",
        "error",
        _("A channel's service refuses our token"),
        "channel-unauthorized",
    ),
    Kind("channel.*.unwatched", "error", _("A channel cannot be looked after"), "channel-unwatched"),
    Kind("webhook.*", "error", _("Telegram cannot reach us"), "webhook-errors"),
    Kind("poller.*", "error", _("Updates cannot be fetched"), "poller"),
    Kind("updates.quarantined", "error", _("An update could not be processed"), "updates-quarantined"),
    Kind("tool.*", "error", _("A tool needs a person's look"), "tool"),
    Kind("turn.buried", "error", _("A message was given up unanswered"), "turn-buried"),
    Kind("budget.spent.*", "error", _("The month's budget for models is spent"), "budget-spent"),
    Kind("budget.nearly.*", "warning", _("The month's budget for models is nearly spent"), "budget-nearly"),
    Kind("price.unknown", "warning", _("The price of a model is not known"), "price-unknown"),
    Kind("paused.*", "info", _("Work is paused"), "paused"),
    Kind("errors.rate", "error", _("Too many messages fail"), "error-rate"),
    Kind("backlog", "warning", _("More waits than is worked off"), "backlog"),
    Kind("stuck", "error", _("Somebody waits too long for an answer"), "stuck-message"),
    Kind("process.*.given_up", "critical", _("A process does not start any more"), "process-given-up"),
    Kind("process.*", "warning", _("A process had to be restarted"), "process-restarted"),
    Kind("backup.stale", "error", _("The backup is late or broken"), "backup-stale"),
    Kind("backup.invalid", "error", _("A copy that was restored on trial is not good"), "backup-invalid"),
    Kind("backup.untried", "error", _("No copy was restored on trial for long"), "backup-invalid"),
    Kind("restore.doubtful", "warning", _("Answers may have been sent before a restore"), "restore-doubtful"),
    Kind("check.database", "critical", _("The database cannot be written"), "database-down"),
    Kind("check.redis", "error", _("Redis is not well"), "redis-down"),
    Kind("check.broker", "error", _("The broker of the work queues is not well"), "broker-down"),
    Kind("check.workers", "error", _("Workers are missing or stand still"), "workers-down"),
    Kind("check.beat", "error", _("The timetable stands still"), "beat-down"),
    Kind("check.disk", "error", _("The disk is nearly full"), "disk-full"),
    Kind("check.memory", "warning", _("Memory runs out"), "memory-high"),
    Kind("check.clock", "warning", _("The clock is wrong"), "clock-wrong"),
    Kind("check.providers", "warning", _("A model is not well"), "provider-down"),
    Kind("check.certificate", "error", _("The certificate is about to end"), "certificate"),
    Kind("check.*", "error", _("A health check fails"), "check-failed"),
)
UNKNOWN = Kind("*", "error", _("Something needs an operator"), "unknown")


@lru_cache(maxsize=1024)
def kind_of(name: str) -> Kind:
    """The first that fits."""
    return next((kind for kind in KINDS if fnmatchcase(name, kind.pattern)), UNKNOWN)
