"""/health, /ready and the sign-in link."""

import json
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO

import pytest
import redis
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core import signing
from django.test import Client
from kombu.exceptions import OperationalError

from khronos.celery import app
from khronos.conversation.dispatcher import Dispatcher
from khronos.desk import login
from khronos.desk.login import link_for
from khronos.models import DeadLetter, Event, Update
from khronos.observability import canaries, health, heartbeat, views
from khronos.observability.health import Readiness
from tests.integration.way import told

TOKEN = "metrics-token"


@pytest.fixture
def fresh(
    settings: LazySettings, bus: "redis.Redis", monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> None:
    """Nothing remembered of earlier looks, an agent that is alive, a token."""
    settings.METRICS_TOKEN = TOKEN
    monkeypatch.setattr(views, "readiness", Readiness(health.CHECKS))
    heartbeat.client.cache_clear()
    heartbeat.last_beats.clear()
    heartbeat.places_done.clear()
    heartbeat.beat("agent")


def get(path: str, **environ: str) -> tuple[int, dict[str, object]]:
    """Through the WSGI application, as the server calls it: the lean chain."""
    from khronos.wsgi import application

    status: list[str] = []

    def start_response(line: str, _headers: object, _error: object = None) -> Callable[[bytes], object]:
        status.append(line)
        return lambda _data: None

    body = application(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "wsgi.input": BytesIO(),
            "wsgi.url_scheme": "http",
            **environ,
        },
        start_response,
    )
    return int(status[0].split()[0]), json.loads(b"".join(body))


def checks(**environ: str) -> dict[str, dict[str, object]]:
    _status, body = get("/ready", HTTP_AUTHORIZATION=f"Bearer {TOKEN}", **environ)
    return body["checks"]  # type: ignore[return-value]


def test_a_slash_at_the_end_of_a_machines_address_is_no_other_address() -> None:
    status, body = get("/health/")
    assert (status, body["status"]) == (200, "UP")
    assert get("/pool/stats/")[0] == get("/pool/stats")[0] == 401


def test_health_touches_nothing(settings: LazySettings) -> None:
    """There is no database in this test, and asking for one would fail it."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    status, body = get("/health")
    assert status == 200
    assert body["status"] == "UP"
    assert set(body) == {"status", "uptime", "memory", "pid"}


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(("short", "long"), [("/livez", "/health"), ("/readyz", "/ready")])
def test_both_names_say_the_same(
    short: str, long: str, bus: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(path: str) -> tuple[int, object, list[str]]:
        status, body = get(path)
        return status, body["status"], sorted(body)

    assert told(short) == told(long)
    bus.flushall()
    monkeypatch.setattr(views, "readiness", Readiness(health.CHECKS))
    assert told(short) == told(long)
    assert told(short)[0] == (503 if short == "/readyz" else 200)


@pytest.mark.usefixtures("fresh")
def test_ready_with_everything_there() -> None:
    assert get("/ready") == (200, {"status": "ready"})
    assert all(check["ok"] for check in checks().values())


@pytest.mark.usefixtures("fresh")
def test_not_ready_without_an_agent(bus: "redis.Redis") -> None:
    bus.flushall()
    assert get("/ready") == (503, {"status": "not ready"})
    failing = {name for name, check in checks().items() if not check["ok"]}
    assert failing == {"workers"}


@pytest.mark.usefixtures("fresh")
def test_not_ready_without_redis(settings: LazySettings) -> None:
    settings.REDIS_URL = settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    heartbeat.client.cache_clear()
    assert get("/ready")[0] == 503
    failing = {name for name, check in checks().items() if not check["ok"]}
    assert failing == {"redis", "broker", "workers"}
    heartbeat.client.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_an_empty_token_admits_nobody(settings: LazySettings) -> None:
    settings.METRICS_TOKEN = ""
    assert get("/ready", HTTP_AUTHORIZATION="Bearer ") == (200, {"status": "ready"})


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("is_staff", [True, False])
def test_the_detail_is_for_staff(is_staff: bool) -> None:
    client = Client()
    client.force_login(User.objects.create_user("ana", is_staff=is_staff))
    status, body = get("/ready", HTTP_COOKIE=f"sessionid={client.cookies['sessionid'].value}")
    assert status == 200
    assert ("checks" in body) is is_staff


@pytest.mark.usefixtures("fresh")
def test_a_made_up_session_shows_nothing() -> None:
    assert get("/ready", HTTP_COOKIE="sessionid=made-up") == (200, {"status": "ready"})


def test_beats_are_counted_by_process_and_forgotten(
    bus: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two", "two"):
        monkeypatch.setattr(heartbeat, "member", lambda name=name: name)
        heartbeat.last_beats.clear()
        heartbeat.beat("agent")
    assert heartbeat.alive("agent") == 2
    assert heartbeat.alive("dispatcher") == 0
    assert 0 < int(str(bus.ttl("khronos:heartbeat:agent"))) <= heartbeat.ALIVE_S


def test_a_beat_never_fails(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    heartbeat.client.cache_clear()
    heartbeat.last_beats.clear()
    heartbeat.beat("agent")
    heartbeat.client.cache_clear()


QUEUES = ["agent.ai", "delivery", "embeddings", "ops"]


def beat(role: str) -> None:
    heartbeat.last_beats.clear()
    if role != canaries.READERS:
        heartbeat.beat(role)
        return
    canaries.beat()
    with canaries.aloft:
        """Until they are sent."""


def work(bus: "redis.Redis", queue: str) -> None:
    """What a worker does with a canary."""
    assert bus.rpop(queue) is not None
    app.tasks[canaries.CANARY].apply(throw=True)
    heartbeat.places_done.add(queue)


def awaited_for(bus: "redis.Redis", place: str, seconds: int) -> None:
    since = int(str(bus.hget(heartbeat.CANARIES, f"since {place}"), "ascii"))  # type: ignore[arg-type]
    bus.hset(heartbeat.CANARIES, f"since {place}", str(since - seconds))


def workers() -> tuple[bool, str]:
    """As /ready would find them now."""
    result = health.run(health.workers)
    return result.ok, result.detail


@pytest.mark.usefixtures("fresh")
def test_canaries_fly_through_every_queue_and_come_back(bus: "redis.Redis") -> None:
    assert workers() == (True, "1 alive; canary: none yet")
    beat("dispatcher")
    assert [bus.llen(queue) for queue in QUEUES] == [1, 1, 1, 1]
    for queue in QUEUES:
        work(bus, queue)
    beat("worker")
    assert set(canaries.canaries()) == {*QUEUES, canaries.BUS}
    ok, detail = workers()
    assert ok
    assert all(f"{queue} " in detail for queue in QUEUES)
    assert canaries.BUS not in detail
    assert heartbeat.places_done == set()


@pytest.mark.usefixtures("fresh")
def test_many_dispatchers_send_one_canary_at_a_time(bus: "redis.Redis") -> None:
    for _ in range(5):
        beat("dispatcher")
    assert [bus.llen(queue) for queue in QUEUES] == [1, 1, 1, 1]
    assert bus.xlen(canaries.BUS) == 1


@pytest.mark.usefixtures("fresh")
def test_not_ready_while_a_canary_is_awaited_for_too_long(bus: "redis.Redis") -> None:
    beat("dispatcher")
    for queue in QUEUES[1:]:
        work(bus, queue)
    beat("worker")
    awaited_for(bus, "agent.ai", 55)
    assert workers()[0]
    awaited_for(bus, "agent.ai", 10)
    ok, detail = workers()
    assert not ok
    assert detail.startswith("canary awaited: agent.ai 6")
    assert get("/ready") == (503, {"status": "not ready"})
    work(bus, "agent.ai")
    beat("agent")
    assert workers()[0]


@pytest.mark.usefixtures("fresh")
def test_one_that_is_awaited_for_long_is_not_followed_by_many(bus: "redis.Redis") -> None:
    beat("dispatcher")
    awaited_for(bus, "ops", 70)
    for _ in range(3):
        bus.hincrby(heartbeat.CANARIES, "sent ops", -canaries.CANARY_EVERY_S)
        bus.hincrby(heartbeat.CANARIES, "sent delivery", -canaries.CANARY_EVERY_S)
        beat("dispatcher")
    assert (bus.llen("ops"), bus.llen("delivery")) == (1, 4)


@pytest.mark.usefixtures("fresh")
def test_a_canary_on_the_bus_comes_back_when_it_is_read_and_acknowledged(bus: "redis.Redis") -> None:
    beat("dispatcher")
    dispatcher = Dispatcher()
    dispatcher.consumer.join()
    beat("dispatcher")
    assert canaries.canaries()[canaries.BUS][0] is None
    assert dispatcher.consumer.read(10) == 1
    beat("dispatcher")
    beat("dispatcher")
    done_s, awaited_s = canaries.canaries()[canaries.BUS]
    assert done_s is not None
    assert awaited_s == 0
    [event] = told(bus, canaries.BUS)
    assert all(event[name] for name in ("event", "event_id", "trace_id", "idempotency_key"))
    assert datetime.fromisoformat(event["timestamp"]).tzinfo is not None
    assert bus.xpending(canaries.BUS, canaries.READERS)["pending"] == 0


@pytest.mark.usefixtures("fresh")
def test_a_canary_leaves_no_row_and_speaks_to_no_monitor() -> None:
    tables = [model.objects.count() for model in (Event, Update, DeadLetter)]
    app.tasks[canaries.CANARY].apply(throw=True)
    assert [model.objects.count() for model in (Event, Update, DeadLetter)] == tables == [0, 0, 0]
    assert not app.tasks[canaries.CANARY].send_events


@pytest.mark.usefixtures("fresh")
def test_a_broker_that_is_away_leaves_no_canary_awaited(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(app, "send_task", refuse)
    beat("dispatcher")
    assert canaries.canaries()["agent.ai"] == (None, 0)


@pytest.mark.usefixtures("fresh")
def test_a_broker_that_hangs_keeps_the_dispatcher_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, thawed = threading.Semaphore(0), threading.Event()

    def hang(*_: object, **__: object) -> None:
        asked.release()
        thawed.wait(10)

    monkeypatch.setattr(app, "send_task", hang)
    began = time.monotonic()
    for _ in range(5):
        heartbeat.last_beats.clear()
        canaries.beat()
    assert time.monotonic() - began < 5.0
    assert asked.acquire(timeout=5)
    assert not asked.acquire(blocking=False)  # nor do canaries pile up before it
    thawed.set()
    with canaries.aloft:
        assert asked.acquire(timeout=0)  # the other queues had theirs


def test_a_member_that_beat_before_the_clock_was_set_back_is_not_alive(bus: "redis.Redis") -> None:
    heartbeat.client.cache_clear()
    later = int(bus.time()[0]) + 7200
    bus.zadd("khronos:heartbeat:agent", {"the dead": later})
    beat("agent")
    assert heartbeat.alive("agent") == 1
    assert bus.zcard("khronos:heartbeat:agent") == 1


def test_a_link_signs_in_once(db: None, client: Client) -> None:
    admin = User.objects.create_superuser("admin")
    link = link_for(admin)
    assert client.get(link).status_code == 302
    assert client.session["_auth_user_id"] == str(admin.pk)
    assert Client().get(link).status_code == 403


@pytest.mark.parametrize("wrong", ["/login/nonsense/", "/login/WzEsIiJd:1xUjgh:Ni3qzoF0dZqp9X549/"])
def test_a_made_up_link_is_refused(db: None, client: Client, wrong: str) -> None:
    User.objects.create_superuser("admin")
    assert client.get(wrong).status_code == 403


def test_an_old_link_is_refused(db: None, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    link = link_for(User.objects.create_superuser("admin"))
    monkeypatch.setattr(login, "VALID", timedelta(seconds=-1))
    assert client.get(link).status_code == 403


def test_a_link_of_somebody_who_left_is_refused(db: None, client: Client) -> None:
    link = link_for(User.objects.create_superuser("admin", is_active=False))
    assert client.get(link).status_code == 403


def test_a_link_for_something_else_is_refused(db: None, client: Client) -> None:
    admin = User.objects.create_superuser("admin")
    other = signing.dumps([admin.pk, ""], salt="khronos.something.else")
    assert client.get(f"/login/{other}/").status_code == 403
