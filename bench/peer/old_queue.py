"""Drives Celery: for each line of JSON that asks for a number of tasks, answers how many ran in a second.

The tasks are put into the queue while nobody takes them; the clock runs from the moment when the worker may, until
the broker holds no task that is not acknowledged.
"""
import json
import os
import sys
import time

import redis

from old_tasks import app, noop

broker = redis.Redis.from_url(os.environ["REDIS_URL"])


def wait_until_idle():
    while broker.llen("celery") + broker.hlen("unacked") > 0:
        time.sleep(0.005)


for line in sys.stdin:
    jobs = json.loads(line)["jobs"]
    app.control.cancel_consumer("celery", reply=True, timeout=5)
    with app.producer_pool.acquire(block=True) as producer:
        for _ in range(jobs):
            noop.apply_async(producer=producer)
    began = time.perf_counter()
    app.control.add_consumer("celery")
    wait_until_idle()
    print(json.dumps({"jobs_per_second": jobs / (time.perf_counter() - began)}), flush=True)
