"""Ask the models in order: the first that answers is the answer; when all are away the turn waits."""

import logging
from collections.abc import Sequence

from khronos.agents.providers import configured, provider
from khronos.agents.providers.base import Completion, Prompt
from khronos.alerts import raise_alert, resolve_alert
from khronos.exceptions import Permanent, Transient, Unauthorized

log = logging.getLogger(__name__)


class Away(Exception):
    """No model can answer now."""

    def __init__(self, reason: str, retry_after: float | None, needs_operator: bool) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.needs_operator = needs_operator


def think(prompt: Prompt, order: Sequence[str] = ()) -> Completion:
    """Raises Away when every provider failed and that may pass, Permanent when none will ever answer this."""
    failures: list[tuple[str, Exception]] = []
    for name in configured(order):
        try:
            completion = provider(name).complete(prompt)
        except Unauthorized as error:
            failures.append((name, error))
            raise_alert(f"provider.{name}.unauthorized", "error", f"{name} refuses our key: {error}")
        except (Transient, Permanent) as error:
            failures.append((name, error))
            log.warning("provider failed", extra={"provider": name, "error": str(error)[:300]})
        else:
            if failures:
                log.info("provider stood in", extra={"provider": name})
            resolve_alert(f"provider.{name}.unauthorized")
            return completion
    raise verdict(failures)


def verdict(failures: Sequence[tuple[str, Exception]]) -> Exception:
    reason = "; ".join(f"{name}: {error}" for name, error in failures)[:500]
    if all(type(error) is Permanent for _, error in failures):
        return Permanent(reason)
    waits = [error.retry_after for _, error in failures if isinstance(error, Transient) and error.retry_after]
    soon = any(isinstance(error, Transient) for _, error in failures)
    return Away(reason, min(waits, default=None), needs_operator=not soon)
