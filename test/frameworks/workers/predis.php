<?php
// Predis's main features on the server whose port is the first argument; prints "ok" if all of them do what Redis does.
require "Predis/autoload.php";

function check(bool $truth): void
{
    if (!$truth) {
        throw new Exception("wrong: line " . debug_backtrace()[0]["line"]);
    }
}

$client = new Predis\Client(["host" => "127.0.0.1", "port" => (int) $argv[1]]);
$client->flushall();
check((string) $client->set("k", "v", "EX", 100, "NX") === "OK" && $client->get("k") === "v");
$client->hmset("h", ["a" => "1", "b" => "two"]);
check($client->hgetall("h") === ["a" => "1", "b" => "two"]);
$client->rpush("l", ["1", "2", "3"]);
check($client->lrange("l", 0, -1) === ["1", "2", "3"]);
$client->zadd("z", ["x" => 1.5, "y" => 2]);
check($client->zrange("z", 0, -1, "WITHSCORES") === ["x" => "1.5", "y" => "2"]);
$replies = $client->pipeline(function ($pipe) {
    $pipe->incr("n");
    $pipe->get("n");
});
check($replies === [1, "1"]);
$replies = $client->transaction(["cas" => true, "watch" => "n"], function ($transaction) {
    $n = $transaction->get("n");
    $transaction->multi();
    $transaction->set("n", $n + 10);
    $transaction->get("n");
});
check($replies[1] === "11");
check($client->eval("return redis.call('INCRBY', KEYS[1], ARGV[1])", 1, "n", 5) === 16);
$found = [];
foreach (new Predis\Collection\Iterator\Keyspace($client, "*", 2) as $key) {
    $found[] = $key;
}
check(count(array_unique($found)) === 5);
try {
    $client->lpush("k", ["x"]);
    check(false);
} catch (Predis\Response\ServerException $error) {
    check($error->getErrorType() === "WRONGTYPE");
}
echo "ok\n";
