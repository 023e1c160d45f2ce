/** Random commands on keys of every kind, for tests of what goes on between commands. */
import type { Random } from "../../src/base/random.ts";
import type { RespValue } from "../support/resp-value.ts";
import { show } from "../support/resp-value.ts";
import { pick } from "../support/seed.ts";
import type { TestEngine } from "../support/test-engine.ts";
import { everyKind } from "./values.ts";

/** Commands on one key (K) or two (K, L), or on databases. */
const TRAFFIC: readonly string[] = [
  ...[
    "SET K new",
    "SET K new GET",
    "SET K 5 KEEPTTL",
    "APPEND K tail",
    "SETRANGE K 3 middle",
    "INCR K",
    "GETDEL K",
  ],
  ...[
    "GETEX K EX 100",
    "GETEX K PERSIST",
    "SETBIT K 7 1",
    "BITOP NOT K L",
    "BITFIELD K SET u8 0 255",
    "PFADD K more",
  ],
  ...[
    "PFCOUNT K",
    "PFMERGE K L",
    "MSET K 1 L 2",
    "INCRBYFLOAT K 0.5",
    "SETEX K 100 v",
    "GETSET K w",
  ],
  ...[
    "LPUSH K x",
    "RPUSH K y z",
    "LPOP K",
    "RPOP K 3",
    "LSET K 0 q",
    "LREM K 0 x",
    "LTRIM K 1 -2",
    "LMOVE K L LEFT RIGHT",
  ],
  ...[
    "LINSERT K BEFORE z w",
    "RPOPLPUSH K L",
    "SADD K x y 17",
    "SREM K x",
    "SPOP K",
    "SMOVE K L x",
    "SUNIONSTORE K K L",
  ],
  ...[
    "SINTERSTORE K K L",
    "HSET K f v g w",
    "HDEL K f",
    "HINCRBY K n 3",
    "ZADD K 1 x 2 y",
    "ZREM K x",
    "ZINCRBY K 1 y",
  ],
  ...[
    "ZPOPMIN K",
    "ZUNIONSTORE K 2 K L",
    "ZREMRANGEBYRANK K 0 1",
    "ZRANGESTORE K L 0 5",
    "GEOADD K 1 1 here",
  ],
  ...[
    "XADD K * f v",
    "XDEL K 3-1 6-1",
    "XTRIM K MAXLEN 5",
    "XACK K g1 9-1",
    "XGROUP CREATE K new 0",
    "XSETID K 99999-0",
  ],
  ...[
    "XGROUP DESTROY K g2",
    "XREADGROUP GROUP g1 c9 STREAMS K >",
    "XCLAIM K g1 c1 0 12-0",
    "XAUTOCLAIM K g2 c1 0 0",
    "XREADGROUP GROUP g2 c1 CLAIM 0 STREAMS K >",
  ],
  ...[
    "DEL K",
    "UNLINK K L",
    "RENAME K L",
    "RENAMENX K fresh",
    "COPY K L REPLACE",
    "COPY K other DB 2 REPLACE",
    "MOVE K 2",
  ],
  ...[
    "EXPIRE K 1000",
    "PEXPIRE K 1",
    "PERSIST K",
    "SORT K ALPHA STORE L",
    "GET K",
    "TYPE K",
    "TOUCH K",
    "OBJECT ENCODING K",
  ],
  ...[
    "HPEXPIRE K 300 FIELDS 2 f g",
    "HPERSIST K FIELDS 1 f",
    "SPEXPIRE K 200 MEMBERS 2 x y",
    "ZPEXPIRE K 250 MEMBERS 2 x y",
    "HSETEX K PX 150 FIELDS 1 h v",
    "HGETALL K",
  ],
];
const RARE: readonly string[] = [
  "FLUSHDB",
  "FLUSHALL",
  "SWAPDB 0 1",
  "SWAPDB 1 2",
  "SELECT 1",
  "SELECT 0",
];

/** Makes keys of every kind in two databases, some of which expire soon. Returns their names. */
export function fill(random: Random, server: TestEngine): string[] {
  const keys: string[] = [];
  for (const [database, prefix] of ["0", "1", "0"].entries()) {
    server.run("SELECT", prefix);
    for (const line of everyKind(random, `${database} `)) server.run(...line);
    for (let i = 0; i < 100; i++) server.run("SET", `${database} plain ${i}`, `value ${i}`);
    const found = server.run("KEYS", "*");
    if (found.type !== "array") throw new Error(show(found));
    keys.push(...found.items.map((item) => (item.type === "bulk" ? item.text : "")));
  }
  server.run("SELECT", "0");
  for (const key of keys)
    if (random.below(5) === 0) server.run("EXPIRE", key, `${1 + random.below(5)}`);
  return keys;
}

/** Runs a random command on some of the keys. Returns the reply. */
export function traffic(random: Random, server: TestEngine, keys: readonly string[]): RespValue {
  if (random.below(150) === 0) {
    const line = pick(random, RARE);
    return server.run(...line.split(" "));
  }
  const names: Readonly<Record<string, string>> = { K: pick(random, keys), L: pick(random, keys) };
  const reply = server.run(
    ...pick(random, TRAFFIC)
      .split(" ")
      .map((word) => names[word] ?? word),
  );
  if (random.below(20) === 0) {
    server.engine.clock.advance(random.below(200));
    server.engine.beginTurn();
    server.engine.keyspace.housekeep(1e6);
  }
  return reply;
}
