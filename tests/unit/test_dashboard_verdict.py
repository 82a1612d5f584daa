"""Is it well? One sentence of what is known, and nothing said that is not."""

from typing import Any

import pytest

from khronos.desk.dashboard.questions import Answer
from khronos.desk.dashboard.verdict import findings

WORK = {
    "waiting": {"oldest_s": None},
    "alerts": {"counts": {"info": 3, "warning": 0, "error": 0, "critical": 0}},
    "dead_letters": {"count": 0},
    "quarantined": {"count": 0},
    "paused": {"count": 0},
    "checks": {"beat": {"state": "good"}, "webhook": {"state": "unseen"}},
}
GOOD: dict[str, Any] = {
    "work": WORK,
    "stores": {"breakers": [{"name": "telegram", "state": "closed"}]},
    "machine": {
        "limit_mb": 500,
        "processes": [
            {"name": "web", "state": "running", "rss_mb": 449.0},
            {"name": "valkey", "state": "running", "rss_mb": 900.0},
        ],
    },
    "checks": {name: {"ok": True} for name in ("database", "redis", "broker", "workers", "disk")},
}


def told(**changed: Any) -> list[tuple[str, str, dict[str, Any]]]:
    answers = {name: Answer(True, data, 0.0) for name, data in GOOD.items()} | changed
    return [(each["tone"], each["code"], each["args"]) for each in findings(answers)]


def work(**changed: Any) -> Answer:
    return Answer(True, WORK | changed, 0.0)


def failing(*names: str) -> Answer:
    return Answer(True, GOOD["checks"] | {name: {"ok": False} for name in names}, 0.0)


def process(**changed: Any) -> Answer:
    row = {"name": "web", "state": "running", "rss_mb": 100.0} | changed
    return Answer(True, {"limit_mb": 500, "processes": [row]}, 0.0)


AWAY = Answer(False, None, None, 700.0, "no answer within 0.7 s")


def test_all_is_well() -> None:
    assert told() == []


@pytest.mark.parametrize(
    ("part", "answer", "expected"),
    [
        ("work", work(waiting={"oldest_s": 60.0}), []),
        ("work", work(waiting={"oldest_s": 61.0}), [("warning", "oldest_waits", {"seconds": 61.0})]),
        ("work", work(waiting={"oldest_s": 301.0}), [("danger", "oldest_waits", {"seconds": 301.0})]),
        ("work", work(dead_letters={"count": 2}), [("danger", "dead_letters", {"n": 2})]),
        ("work", work(quarantined={"count": 1}), [("danger", "quarantined", {"n": 1})]),
        ("work", work(paused={"count": 1}), [("warning", "paused", {"n": 1})]),
        (
            "work",
            work(alerts={"counts": {"info": 0, "warning": 4, "error": 1, "critical": 2}}),
            [("danger", "alerts_open", {"n": 3})],
        ),
        (
            "work",
            work(alerts={"counts": {"info": 0, "warning": 4, "error": 0, "critical": 0}}),
            [("warning", "alerts_open", {"n": 4})],
        ),
        (
            "work",
            work(checks={"beat": {"state": "stale"}, "backup": {"state": "bad"}}),
            [
                ("warning", "checks_failing", {"names": ["backup"]}),
                ("warning", "checks_stale", {"names": ["beat"]}),
            ],
        ),
        (
            "stores",
            Answer(True, {"breakers": [{"name": "telegram", "state": "half-open"}]}, 0.0),
            [("warning", "breakers_open", {"names": ["telegram"]})],
        ),
        ("machine", process(rss_mb=451.0), [("warning", "memory_high", {"names": ["web"]})]),
        ("machine", process(state="starting"), [("warning", "process_down", {"names": ["web"]})]),
        ("machine", process(state="failed"), [("danger", "process_failed", {"names": ["web"]})]),
        ("checks", failing("disk"), [("danger", "checks_failing", {"names": ["disk"]})]),
    ],
)
def test_each_trouble_is_named(part: str, answer: Answer, expected: list[Any]) -> None:
    assert told(**{part: answer}) == expected


def test_the_worst_comes_first() -> None:
    codes = [code for _tone, code, _args in told(work=work(paused={"count": 1}, dead_letters={"count": 1}))]
    assert codes == ["dead_letters", "paused"]


def test_what_waits_because_of_a_pause_is_no_danger() -> None:
    found = told(work=work(waiting={"oldest_s": 4000.0}, paused={"count": 1}))
    assert {tone for tone, _code, _args in found} == {"warning"}


@pytest.mark.parametrize("checks", [AWAY, failing("database")])
def test_an_absent_database_is_named_once(checks: Answer) -> None:
    assert told(work=AWAY, checks=checks) == [("danger", "database_away", {})]


@pytest.mark.parametrize("checks", [AWAY, failing("redis", "broker", "workers")])
def test_an_absent_valkey_is_named_once(checks: Answer) -> None:
    assert told(stores=AWAY, checks=checks) == [("danger", "valkey_away", {})]


@pytest.mark.parametrize("name", ["broker", "workers"])
def test_a_late_answer_of_valkey_is_not_blamed_for_what_fails_without_it(name: str) -> None:
    late = Answer(False, GOOD["stores"], 1.0, 700.0, "no answer within 0.7 s")
    assert told(stores=late, checks=failing(name)) == [("danger", "checks_failing", {"names": [name]})]


def test_a_part_that_fails_by_itself_is_not_blamed_on_the_database() -> None:
    broken = Answer(False, None, None, 1.0, "ValueError: no")
    assert told(work=broken) == [("danger", "not_known", {"names": ["work"]})]


def test_one_late_answer_is_no_news_and_an_old_one_is() -> None:
    late, old = (Answer(False, WORK, age_s, 700.0, "no answer within 0.7 s") for age_s in (9.0, 11.0))
    assert told(work=late) == []
    assert told(work=old) == [("danger", "not_known", {"names": ["work"]})]
