"""Celery, application and worker, on the server whose port is the first argument; prints "ok" if tasks do what they do with Redis."""
import os
import subprocess
import sys
import time

import redis

folder = os.path.dirname(os.path.abspath(__file__))
os.environ["PORT"] = sys.argv[1]
sys.path.insert(0, folder)
redis.Redis(port=int(sys.argv[1])).flushall()
from celery import chain, chord, group
from celery.exceptions import TimeoutError
from celery_tasks import add, app, third_time, total

worker = subprocess.Popen(
    [sys.executable, "-m", "celery", "-A", "celery_tasks", "worker", "--pool=solo", "--loglevel=ERROR"],
    cwd=folder,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
)
try:
    # Without a worker nothing comes; with one, commands to all workers by publish and subscribe are answered.
    deadline = time.time() + 30
    while not app.control.ping(timeout=0.2):
        assert time.time() < deadline, "the worker does not answer"
    assert add.delay(2, 3).get(timeout=10) == 5
    assert chain(add.s(1, 1), add.s(3), add.s(5))().get(timeout=10) == 10
    assert group(add.s(i, i) for i in range(5))().get(timeout=10) == [0, 2, 4, 6, 8]
    assert chord((add.s(i, 1) for i in range(5)), total.s())().get(timeout=10) == 15
    assert third_time.delay().get(timeout=10) == 2
    started = time.time()
    assert add.apply_async((1, 1), countdown=1).get(timeout=10) == 2 and time.time() - started >= 0.9
    # Taken back before its time, by a command to all workers.
    late = add.apply_async((1, 1), countdown=3)
    late.revoke()
    try:
        late.get(timeout=10)
        raise AssertionError("the task had to be revoked")
    except TimeoutError:
        raise
    except Exception as error:
        assert type(error).__name__ == "TaskRevokedError", error
finally:
    worker.kill()
    worker.wait()
print("ok")
