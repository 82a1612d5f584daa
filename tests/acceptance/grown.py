"""A Khronos of real processes over a PostgreSQL of its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bench.environment import World
from bench.instance import Instance
from bench.simulator import Simulator
from tests.acceptance.stage import Stage
from tests.cluster import Cluster
from tests.conftest import missing


class OnPostgresql(Instance):
    def __init__(self, world: World, cluster: Cluster, env: Mapping[str, str]) -> None:
        super().__init__(world, env={**cluster.env, **env})
        self.cluster = cluster

    def sql(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.cluster.sql(query.replace("?", "%s"), *parameters)


@contextmanager
def a_cluster() -> Iterator[Cluster]:
    try:
        made = Cluster.made()
    except ImportError:
        missing("PostgreSQL")
    with made as cluster:
        yield cluster


@contextmanager
def on_postgresql(env: Mapping[str, str]) -> Iterator[Stage]:
    with a_cluster() as cluster, Simulator.start() as world, OnPostgresql(world, cluster, env) as khronos:
        stage = Stage(world, khronos)
        stage.clear()
        yield stage
