"""Ask the models in order: the first that answers is the answer; when all are away the turn waits."""

import logging
import secrets
from collections.abc import Sequence

from khronos.agents.providers import configured
from khronos.agents.providers.base import Completion, Prompt
from khronos.agents.providers.errors import Empty, complaint
from khronos.agents.providers.measured import complete
from khronos.agents.spending import reserve
from khronos.alerts import raise_alert, resolve_alert
from khronos.bus import doorbell
from khronos.bus.routes import HURRY
from khronos.exceptions import Permanent, Refused, Throttled, Transient, Unauthorized
from khronos.guards import limits
from khronos.guards.breakers import guarded
from khronos.observability.steps import step
from khronos.usage.budget import Held, Spent

log = logging.getLogger(__name__)

EMPTY_A_MINUTE = 3  # answers without a word to one question; the next one is taken for an answer


class Away(Exception):
    """No model can answer now, or what it is asked about cannot be had."""

    def __init__(
        self,
        reason: str,
        retry_after: float | None,
        *,
        needs_operator: bool = False,
        has_place: bool = False,
        is_sure: bool = False,
        was_asked: bool = True,
        is_spent: bool = False,
        words: str = "wait",
    ) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.needs_operator = needs_operator
        self.has_place = has_place  # only our own limits are reached
        self.is_sure = is_sure  # of the time: not an estimate
        self.was_asked = was_asked  # any model at all: our own guards let nothing through
        self.is_spent = is_spent  # the month's budget
        self.words = "later" if is_spent else words  # the phrase for whoever waits


def nobody(_tokens: Sequence[str]) -> None:
    """Whoever waits comes by itself, a little later."""


def think(
    prompt: Prompt,
    order: Sequence[str] = (),
    *,
    token: str = "",
    wake: limits.Wake = nobody,
    for_answers: bool = True,
) -> Completion:
    """Raises Away when every provider failed and that may pass, Permanent when none will ever answer this.

    `token` is who asks, the same one again after a wait; `wake` is told who need not wait any longer. What is
    not `for_answers` asks when nobody else would.
    """
    token = token or secrets.token_hex(8)
    failures: list[tuple[str, Exception]] = []
    for name in configured(order):
        try:
            reserve(name, prompt)
            with guarded(name), limits.seat(name, token, wake, for_answers=for_answers):
                completion = ask(name, prompt, token)
        except (Transient, Permanent) as error:
            failures.append((name, error))
            tell_failed(name, error)
        else:
            tell_answered(name, stands_in=bool(failures))
            return completion
    raise verdict(failures)


def tell_failed(name: str, error: Transient | Permanent) -> None:
    if isinstance(error, Unauthorized):
        raise_alert(wrong_key(name), "error", f"{name} {complaint(error)}: {error}")
    else:
        log.warning("provider failed", extra={"provider": name, "error": str(error)[:300]})


def tell_answered(name: str, *, stands_in: bool) -> None:
    if stands_in:
        log.info("provider stood in", extra={"provider": name})
    if resolve_alert(wrong_key(name)):
        doorbell.call(HURRY, "ops", wrong_key(name))


def ask(name: str, prompt: Prompt, token: str) -> Completion:
    try:
        with step("model.asked", provider=name) as this:
            completion = complete(name, prompt)
            this.add(
                model=completion.model,
                input_tokens=completion.input_tokens,
                output_tokens=completion.output_tokens,
                stop_reason=completion.stop_reason,
            )
    except Empty as error:
        if limits.counted(f"empty:{name}:{token}", EMPTY_A_MINUTE).within:
            raise
        raise Permanent(f"{error}, again and again: it is the question") from None
    except Throttled as error:
        limits.slow_down(name, error.retry_after)
        raise
    if completion.requests_per_minute:
        limits.learn(name, completion.requests_per_minute)
    return completion


def wrong_key(name: str) -> str:
    """The alert's name."""
    return f"provider.{name}.unauthorized"


def waits_for(name: str, error: Exception) -> str:
    """What a turn's reason begins with tells who wakes it; one that has a place in a line is called up."""
    if isinstance(error, (limits.Full, Held, Spent)):
        return str(error)
    return f"{wrong_key(name) if isinstance(error, Unauthorized) else name}: {error}"


def verdict(failures: Sequence[tuple[str, Exception]]) -> Exception:
    reason = "; ".join(dict.fromkeys(waits_for(name, error) for name, error in failures))[:500]
    if all(is_final(error) for _, error in failures):
        return Permanent(reason)
    passing = [error for _, error in failures if isinstance(error, Transient)]
    waits = [error.retry_after for error in passing if error.retry_after]
    full = [error for error in passing if isinstance(error, (limits.Full, Held))]
    return Away(
        reason,
        min(waits, default=None),
        needs_operator=not passing,
        has_place=bool(full) and len(full) == len(passing),
        is_sure=all(isinstance(error, limits.Full) and error.is_sure for error in full),
        was_asked=not all(isinstance(error, Refused) for _, error in failures),
        is_spent=any(isinstance(error, Spent) for error in passing),
    )


def is_final(error: Exception) -> bool:
    """Whatever is done, this question gets no answer; a wrong key can be mended."""
    return isinstance(error, Permanent) and not isinstance(error, Unauthorized)
