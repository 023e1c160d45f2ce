/** What random commands beside redis-server have found (`bun run fuzz --only oracle`), each made small and named. */
import type { Case } from "../case.ts";

const ZERO_BYTE = "x\0\xff\r\n";

export const cases: readonly Case[] = [
  {
    name: "commands that wait look at their keys and counts before the time",
    steps: [
      "BLMPOP nan 1 l LEFT COUNT 0",
      "BLMPOP -1 2 l",
      "BLMPOP -1 1 l LEFT COUNT 1 more",
      "BLMPOP x 0 l LEFT",
      "BZMPOP nan 1 z MIN COUNT 0",
      "BZMPOP 1e308 1 z MIN COUNT 1 more",
      "BZMPOP -1 2 z",
    ],
  },
  {
    name: "a script's integers are exact as far as doubles are",
    steps: [
      "SET s 9007199254740992",
      ["EVAL", "return redis.call('DECR', 's')", "0"],
      ["EVAL", "return redis.call('DECRBY', 's', 2)", "0"],
      ["EVAL", "return tostring(redis.call('GET', 's'))", "0"],
      "SET s -9007199254740990",
      ["EVAL", "return redis.call('DECR', 's')", "0"],
      "SET s 9223372036854775806",
      ["EVAL", "return string.format('%.0f', redis.call('INCR', 's'))", "0"],
      "SET s 123456789012345678",
      ["EVAL", "return string.format('%.0f', redis.call('INCR', 's'))", "0"],
    ],
  },
  {
    name: "scripts that only read publish nothing",
    steps: [
      ["EVAL_RO", "return redis.call('PUBLISH', 'c', 'm')", "0"],
      ["EVAL_RO", "return redis.pcall('SPUBLISH', 'c', 'm')", "0"],
      ["EVAL_RO", "return redis.call('PFCOUNT', 'p')", "0"],
      ["EVAL", "#!lua flags=no-writes\nreturn redis.call('PUBLISH', 'c', 'm')", "0"],
      ["EVAL", "return redis.call('SPUBLISH', 'c', 'm')", "0"],
    ],
  },
  {
    name: "XGROUP SETID takes the least and the greatest id, CREATE does not",
    steps: [
      "XADD s 1-1 f v",
      "XGROUP CREATE s g 0",
      "XGROUP SETID s g -",
      "XINFO GROUPS s",
      "XGROUP SETID s g +",
      "XINFO GROUPS s",
      "XGROUP SETID s g (1",
      "XGROUP CREATE s h -",
      "XGROUP CREATE s h +",
    ],
  },
  {
    name: "a zero byte ends what an error shows of an argument",
    steps: [
      ["ACL", "SETUSER", "u", "on", ZERO_BYTE],
      ["ACL", "DRYRUN", ZERO_BYTE, "GET", "k"],
      "ACL SETUSER u",
      ["FUNCTION", "LIST", ZERO_BYTE],
      ["SCRIPT", "LOAD", "\0\xff"],
      ["EVAL", "\0", "0"],
      ["EVAL", "return \x01", "0"],
    ],
    cleanup: ["ACL DELUSER u"],
  },
  {
    name: "FUNCTION repeats its subcommand as it was written",
    steps: ["FUNCTION flush SYNC x", "function Flush SYNC x", "FUNCTION Restore x y z"],
  },
  {
    name: "COMMAND GETKEYS refuses a line that has fewer keys than it says",
    steps: [
      "COMMAND GETKEYS ZDIFFSTORE z 10 a b",
      "COMMAND GETKEYSANDFLAGS ZDIFFSTORE z 10 a b",
      "COMMAND GETKEYS SINTERCARD 3 a b",
      "COMMAND GETKEYS EVAL x 2 a",
      "COMMAND GETKEYS EVAL x 0",
      "COMMAND GETKEYS LMPOP 5 a LEFT",
      "COMMAND GETKEYS ZUNIONSTORE z 2 a b",
    ],
  },
  {
    name: "the sum of two negative zeros is one",
    steps: [
      "CONFIG SET zset-max-listpack-entries 0",
      "ZADD z 0 a",
      "ZUNIONSTORE u 2 z z WEIGHTS -5 -100",
      "ZSCORE u a",
      "ZINTERSTORE i 2 z z WEIGHTS -5 -100",
      "ZSCORE i a",
      "DEBUG DIGEST-VALUE u i",
      "ZUNION 2 z z WEIGHTS -5 -100 WITHSCORES",
      "ZUNIONSTORE u 2 z z WEIGHTS -5 100",
      "ZADD inf inf a -inf b",
      "ZUNIONSTORE u 2 inf inf WEIGHTS 1 -1",
      "ZRANGE u 0 -1 WITHSCORES",
    ],
    cleanup: ["CONFIG SET zset-max-listpack-entries 128"],
  },
  {
    name: "a negative zero stays one in results that are large, however small the first members made them",
    steps: [
      "CONFIG SET zset-max-listpack-entries 1",
      "ZADD z 1.5 b -0 a",
      ...["ZINTERSTORE r 1 z WEIGHTS 2", "ZDIFFSTORE r 1 z", "ZUNIONSTORE r 1 z"].flatMap(
        (line) => [line, "ZSCORE r a", "OBJECT ENCODING r", "DEBUG DIGEST-VALUE r"],
      ),
      "ZINTERSTORE r 2 z z WEIGHTS 1 2 AGGREGATE MAX",
      "DEBUG DIGEST-VALUE r",
      "CONFIG SET zset-max-listpack-entries 5",
      ...["ZINTERSTORE r 1 z WEIGHTS 2", "ZDIFFSTORE r 1 z", "ZUNIONSTORE r 1 z"].flatMap(
        (line) => [line, "ZSCORE r a", "DEBUG DIGEST-VALUE r"],
      ),
    ],
    cleanup: ["CONFIG SET zset-max-listpack-entries 128"],
  },
  {
    name: "positions in a table are integers of 32 bits",
    steps: [
      "local t = {1, 2} table.insert(t, -2^63, 'x') return {tostring(t[0]), tostring(t[1]), tostring(t[3])}",
      "local t = {1, 2} table.insert(t, 2^32 + 1, 'x') return t",
      "local t = {1, 2} table.insert(t, 2^53, 'x') return {tostring(t[0]), tostring(t[1]), tostring(t[3])}",
      "local t = {1, 2} return {unpack(t, -2^63, -2^63 + 1)}",
      "local t = {1, 2} return {unpack(t, 2^32 + 1, 2^32 + 2)}",
      "return #{unpack({}, 2^53, 2^53 + 2)}",
      "local t = {1, 2} return table.remove(t, 2^32 + 1)",
      "local t = {[2^53] = 'x'} return table.concat(t, ',', 2^53, 2^53)",
      "return table.concat({1, 2}, ',', 2^32 + 1, 2^32 + 2)",
    ].map((script) => ["EVAL", script, "0"]),
  },
  {
    name: "lists of streams that are no pairs",
    steps: ["XREAD STREAMS a b 0", "XREADGROUP GROUP g c STREAMS a b >"],
  },
];
