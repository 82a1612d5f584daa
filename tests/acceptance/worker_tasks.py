"""Work that leaves a trace in a Redis list, before and after."""

import os
import time

import redis
from celery import shared_task


@shared_task(queue="ops")
def work(name: str, seconds: float) -> None:
    diary = redis.Redis.from_url(os.environ["REDIS_URL"])
    diary.rpush("diary", f"begun {name}")
    time.sleep(seconds)
    diary.rpush("diary", f"done {name}")
