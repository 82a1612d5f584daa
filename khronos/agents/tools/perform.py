"""One call of a tool: from its row to its row (docs/tools.md).

Marked as running before it is made, and its result is stored before anything else happens. A change of our
own tables is committed together with its result, so that a crash never leaves one without the other.
"""

import logging
import time
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Any

import orjson
from django.db import DatabaseError, InterfaceError, transaction

from khronos.agents.tools import book
from khronos.agents.tools.base import Scene, Tool, Unfit, storable
from khronos.agents.tools.schema import complaint
from khronos.agents.tools.timeout import in_time
from khronos.agents.tools.toolbox import Toolbox, is_granted
from khronos.alerts import raise_alert
from khronos.exceptions import Ambiguous, Failure, Permanent, Refused, Unauthorized
from khronos.guards import caches, limits
from khronos.guards.breakers import guarded
from khronos.models import ToolCall, Turn
from khronos.observability.steps import step
from khronos.resilience import crashpoints

log = logging.getLogger(__name__)

State = ToolCall.State
type End = dict[str, Any]  # the columns of a call that is over

NOT_HERE = "there is no such tool"
GRACE_S = 1.0  # beyond a tool's own deadline


def perform(turn: Turn, call: ToolCall, box: Toolbox, scene: Scene) -> None:
    found = box.get(call.tool)
    if found is None or not is_granted(turn.conversation, call.tool):
        book.end(turn, call, state=State.REFUSED, error=NOT_HERE)
        return
    tool = found.tool
    if call.state == State.RUNNING and not tool.is_repeatable:
        book.end(turn, call, **in_doubt(tool, "its worker died in the middle"))
        return
    if refusal := too_often(tool, scene):
        book.end(turn, call, state=State.REFUSED, error=refusal)
        return
    with step("tool.called", tool=tool.name, call=call.pk) as this:
        if tool.is_local and tool.side_effects:
            book.end_with(turn, call, partial(changed_here, tool, call, scene))
        else:
            book.begin(turn, call)
            crashpoints.reached("tool.running")
            end = outcome(tool, call, scene)
            crashpoints.reached("tool.called")
            book.end(turn, call, **end)
        this.add(state=call.state)


def too_often(tool: Tool, scene: Scene) -> str:
    count = limits.counted(f"tool:{scene.tenant_id}:{tool.name}", tool.per_minute)
    return "" if count.within else f"it was called too often; again in {count.wait_s:.0f} s"


def changed_here(tool: Tool, call: ToolCall, scene: Scene) -> End:
    """Within the transaction that stores the result; what fails is undone first."""
    began = time.perf_counter()
    try:
        with transaction.atomic():
            return timed(began, done(tool, tool.run(scene, call.arguments)))
    except (Unfit, Failure) as error:
        return timed(began, {"state": State.FAILED, "error": str(error)})
    except (DatabaseError, InterfaceError):
        raise
    except Exception:
        log.exception("tool failed", extra={"tool": tool.name})
        return {"state": State.FAILED, "error": "it failed by a fault of its own"}


def outcome(tool: Tool, call: ToolCall, scene: Scene) -> End:
    began = time.perf_counter()
    try:
        return timed(began, done(tool, *asked(tool, call, scene)))
    except Unfit as error:
        return timed(began, {"state": State.FAILED, "error": str(error)})
    except Failure as error:
        return timed(began, failed(tool, error))
    except (DatabaseError, InterfaceError):
        raise
    except Exception:
        log.exception("tool failed", extra={"tool": tool.name})
        if tool.is_repeatable:
            return timed(began, {"state": State.FAILED, "error": "it failed by a fault of its own"})
        return timed(began, in_doubt(tool, "it failed in the middle"))


def timed(began: float, end: End) -> End:
    return end | {"duration_ms": round((time.perf_counter() - began) * 1000)}


def asked(tool: Tool, call: ToolCall, scene: Scene) -> tuple[Any, bool]:
    """The result, and whether it was remembered."""
    run = partial(called, tool, call, scene)
    if not tool.is_cacheable or tool.side_effects:
        return run(), False
    is_new = False

    def compute() -> Any:
        nonlocal is_new
        result = run()
        is_new = True
        return result

    return caches.tools().get(key_of(tool, call, scene), compute), not is_new


def key_of(tool: Tool, call: ToolCall, scene: Scene) -> str:
    whose = str(scene.contact.pk) if tool.is_personal else ""
    said = orjson.dumps([tool.name, whose, call.arguments], option=orjson.OPT_SORT_KEYS)
    return f"{scene.tenant_id}:{sha256(said).hexdigest()}"


def called(tool: Tool, call: ToolCall, scene: Scene) -> Any:
    run: Callable[[], Any] = partial(tool.run, scene, call.arguments)
    if tool.is_local:
        return run()
    with guarded(tool.guard):
        return in_time(tool.timeout_s + GRACE_S, run)


def done(tool: Tool, result: Any, was_remembered: bool = False) -> End:
    """Raises what the answer of a tool that breaks its own schema amounts to."""
    result = storable(result)
    if trouble := complaint(tool.gives, result):
        broken = f"it answered otherwise than it promises: {trouble}"
        raise Permanent(broken) if tool.is_repeatable else Ambiguous(broken)
    return {"state": State.DONE, "result": result, "was_remembered": was_remembered}


def failed(tool: Tool, error: Failure) -> End:
    if isinstance(error, Ambiguous) and not tool.is_repeatable:
        return in_doubt(tool, str(error))
    if isinstance(error, Unauthorized):
        raise_alert(f"tool.{tool.name}.unauthorized", "error", f"The tool {tool.name}: {error}")
    said = "it is out of order right now" if isinstance(error, Refused) else str(error)
    return {"state": State.FAILED, "error": said}


def in_doubt(tool: Tool, why: str) -> End:
    text = f"Nobody knows whether {tool.name} did what it was asked: {why}. It is not repeated."
    raise_alert(f"tool.{tool.name}.unknown", "error", text)
    return {"state": State.UNKNOWN, "error": why}
