/** Payloads of values of all types and encodings, as redis-server dumps them. */
import type { RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";

const VALUES: readonly string[] = [
  "SET k hello",
  "SET k 17",
  `SET k ${"abc".repeat(50)}`,
  "RPUSH k a b 17 c",
  `RPUSH k ${Array.from({ length: 200 }, (_, i) => `element${i}`).join(" ")}`,
  "SADD k 1 2 3",
  "SADD k a b c 17",
  "HSET k a 1 b text c 2.5",
  `HSET k f ${"v".repeat(100)}`,
  "ZADD k 1 a 2.5 b -inf c",
  `ZADD k 1 ${"m".repeat(100)} 2 b`,
  "PFADD k a b c",
  "GEOADD k 13.36 38.11 a 15.08 37.5 b",
  "SETBIT k 100 1",
];

const STREAM: readonly string[] = [
  "XADD k 1-1 a 1",
  "XADD k 1-2 a 2 b 3",
  "XADD k 2-1 b 1",
  "XGROUP CREATE k g 0",
  "XREADGROUP GROUP g c COUNT 2 STREAMS k >",
  "XDEL k 1-2",
];

/** @returns a payload each, one character a byte */
export async function redisPayloads(redis: RespClient): Promise<string[]> {
  const payloads: string[] = [];
  for (const lines of [...VALUES.map((line) => [line]), STREAM]) {
    await redis.call("DEL", "k");
    for (const line of lines) await redis.call(...line.split(" "));
    const dump = await redis.call("DUMP", "k");
    if (dump.type !== "bulk") throw new Error(`${lines[0]}: ${show(dump)}`);
    payloads.push(dump.text);
  }
  await redis.call("DEL", "k");
  return payloads;
}
