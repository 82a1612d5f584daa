"""The process's caches: what is asked for again and again, and changes seldom (docs/resilience.md)."""

from functools import cache

from django.conf import settings

from khronos.bus.connection import quick
from khronos.observability import metrics
from khronos.resilience.cache import Cache, CachePolicy, Caches, CacheStats, RedisStore

# In process memory alone: rows of the database are read anew after an invalidation, or a minute.
CHANNELS = CachePolicy("channels", shared_s=0, nothing_s=2.0)

LAYERS = {"hits_local": "local", "hits_shared": "shared"}
MISSES = ("computes", "waits")


@cache
def caches() -> Caches:
    return Caches(RedisStore(quick()), tell=count)


def count(cache: str, what: str) -> None:
    if what in LAYERS:
        metrics.CACHE_HITS.labels(cache=cache, layer=LAYERS[what]).inc()
    elif what in MISSES:
        metrics.CACHE_MISSES.labels(cache=cache).inc()


def stats() -> dict[str, CacheStats]:
    """Of each one, whether anybody has asked it yet or not."""
    for made in ALL:
        made()
    return caches().stats()


@cache
def channels() -> Cache:
    """By slug."""
    return caches().add(CHANNELS)


@cache
def grants() -> Cache:
    """By tenant and agent: names of tools, and who confirms them. Before a call the rows are read."""
    return caches().add(CachePolicy("grants", shared_s=0))


@cache
def tools() -> Cache:
    """Results of tools that allow it, by tool and arguments."""
    return caches().add(
        CachePolicy("tools", shared_s=settings.TOOL_RESULTS_KEPT_S, patience_s=settings.TOOL_PATIENCE_S)
    )


@cache
def answers() -> Cache:
    """Of tenants that allow it, by prompt. Whoever waits for another's has patience with every model."""
    patience_s = sum(settings.PROVIDER_TOTAL_TIMEOUT_S.values())
    return caches().add(CachePolicy("answers", shared_s=settings.ANSWERS_KEPT_S, patience_s=patience_s))


@cache
def knowledge() -> Cache:
    """Of the signs of a tenant's vectors; who has many tenants keeps those that are asked."""
    return caches().add(CachePolicy("knowledge", entries=64, local_s=600.0, shared_s=0))


@cache
def documented() -> Cache:
    """By tenant: are there documents to look into at all?"""
    return caches().add(CachePolicy("documented", shared_s=0))


ALL = (channels, grants, tools, answers, knowledge, documented)
