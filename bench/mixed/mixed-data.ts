/**
 * The data of the mixed load, elements of every type, and the commands on it. Commands add about as much as they take away, so
 * the data stays as large as it was filled. All are bounded: none has to look at more than some hundred elements.
 */
import type { Random } from "../../src/base/random.ts";
import { addElements, digits } from "../compare/type-operations.ts";
import type { RespClient } from "../rig/resp-client.ts";

const VALUE = "sixteen bytes ok";
const BATCH = 500;
/** Elements of a small collection. */
const SMALL = 20;
const INTEGERS = 100;
const BITS = 8192;
const LONG_SECONDS = 100_000;

/** How many there are of each, made from the elements that all shall have together. */
export class MixedData {
  readonly strings: number;
  /** Elements of each big collection. */
  readonly big: number;
  /** Small collections of each type. */
  readonly small: number;
  readonly intsets: number;
  readonly places: number;
  readonly #random: Random;

  constructor(elements: number, random: Random) {
    this.strings = Math.floor(elements * 0.2);
    this.big = Math.floor(elements * 0.1);
    this.small = Math.max(2, Math.floor((elements * 0.05) / SMALL));
    this.intsets = Math.max(1, Math.floor((elements * 0.05) / INTEGERS));
    this.places = Math.floor(elements * 0.05);
    this.#random = random;
  }

  /** Elements of all types. */
  get elements(): number {
    return (
      this.strings + 5 * this.big + 4 * this.small * SMALL + this.intsets * INTEGERS + this.places
    );
  }

  async fill(client: RespClient): Promise<void> {
    const each = (count: number, command: (index: number) => string[]): Promise<void> =>
      client.callMany({ count, command }, BATCH);
    // Every second string has a time of expiry.
    await each(this.strings, (i) => [
      ...["SET", `string:${i}`, VALUE],
      ...(i % 2 === 0 ? ["EX", String(LONG_SECONDS + i)] : []),
    ]);
    await addElements(client, ["HSET", "hash"], this.big, (i) => [`field:${i}`, VALUE]);
    await addElements(client, ["SADD", "set"], this.big, (i) => [`member:${i}`]);
    await addElements(client, ["ZADD", "zset"], this.big, (i) => [
      String(Math.imul(i, 7919) >>> 8),
      `member:${i}`,
    ]);
    await addElements(client, ["RPUSH", "list"], this.big, () => [VALUE]);
    await each(this.big, (i) => ["XADD", "stream", `${i + 1}-0`, "field", VALUE]);
    await client.call(["XGROUP", "CREATE", "stream", "group", "$"]);
    for (const type of TYPES) await each(this.small, (i) => smallCollection(type, i));
    await each(this.intsets, (i) => [
      ...["SADD", `integers:${i}`],
      ...Array.from({ length: INTEGERS }, (_, n) => String(n * 3)),
    ]);
    await addElements(client, ["GEOADD", "places"], this.places, (i) => [
      String(((i * 0.37) % 360) - 180),
      String(((i * 0.11) % 160) - 80),
      `place:${i}`,
    ]);
    await client.call(["SETBIT", "bits", String(BITS - 1), "1"]);
  }

  /** A command by chance. Whoever sends XREADGROUP acknowledges what it gets. */
  command(): string[] {
    const pick = this.#below(COMMANDS.length);
    return COMMANDS[pick]!(this, (bound) => this.#below(bound));
  }

  #below(bound: number): number {
    return this.#random.below(bound);
  }
}

const TYPES = ["list", "hash", "set", "zset"] as const;
type Type = (typeof TYPES)[number];

/** The command that makes a small collection. */
function smallCollection(type: Type, index: number): string[] {
  const key = `small:${type}:${index}`;
  const each = (element: (i: number) => string[]): string[] =>
    Array.from({ length: SMALL }, (_, i) => element(i)).flat();
  if (type === "list") return ["RPUSH", key, ...each(() => [VALUE])];
  if (type === "hash") return ["HSET", key, ...each((i) => [`field:${i}`, VALUE])];
  if (type === "set") return ["SADD", key, ...each((i) => [`member:${(index % 7) + i}`])];
  return ["ZADD", key, ...each((i) => [String(i), `member:${i}`])];
}

type Below = (bound: number) => number;

const COMMANDS: readonly ((data: MixedData, below: Below) => string[])[] = [
  // Strings.
  (data, below) => ["GET", `string:${below(data.strings)}`],
  (data, below) => ["SET", `string:${below(data.strings)}`, VALUE],
  (data, below) => ["SET", `string:${below(data.strings)}`, VALUE, "EX", String(LONG_SECONDS)],
  (data, below) => ["EXPIRE", `string:${below(data.strings)}`, String(LONG_SECONDS + below(1000))],
  (_data, below) => ["SET", `brief:${below(1000)}`, VALUE, "PX", String(1 + below(2000))],
  (_data, below) => ["INCR", `counter:${below(1000)}`],
  // One big hash, set, sorted set, list, stream.
  (data, below) => ["HSET", "hash", `field:${below(data.big)}`, digits(below(1e9))],
  (data, below) => ["HGET", "hash", `field:${below(data.big)}`],
  (data, below) => ["HDEL", "hash", `field:${below(data.big)}`],
  (_data, below) => ["HSCAN", "hash", String(below(65536)), "COUNT", "20"],
  (data, below) => ["SADD", "set", `member:${below(data.big)}`],
  (data, below) => ["SREM", "set", `member:${below(data.big)}`],
  (data, below) => ["SISMEMBER", "set", `member:${below(data.big)}`],
  () => ["SRANDMEMBER", "set", "3"],
  (data, below) => ["ZADD", "zset", String(below(1e7)), `member:${below(data.big)}`],
  (data, below) => ["ZREM", "zset", `member:${below(data.big)}`],
  (data, below) => ["ZINCRBY", "zset", "3", `member:${below(data.big)}`],
  (data, below) => ["ZRANK", "zset", `member:${below(data.big)}`],
  (_data, below) => ["ZRANGEBYSCORE", "zset", String(below(1e7)), "+inf", "LIMIT", "0", "20"],
  () => ["RPUSH", "list", VALUE],
  () => ["LPOP", "list"],
  (_data, below) => ["LRANGE", "list", String(below(1000)), String(1000 + below(100))],
  (data) => ["XADD", "stream", "MAXLEN", "~", String(data.big), "*", "field", VALUE],
  () => ["XREADGROUP", "GROUP", "group", "me", "COUNT", "5", "STREAMS", "stream", ">"],
  () => ["XREVRANGE", "stream", "+", "-", "COUNT", "10"],
  // Small collections.
  (data, below) => smallCollection(TYPES[below(TYPES.length)]!, below(data.small)),
  (data, below) => ["UNLINK", `small:${TYPES[below(TYPES.length)]!}:${below(data.small)}`],
  (data, below) => ["HGETALL", `small:hash:${below(data.small)}`],
  (data, below) => ["ZRANGE", `small:zset:${below(data.small)}`, "0", "-1", "WITHSCORES"],
  (data, below) => ["LREM", `small:list:${below(data.small)}`, "1", "another value"],
  (data, below) => ["LTRIM", `small:list:${below(data.small)}`, "0", String(SMALL - 1)],
  (data, below) => ["SINTER", `small:set:${below(data.small)}`, `small:set:${below(data.small)}`],
  (data, below) => ["SADD", `integers:${below(data.intsets)}`, String(below(3 * INTEGERS))],
  (data, below) => ["SREM", `integers:${below(data.intsets)}`, String(below(3 * INTEGERS))],
  // Bits, estimates, places, the whole keyspace.
  (_data, below) => ["SETBIT", "bits", String(below(BITS)), String(below(2))],
  () => ["BITCOUNT", "bits"],
  (_data, below) => ["PFADD", "estimate", `element:${below(1e6)}`],
  () => ["PFCOUNT", "estimate"],
  (_data, below) => [
    ...["GEOSEARCH", "places", "FROMLONLAT", String(below(300) - 150), String(below(120) - 60)],
    ...["BYRADIUS", "100", "km", "ASC", "COUNT", "10"],
  ],
  (_data, below) => ["SCAN", String(below(65536)), "COUNT", "20"],
];
