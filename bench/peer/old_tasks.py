"""The old stack's queue: Celery on Redis. A task is acknowledged when it has run, so that a worker's death loses none."""
import os

from celery import Celery

app = Celery("old", broker=os.environ["REDIS_URL"])
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=64,
    broker_connection_retry_on_startup=True,
)


@app.task(name="noop")
def noop():
    return None


@app.task(name="generate")
def generate(generation_id):
    return None
