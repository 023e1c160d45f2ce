/** Tries commands on a value that came from outside, which must be one as good as any other. */
import type { Random } from "../../src/base/random.ts";
import { show } from "../support/resp-value.ts";
import { pick } from "../support/seed.ts";
import type { TestEngine } from "../support/test-engine.ts";

const TRAFFIC: Readonly<Record<string, readonly string[]>> = {
  string: [
    "GET",
    "APPEND x",
    "STRLEN",
    "INCR",
    "SETRANGE 5 abc",
    "GETRANGE 0 -1",
    "BITCOUNT",
    "PFCOUNT",
    "PFADD z",
  ],
  list: [
    "LRANGE 0 -1",
    "LPUSH x",
    "RPOP",
    "LINDEX 3",
    "LREM 0 x",
    "LINSERT BEFORE e y",
    "LTRIM 1 -2",
    "LSET 0 z",
  ],
  set: ["SMEMBERS", "SADD x", "SADD 17", "SREM x", "SPOP", "SISMEMBER 5", "SRANDMEMBER -5"],
  hash: ["HGETALL", "HSET f v", "HDEL f", "HINCRBY n 5", "HRANDFIELD -3", "HLEN", "HSCAN 0"],
  zset: [
    "ZRANGE 0 -1 WITHSCORES",
    "ZADD 5 x",
    "ZREM x",
    "ZPOPMIN",
    "ZRANK x",
    "ZINCRBY 1 y",
    "ZCOUNT -inf inf",
    "ZPOPMAX",
  ],
  stream: [
    "XRANGE - +",
    "XREVRANGE + -",
    "XADD * f v",
    "XDEL 5-0",
    "XTRIM MAXLEN 3",
    "XLEN",
    "XPENDING g1",
    "XPENDING g1 - + 10",
    "XGROUP CREATE new 0",
    "XACK g1 6-0",
    "XAUTOCLAIM g1 c1 0 0",
    "XGROUP DELCONSUMER g1 c1",
  ],
};

/** Runs some commands of its type on a key, then dumps what is left and restores that. Throws if something is wrong with it. */
export function useValue(random: Random, server: TestEngine, key: string, commands: number): void {
  const type = server.run("TYPE", key);
  const known = TRAFFIC[type.type === "simple" ? type.text : ""];
  if (known === undefined) return;
  server.run("OBJECT", "ENCODING", key);
  server.run("DEBUG", "DIGEST-VALUE", key);
  for (let left = commands; left > 0; left--) {
    const [name, ...rest] = pick(random, known).split(" ");
    // XPENDING and its kin name the key second, XGROUP third.
    if (name === "XGROUP") server.run(name, rest[0]!, key, ...rest.slice(1));
    else server.run(name!, key, ...rest);
  }
  // What is still there can be dumped, and its dump restored.
  const dump = server.run("DUMP", key);
  if (dump.type !== "bulk") return;
  // That a key expires is part of its digest.
  const due = show(server.run("PEXPIRETIME", key)).replace(/^:(-\d+)?/, "") || "0";
  const payload = Buffer.from(dump.text, "latin1");
  const again = server.run("RESTORE", "twin", due, payload, "REPLACE", "ABSTTL");
  if (show(again) !== "+OK") throw new Error(`its dump was refused: ${show(again)}`);
  const digests = server.run("DEBUG", "DIGEST-VALUE", key, "twin");
  if (digests.type !== "array" || show(digests.items[0]!) !== show(digests.items[1]!)) {
    throw new Error("its dump is another value");
  }
}
