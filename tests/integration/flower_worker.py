"""A Celery of its own, for Flower to look at."""

import os

from celery import Celery

app = Celery("flower-test", broker=os.environ["FLOWER_TEST_BROKER"])
