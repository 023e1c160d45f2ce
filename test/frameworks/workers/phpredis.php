<?php
// phpredis's main features, and sessions kept by it, on the server whose port is the first argument; prints "ok" if all of them do
// what Redis does.
function check(bool $truth): void
{
    if (!$truth) {
        throw new Exception("wrong: line " . debug_backtrace()[0]["line"]);
    }
}

$port = (int) $argv[1];
$redis = new Redis();
$redis->connect("127.0.0.1", $port);
$redis->flushAll();

// Values of all types.
check($redis->set("k", "v", ["nx", "ex" => 100]) && $redis->get("k") === "v" && $redis->ttl("k") > 90);
check($redis->set("k", "w", ["nx"]) === false);
$redis->hMSet("h", ["a" => "1", "b" => "two"]);
check($redis->hGetAll("h") === ["a" => "1", "b" => "two"]);
$redis->rPush("l", "1", "2", "3");
check($redis->lRange("l", 0, -1) === ["1", "2", "3"] && $redis->blPop(["none", "l"], 1) === ["l", "1"]);
$redis->zAdd("z", 1.5, "x", 2, "y");
check($redis->zRange("z", 0, -1, true) === ["x" => 1.5, "y" => 2.0]);
check($redis->sAdd("s", "a", "b") === 2 && $redis->sIsMember("s", "b"));
$id = $redis->xAdd("stream", "*", ["field" => "value"]);
$redis->xGroup("CREATE", "stream", "group", "0");
check($redis->xReadGroup("group", "me", ["stream" => ">"]) === ["stream" => [$id => ["field" => "value"]]]);
check($redis->xAck("stream", "group", [$id]) === 1);
$redis->geoAdd("g", 13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania");
check(abs($redis->geoDist("g", "Palermo", "Catania", "km") - 166.2742) < 0.001);

// A pipeline, a transaction, one that is refused, scripts, iteration.
check($redis->pipeline()->incr("n")->incr("n")->get("n")->exec() === [1, 2, "2"]);
check($redis->multi()->incr("n")->get("n")->exec() === [3, "3"]);
$other = new Redis();
$other->connect("127.0.0.1", $port);
$redis->watch("n");
$other->set("n", 10);
check($redis->multi()->incr("n")->exec() === false);
check($redis->eval("return {KEYS[1], ARGV[1], 3}", ["key", "arg"], 1) === ["key", "arg", 3]);
check($redis->evalSha(sha1("unknown")) === false && str_starts_with($redis->getLastError(), "NOSCRIPT"));
$redis->setOption(Redis::OPT_SCAN, Redis::SCAN_RETRY);
$found = [];
$cursor = null;
while (($keys = $redis->scan($cursor, "*", 2)) !== false) {
    $found = array_merge($found, $keys);
}
check(count(array_unique($found)) === 8);

// PHP's sessions, with the lock that phpredis holds while a page runs.
ini_set("session.save_handler", "redis");
ini_set("session.save_path", "tcp://127.0.0.1:$port?prefix=session:");
ini_set("redis.session.locking_enabled", "1");
session_id("of-a-test");
session_start(["use_cookies" => 0, "cache_limiter" => ""]);
$_SESSION["name"] = "Ada";
check($redis->exists("session:of-a-test_LOCK") === 1);
session_write_close();
check($redis->exists("session:of-a-test_LOCK") === 0 && $redis->ttl("session:of-a-test") > 0);
$_SESSION = [];
session_start(["use_cookies" => 0, "cache_limiter" => ""]);
check($_SESSION["name"] === "Ada");
session_destroy();
check($redis->exists("session:of-a-test") === 0);
echo "ok\n";
