"""The jobs that rq_jobs.py queues, in a module of their own since a worker imports them by name."""


def add(a, b):
    return a + b


def fail_once(port, key):
    import redis

    if redis.Redis(port=port).incr(key) == 1:
        raise ValueError("the first time")
    return "the second time"
