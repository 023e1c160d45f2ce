"""RQ, queue and worker, on the server whose port is the first argument; prints "ok" if jobs do what they do with Redis."""
import logging
import os
import sys
import time
from datetime import timedelta

import redis
from rq import Queue, Retry, SimpleWorker
from rq.registry import FailedJobRegistry, FinishedJobRegistry, ScheduledJobRegistry
from rq.scheduler import RQScheduler

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rq_tasks

logging.disable(logging.CRITICAL)
port = int(sys.argv[1])
connection = redis.Redis(port=port)
connection.flushall()
high, low = (Queue(name, connection=connection) for name in ("high", "low"))


def work():
    SimpleWorker([high, low], connection=connection).work(burst=True)


# Results, arguments, one job that waits for another, the order of queues.
second = low.enqueue(rq_tasks.add, 1, 2)
first = high.enqueue(rq_tasks.add, 10, b=20, result_ttl=100)
waiting = low.enqueue(rq_tasks.add, 5, 5, depends_on=first)
assert high.count == 1 and low.count == 1
work()
assert [job.result for job in (first, second, waiting)] == [30, 3, 10]
assert first.get_status() == "finished"
first.refresh(), second.refresh()
assert first.ended_at < second.ended_at
assert 0 < connection.ttl(first.key) <= 100
assert waiting.id in FinishedJobRegistry("low", connection=connection)

# A job that fails, and one that is tried again.
lost = low.enqueue(rq_tasks.add, 1, "text")
again = low.enqueue(rq_tasks.fail_once, port, "times", retry=Retry(max=2))
work()
assert lost.get_status() == "failed" and lost.id in FailedJobRegistry("low", connection=connection)
assert again.result == "the second time"

# A job for later.
later = low.enqueue_in(timedelta(seconds=1), rq_tasks.add, 2, 2)
assert later.id in ScheduledJobRegistry("low", connection=connection)
scheduler = RQScheduler([low], connection=connection)
assert scheduler.acquire_locks() == {"low"}
while low.count == 0:
    scheduler.enqueue_scheduled_jobs()
    time.sleep(0.05)
scheduler.release_locks()
work()
assert later.result == 4 and low.is_empty()
print("ok")
