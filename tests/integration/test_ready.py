"""/health, /ready and the sign-in link."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO

import pytest
import redis
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core import signing
from django.test import Client

from khronos.desk import login
from khronos.desk.login import link_for
from khronos.observability import health, heartbeat, views
from khronos.observability.health import Readiness

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


def test_health_touches_nothing(settings: LazySettings) -> None:
    """There is no database in this test, and asking for one would fail it."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    status, body = get("/health")
    assert status == 200
    assert body["status"] == "UP"
    assert set(body) == {"status", "uptime", "memory", "pid"}


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
