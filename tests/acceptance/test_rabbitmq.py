"""RabbitMQ as the broker: away, frozen, emptied or killed, it costs time and never a message."""

import http.client
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing

import orjson
import pytest

from bench.patience import until
from settings.dotenv import read_env_file
from tests.acceptance.conftest import EDIT, house
from tests.acceptance.stage import Stage, clean, exact, figures
from tests.rabbitmq import RabbitMQ
from tests.stopwatch import Stopwatch

QUEUES = ("agent.ai", "delivery")
OUTAGE_S = 10.0
RECOVERY_S = 30.0  # from the broker's return to the last answer


@pytest.fixture
def stage(rabbitmq: RabbitMQ) -> Stage:
    """Answers are put into placeholders, so that nothing may be repeated."""
    return house.open(env=EDIT | {"CELERY_BROKER_URL": rabbitmq.url()})


def stop_and_start(server: RabbitMQ, stage: Stage) -> None:
    server.stop()
    wait_out(stage)
    server.start()


def kill_and_start(server: RabbitMQ, _stage: Stage) -> None:
    server.kill()
    server.start()


def freeze_and_thaw(server: RabbitMQ, stage: Stage) -> None:
    server.freeze()
    wait_out(stage)
    server.thaw()


def wait_out(stage: Stage) -> None:
    """All is accepted meanwhile, not all answered."""
    began = time.monotonic()
    stage.after(120)
    time.sleep(max(0.0, began + OUTAGE_S - time.monotonic()))
    assert len(figures(stage.world.verdict())["lost"]) > 0  # type: ignore[arg-type]


def empty(server: RabbitMQ, stage: Stage) -> None:
    for accepted in (30, 60, 90):
        stage.after(accepted)
        server.purge(*QUEUES)


def forget_all_in_valkey(_server: RabbitMQ, stage: Stage) -> None:
    for accepted in (30, 60, 90):
        stage.after(accepted)
        with stage.khronos.redis() as client:
            client.flushall()


def test_burst_is_answered_over_rabbitmq(stage: Stage, rabbitmq: RabbitMQ) -> None:
    stage.play(50, 4)
    assert figures(stage.finish()) == exact(200)
    assert stage.troubles() == clean()
    assert until(lambda: [rabbitmq.waiting_in(queue) for queue in QUEUES] == [0, 0], 10)
    with stage.khronos.redis() as client:
        assert [client.llen(queue) for queue in QUEUES] == [0, 0]  # Celery has left nothing there


def test_operator_sees_rabbitmq_and_its_workers(stage: Stage) -> None:
    secrets = dict(read_env_file(stage.khronos.home.secrets))
    bearer = {"Authorization": f"Bearer {secrets['METRICS_TOKEN']}"}
    looks: list[tuple[bool, str]] = []

    def takes_messages() -> bool:
        broker = orjson.loads(fetch(stage.khronos.port, "/ready", bearer, 200, 503))["checks"]["broker"]
        looks.append((broker["ok"], broker["detail"]))
        return looks[-1] == (True, "takes messages")

    assert until(takes_messages, 20, every=0.5), looks  # a check may be late on a busy machine
    key = b64encode(f"khronos:{secrets['FLOWER_PASSWORD']}".encode()).decode()
    workers = orjson.loads(
        fetch(stage.khronos.flower_port, "/api/workers?refresh=1", {"Authorization": f"Basic {key}"})
    )
    assert {name.partition("@")[0] for name in workers} == {"agent", "worker"}


def fetch(port: int, path: str, headers: dict[str, str], *good: int) -> bytes:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        assert response.status in (good or (200,))
        return response.read()


@pytest.mark.parametrize(
    "trouble", [stop_and_start, kill_and_start, freeze_and_thaw, empty, forget_all_in_valkey]
)
def test_trouble_of_the_broker_costs_nothing(
    stage: Stage, rabbitmq: RabbitMQ, trouble: Callable[[RabbitMQ, Stage], None]
) -> None:
    restarts = stage.restarts()
    stage.world.models.think(0.2)
    stage.play(20, 6, arrival="paced", rate=40)
    stage.after(30)
    trouble(rabbitmq, stage)
    with Stopwatch() as watch:
        assert figures(stage.finish()) == exact(120)
    assert watch.took_s < RECOVERY_S
    assert stage.troubles() == clean()
    assert stage.restarts() == restarts


@pytest.mark.parametrize("name", ["agent", "worker"])
def test_killed_worker_of_rabbitmq_costs_nothing(stage: Stage, name: str) -> None:
    stage.world.models.think(0.2)
    stage.play(15, 6, arrival="paced", rate=60)
    stage.after(45)
    stage.khronos.wait_back(name, stage.khronos.kill(name))
    assert figures(stage.finish()) == exact(90)
    assert stage.troubles() == clean()


def test_restart_of_all_over_rabbitmq_loses_and_repeats_nothing(stage: Stage) -> None:
    stage.world.models.think(0.3)
    stage.play(20, 6, arrival="paced", rate=60)
    stage.after(60)
    assert stage.khronos.terminate() == 0
    stage.khronos.start()
    assert figures(stage.finish(90)) == exact(120)
    assert stage.troubles() == clean()
