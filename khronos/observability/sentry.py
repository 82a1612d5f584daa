"""Errors go to Sentry: what is logged at level error (docs/logs.md). Loaded only where SENTRY_DSN is set."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.logging import EventHandler

from khronos.observability.formats import facts_of
from khronos.observability.secrecy import scrubbed

FLUSH_S = 0.9


def start(service: str, environment: str, version: str, dsn: str) -> Callable[[], object]:
    """No integrations: they would add what people wrote, who they are, and variables' values."""
    sentry_sdk.init(
        dsn,
        release=f"khronos@{version}",
        environment=environment,
        default_integrations=False,
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        include_local_variables=False,
        send_default_pii=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        before_send=prepared,
        shutdown_timeout=FLUSH_S,
    )
    sentry_sdk.get_global_scope().set_tag("service", service)
    logging.getLogger().addHandler(EventHandler(logging.ERROR))
    return partial(sentry_sdk.flush, FLUSH_S)


def prepared(event: Any, hint: dict[str, Any]) -> Any:
    """With the trace it belongs to, without any secret. What is bound goes along, as in the log."""
    if record := hint.get("log_record"):
        facts = facts_of(record)
        ids = {name: str(facts[name]) for name in ("trace_id", "correlation_id") if facts.get(name)}
        event["tags"] = {**dict(event.get("tags") or {}), **ids}
        event["extra"] = {
            name: value if type(value) in PLAIN else str(value) for name, value in facts.items()
        }
    return scrubbed(event)


PLAIN = {str, int, float, bool, list, dict, type(None)}
