"""Is it well? Findings, the worst first, of what the questions answered; the page has the words for them."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings

from khronos.desk.dashboard.questions import Answer
from khronos.models.alert_policy import URGENT

LATE_S = 60.0  # an answer that is awaited for longer needs a look
STUCK_S = 300.0  # and for so long, a person
BELIEVED_S = 10.0  # an answer, when the next one fails
TONES = ("danger", "warning")


@dataclass(frozen=True, slots=True)
class Finding:
    tone: str
    code: str
    args: dict[str, object] = field(default_factory=dict)


def findings(answers: Mapping[str, Answer]) -> list[dict[str, Any]]:
    found = [
        *absences(answers),
        *of_checks(answers),
        *of_processes(answers),
        *of_work(answers),
        *of_stores(answers),
    ]
    return [asdict(finding) for finding in sorted(found, key=lambda finding: TONES.index(finding.tone))]


def told(answers: Mapping[str, Answer], name: str) -> dict[str, Any]:
    """What is known just now: what was true a while ago proves nothing."""
    answer = answers[name]
    return answer.data if answer.data and not is_old(answer) else {}


def is_old(answer: Answer) -> bool:
    """One answer that comes late is no news."""
    return not answer.ok and (answer.age_s is None or answer.age_s > BELIEVED_S)


def absences(answers: Mapping[str, Answer]) -> Iterator[Finding]:
    live = told(answers, "checks")
    failing = {name for name, check in live.items() if not check["ok"]}
    for name, code, check, others in (
        ("work", "database_away", "database", set()),
        ("stores", "valkey_away", "redis", {"broker", "workers"}),
    ):
        if not answers[name].ok and (not live or check in failing):
            yield Finding("danger", code)
            failing -= {check, *others}
    if failing:
        yield Finding("danger", "checks_failing", {"names": sorted(failing)})


def of_checks(answers: Mapping[str, Answer]) -> Iterator[Finding]:
    """What is looked at once in a while. A question that fails while all checks are good is our own fault."""
    live = told(answers, "checks")
    unknown = [name for name, answer in answers.items() if is_old(answer)]
    if unknown and live and all(check["ok"] for check in live.values()):
        yield Finding("danger", "not_known", {"names": unknown})
    seen = {name: check["state"] for name, check in told(answers, "work").get("checks", {}).items()}
    if bad := [name for name, state in seen.items() if state == "bad" and name not in live]:
        yield Finding("warning", "checks_failing", {"names": bad})
    if stale := [name for name, state in seen.items() if state == "stale"]:
        yield Finding("warning", "checks_stale", {"names": stale})


def of_processes(answers: Mapping[str, Answer]) -> Iterator[Finding]:
    machine = told(answers, "machine")
    rows = machine.get("processes", [])
    if failed := [row["name"] for row in rows if row["state"] == "failed"]:
        yield Finding("danger", "process_failed", {"names": failed})
    if down := [row["name"] for row in rows if row["state"] not in ("failed", "running")]:
        yield Finding("warning", "process_down", {"names": down})
    limited = [row for row in rows if row["name"] != "valkey"]
    if full := [
        row["name"] for row in limited if row["rss_mb"] > settings.ALERT_MEMORY * machine["limit_mb"]
    ]:
        yield Finding("warning", "memory_high", {"names": full})


def of_work(answers: Mapping[str, Answer]) -> Iterator[Finding]:
    work = told(answers, "work")
    if not work:
        return
    oldest_s, paused = work["waiting"]["oldest_s"] or 0.0, work["paused"]["count"]
    if oldest_s > LATE_S:
        tone = "danger" if oldest_s > STUCK_S and not paused else "warning"
        yield Finding(tone, "oldest_waits", {"seconds": oldest_s})
    counts = work["alerts"]["counts"]
    if number := sum(counts[level] for level in URGENT):
        yield Finding("danger", "alerts_open", {"n": number})
    elif counts["warning"]:
        yield Finding("warning", "alerts_open", {"n": counts["warning"]})
    for code in ("dead_letters", "quarantined"):
        if number := work[code]["count"]:
            yield Finding("danger", code, {"n": number})
    if paused:
        yield Finding("warning", "paused", {"n": paused})


def of_stores(answers: Mapping[str, Answer]) -> Iterator[Finding]:
    breakers = told(answers, "stores").get("breakers", [])
    if names := [breaker["name"] for breaker in breakers if breaker["state"] != "closed"]:
        yield Finding("warning", "breakers_open", {"names": names})
