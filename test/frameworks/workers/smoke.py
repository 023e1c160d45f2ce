"""redis-py's main features on the server whose port is the first argument; prints "ok" if all of them do what Redis does."""
import sys
import redis

r = redis.Redis(port=int(sys.argv[1]), decode_responses=True)
raw = redis.Redis(port=int(sys.argv[1]))
r.flushall()

# Values of all types.
assert r.set("k", "wört", ex=100) and r.get("k") == "wört" and 90 < r.ttl("k") <= 100
everything = bytes(range(256))
raw.set("bytes", everything)
assert raw.get("bytes") == everything
r.hset("h", mapping={"a": 1, "b": "two"})
assert r.hgetall("h") == {"a": "1", "b": "two"}
r.rpush("l", *range(5))
assert r.lrange("l", 0, -1) == ["0", "1", "2", "3", "4"]
r.zadd("z", {"x": 1.5, "y": 2})
assert r.zrange("z", 0, -1, withscores=True) == [("x", 1.5), ("y", 2.0)]
r.sadd("s", "a", "b")
assert r.smembers("s") == {"a", "b"}
entry = r.xadd("stream", {"field": "value"})
r.xgroup_create("stream", "group", id="0")
assert r.xreadgroup("group", "me", {"stream": ">"}) == [["stream", [(entry, {"field": "value"})]]]
assert r.xack("stream", "group", entry) == 1
assert sorted(r.scan_iter(count=2)) == sorted(["k", "bytes", "h", "l", "z", "s", "stream"])

# A pipeline that is a transaction, and one that is refused because a key has changed.
with r.pipeline() as pipe:
    pipe.incr("n").incr("n").get("n")
    assert pipe.execute() == [1, 2, "2"]
with r.pipeline() as pipe:
    pipe.watch("n")
    r.set("n", 10)
    pipe.multi()
    pipe.incr("n")
    try:
        pipe.execute()
        raise AssertionError("the transaction had to be refused")
    except redis.WatchError:
        pass
assert r.transaction(lambda pipe: pipe.multi() or pipe.incr("n"), "n") == [11]

# Scripts, and the lock that is made of them.
double = r.register_script("return redis.call('INCRBY', KEYS[1], redis.call('GET', KEYS[1]) * ARGV[1])")
assert double(keys=["n"], args=[2]) == 33
with r.lock("lock", timeout=10, blocking_timeout=1):
    assert r.exists("lock")
    assert not r.lock("lock").acquire(blocking=False)
assert not r.exists("lock")

# Pub/sub.
listener = r.pubsub()
listener.subscribe("news")
listener.psubscribe("n*")
while listener.get_message(timeout=5)["type"] != "psubscribe":
    pass
assert r.publish("news", "hello") == 2
heard = [listener.get_message(timeout=5) for _ in range(2)]
assert {(m["type"], m["data"]) for m in heard} == {("message", "hello"), ("pmessage", "hello")}
listener.close()

# Blocking, errors, the server's figures.
assert r.blpop("l", timeout=1) == ("l", "0")
try:
    r.incr("h")
    raise AssertionError("a hash has no number")
except redis.ResponseError as error:
    assert "WRONGTYPE" in str(error)
assert r.info()["redis_version"] and r.config_get("maxmemory") == {"maxmemory": "0"}
print("ok")
