"""What the page says, in the language of whoever looks. `{…}` is filled in by the browser."""

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from khronos.models import Alert
from khronos.models.check import State


def phrases() -> dict[str, str]:
    return frame() | verdicts() | numbers() | needs() | parts() | machine() | states() | checks() | levels()


def frame() -> dict[str, str]:
    return {
        "title": _("Dashboard"),
        "skip": _("Skip to the numbers"),
        "contact.live": pgettext("contact with the server", "Live"),
        "contact.looking": _("Looking…"),
        "contact.lost": _("No contact"),
        "contact.signed-out": _("Signed out"),
        "lost": _("No contact with Khronos for {time}. What you see is old."),
        "signed_out": _("You are signed out. What you see is old."),
        "sign_in": _("Sign in"),
        "unsure": _("The database is away, and it alone knows who you are. This page tries again by itself."),
        "admin": _("Admin"),
        "chat": _("Chat page"),
        "more": _("What else is amiss"),
        "noscript": _("This page needs JavaScript."),
        "old": _("as of {time} ago"),
        "unknown": _("not known: {error}"),
        "version": _("Version {version}, up for {time}"),
        "s": _("{n} s"),
        "ms": _("{n} ms"),
        "min": _("{n} min"),
        "h": _("{n} h"),
        "d": _("{n} d"),
    }


def verdicts() -> dict[str, str]:
    return {
        "is.well": _("All is well."),
        "is.empty": _("All is well. No messages yet: write the first one."),
        "is.open_chat": _("Open the chat page"),
        "is.database_away": _("The database is away. Messages are not taken until it is back."),
        "is.valkey_away": _("Valkey is away. What is stored waits, and goes on by itself."),
        "is.checks_failing": _("A check fails: {names}."),
        "is.checks_stale": _("Nobody looks any more: {names}."),
        "is.not_known": _("A part of this page could not be found out: {names}."),
        "is.process_failed": _("Given up after failed starts: {names}."),
        "is.process_down": _("Not running just now: {names}."),
        "is.memory_high": _("Almost at its memory limit: {names}."),
        "is.oldest_waits": _("The oldest message has waited {time} for its answer."),
        "is.alerts_open": _("Open alerts: {n}."),
        "is.dead_letters": _("Given up and waiting for a person: {n}."),
        "is.quarantined": _("Not understood and put aside: {n}."),
        "is.paused": _("Paused by an operator: {n}."),
        "is.breakers_open": _("Left alone for a while: {names}."),
    }


def numbers() -> dict[str, str]:
    return {
        "waiting": pgettext("messages", "Waiting"),
        "nothing_waits": _("Nothing waits."),
        "oldest": _("Oldest"),
        "updates": _("not read yet"),
        "turns": _("to be answered"),
        "working": _("being answered now"),
        "parked": _("parked: the model is away"),
        "deliveries": _("to be sent"),
        "hour": _("Last hour"),
        "last_minutes": _("Last {n} min"),
        "received": _("messages in"),
        "answered": _("answers sent"),
        "p50": _("half are answered within"),
        "p95": _("95 % are answered within"),
        "no_answers": _("No answers in this time."),
        "spark": _("Each minute: messages in, at most {received}; answers sent, at most {answered}"),
        "usage": _("Cost today"),
        "price_unknown": _("price not known"),
        "tokens": _("{input} tokens in, {output} out"),
        "calls": _("{n} calls"),
        "no_usage": _("No model was asked today."),
    }


def needs() -> dict[str, str]:
    return {
        "alerts": _("Open alerts"),
        "no_alerts": _("No open alerts."),
        "times": _("{n} times"),
        "dead_letters": _("Dead letters"),
        "quarantined": _("Updates in quarantine"),
        "paused": _("Pauses"),
        "by": _("by {who}"),
        "all_alerts": _("All alerts"),
    }


def parts() -> dict[str, str]:
    return {
        "processes": _("Processes"),
        "no_processes": _("No supervisor on this machine. Alive anywhere:"),
        "process": _("process"),
        "state": _("state"),
        "up": _("up for"),
        "memory": _("memory"),
        "restarts": _("restarts"),
        "checks": _("Health"),
        "breakers": _("Breakers"),
        "again_in": _("tried again in {time}"),
        "failures": _("{failures} of {calls} calls failed"),
        "limits": _("Limits"),
        "no_limits": _("No limits in use."),
        "of": _("{used} of {limit}"),
        "in_line": _("{n} in line"),
        "queues": _("Queues"),
        "bus": _("on the bus"),
    }


def machine() -> dict[str, str]:
    return {
        "caches": _("Cache of this process"),
        "no_caches": _("Nothing was looked for yet."),
        "hits": _("{share} found, {entries} kept"),
        "pools": _("Connections of this process"),
        "machine": _("Machine"),
        "free_memory": _("memory free"),
        "free_disk": _("disk free"),
        "load": _("load"),
        "cores": _("{load} on {n} cores"),
        "database_size": _("database"),
        "valkey_size": _("Valkey"),
        "backup": _("newest backup"),
        "no_backup": _("not known here"),
    }


def states() -> dict[str, str]:
    return {
        "state.running": pgettext("process", "running"),
        "state.starting": pgettext("process", "starting"),
        "state.waiting": pgettext("process", "waiting"),
        "state.stopping": pgettext("process", "stopping"),
        "state.stopped": pgettext("process", "stopped"),
        "state.frozen": pgettext("process", "stands still"),
        "state.failed": pgettext("process", "given up"),
        "state.closed": pgettext("breaker", "closed"),
        "state.open": pgettext("breaker", "open"),
        "state.half-open": pgettext("breaker", "half-open"),
    }


def checks() -> dict[str, str]:
    states = {f"state.{state}": str(state.label) for state in State}
    return states | {
        "check.database": pgettext("check", "database"),
        "check.redis": pgettext("check", "Valkey"),
        "check.broker": pgettext("check", "broker"),
        "check.workers": pgettext("check", "workers"),
        "check.disk": pgettext("check", "disk"),
        "check.memory": pgettext("check", "memory"),
        "check.beat": pgettext("check", "timetable"),
        "check.clock": pgettext("check", "clock"),
        "check.webhook": pgettext("check", "webhooks"),
        "check.providers": pgettext("check", "models"),
        "check.certificate": pgettext("check", "certificate"),
        "check.backup": pgettext("check", "backup"),
    }


def levels() -> dict[str, str]:
    return {f"level.{level}": str(level.label) for level in Alert.Level}
