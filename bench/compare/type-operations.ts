/**
 * The operations of the section `types`, as redis-benchmark sends them: its own default tests, with keys and values of 16
 * bytes, and the commands of the data types that it has no test for. Each tells which data it needs.
 */
import { KEY_RANGE, VALUE_SIZE } from "../rig/requests.ts";
import type { Commands } from "../rig/resp-client.ts";

/** Who sends the commands that make data. */
export interface Filler {
  call(args: readonly string[]): Promise<Buffer>;
  callMany(commands: Commands, batch: number): Promise<void>;
}

export interface TypeOperation {
  readonly name: string;
  /** The command; redis-benchmark puts twelve random digits for each `RANDOM`. null: its own test of that name. */
  readonly command: readonly string[] | null;
  /** Numbers that `RANDOM` is drawn from. */
  readonly range: number;
  /** Operations per second that a fast server does at the greatest depth, about. */
  readonly rateMax: number;
  /** The most requests of one measurement, where the data lasts for no more. */
  readonly requestsMax: number;
  /** An operation so long that pipelining does not matter: one depth is enough. */
  readonly heavy: boolean;
  /** Makes what the operation reads, once for each server. */
  readonly setUp: (client: Filler) => Promise<void>;
  /** Makes what so many requests use up, and removes what the last ones have made. */
  readonly prepare: ((client: Filler, requests: number) => Promise<void>) | null;
}

/** What redis-benchmark replaces by random digits. */
export const RANDOM = "__rand_int__";
const KEY = `key:${RANDOM}`;
const VALUE: string = "x".repeat(VALUE_SIZE);
const BATCH = 500;
/** Elements that a test which takes elements away may take. */
const TAKEN_MAX = 500_000;
const STREAM_ENTRIES = 200_000;

function operation(
  name: string,
  command: readonly string[] | null,
  rateMax: number,
  rest: Partial<TypeOperation> = {},
): TypeOperation {
  return {
    name,
    command,
    range: KEY_RANGE,
    rateMax,
    requestsMax: Infinity,
    heavy: false,
    setUp: () => Promise.resolve(),
    prepare: null,
    ...rest,
  };
}

/** The digits that redis-benchmark makes of a number. */
export function digits(index: number): string {
  return String(index).padStart(12, "0");
}

/** A command for each number below `count`. */
function commandEach(
  client: Filler,
  count: number,
  command: (index: number) => string[],
): Promise<void> {
  return client.callMany({ count, command }, BATCH);
}

/** Adds `count` elements to one key, many with a command. */
export function addElements(
  client: Filler,
  head: readonly string[],
  count: number,
  element: (index: number) => readonly string[],
): Promise<void> {
  return commandEach(client, Math.ceil(count / BATCH), (batch) => {
    const elements: string[] = [];
    const end = Math.min(count, (batch + 1) * BATCH);
    for (let index = batch * BATCH; index < end; index++) elements.push(...element(index));
    return [...head, ...elements];
  });
}

const fillStrings = (client: Filler): Promise<void> =>
  commandEach(client, KEY_RANGE, (i) => ["SET", `key:${digits(i)}`, VALUE]);
const fillList = (client: Filler): Promise<void> =>
  addElements(client, ["RPUSH", "mylist"], 10_000, () => [VALUE]);
const fillSortedSet = (client: Filler): Promise<void> =>
  addElements(client, ["ZADD", "myzset"], KEY_RANGE, (i) => [String(i), `element:${digits(i)}`]);

/** Before each measurement the key is gone. */
const without =
  (key: string) =>
  async (client: Filler): Promise<void> => {
    await client.call(["DEL", key]);
  };

/** Before each measurement the key has as many elements as will be taken, of random order. */
const withElements =
  (head: readonly string[], element: (index: number) => readonly string[]) =>
  async (client: Filler, requests: number): Promise<void> => {
    await client.call(["DEL", head[1]!]);
    await addElements(client, head, requests, element);
  };

/** The index times an odd number, modulo 2^20: each once, in no order. */
function scattered(index: number): number {
  return Math.imul(index, 0x9e3779b1) & ((1 << 20) - 1);
}

const GROUP = ["mystream", "mygroup"] as const;

/** A stream of entries 1-0, 2-0, ... and a group that has read none of them. */
async function streamUnread(client: Filler): Promise<void> {
  const length = (await client.call(["XLEN", "mystream"])).toString("latin1");
  if (length !== `:${STREAM_ENTRIES}\r\n`) {
    await client.call(["DEL", "mystream"]);
    await commandEach(client, STREAM_ENTRIES, (i) => {
      return ["XADD", "mystream", `${i + 1}-0`, "field", VALUE];
    });
  }
  await client.call(["XGROUP", "DESTROY", ...GROUP]);
  await client.call(["XGROUP", "CREATE", ...GROUP, "0"]);
}

/** The same when the group has read all of them. */
async function streamRead(client: Filler): Promise<void> {
  await streamUnread(client);
  const [stream, group] = GROUP;
  const command = ["XREADGROUP", "GROUP", group, "me", "COUNT", "1000", "STREAMS", stream, ">"];
  for (let read = 0; read < STREAM_ENTRIES; read += 1000) await client.call(command);
}

function lrange(count: number, rateMax: number): TypeOperation {
  const command = ["LRANGE", "mylist", "0", String(count - 1)];
  return operation(`LRANGE_${count}`, command, rateMax, { setUp: fillList });
}

const MSET_PAIRS = 10;
const THOUSAND = 1000;
const TEN_THOUSAND = 10_000;

export const TYPE_OPERATIONS: readonly TypeOperation[] = [
  operation("PING_INLINE", null, 1_500_000),
  operation("PING_MBULK", ["PING"], 1_500_000),
  operation("SET", ["SET", KEY, VALUE], 1_000_000, { setUp: fillStrings }),
  operation("GET", ["GET", KEY], 1_000_000, { setUp: fillStrings }),
  operation("INCR", ["INCR", `counter:${RANDOM}`], 1_000_000),
  operation("LPUSH", ["LPUSH", "mylist", VALUE], 900_000, { prepare: without("mylist") }),
  operation("RPUSH", ["RPUSH", "mylist", VALUE], 900_000, { prepare: without("mylist") }),
  operation("LPOP", ["LPOP", "mylist"], 900_000, {
    requestsMax: TAKEN_MAX,
    prepare: withElements(["RPUSH", "mylist"], () => [VALUE]),
  }),
  operation("RPOP", ["RPOP", "mylist"], 900_000, {
    requestsMax: TAKEN_MAX,
    prepare: withElements(["RPUSH", "mylist"], () => [VALUE]),
  }),
  operation("SADD", ["SADD", "myset", `element:${RANDOM}`], 900_000),
  operation("HSET", ["HSET", "myhash", `element:${RANDOM}`, VALUE], 800_000),
  operation("SPOP", ["SPOP", "myset"], 900_000, {
    requestsMax: TAKEN_MAX,
    prepare: withElements(["SADD", "myset"], (i) => [`element:${digits(scattered(i))}`]),
  }),
  operation("ZADD", ["ZADD", "myzset", RANDOM, `element:${RANDOM}`], 400_000),
  operation("ZPOPMIN", ["ZPOPMIN", "myzset"], 500_000, {
    requestsMax: TAKEN_MAX,
    prepare: withElements(["ZADD", "myzset"], (i) => [
      String(scattered(i)),
      `element:${digits(i)}`,
    ]),
  }),
  lrange(100, 100_000),
  lrange(300, 40_000),
  lrange(500, 25_000),
  lrange(600, 20_000),
  operation(
    "MSET",
    ["MSET", ...Array.from({ length: MSET_PAIRS }, () => [KEY, VALUE]).flat()],
    150_000,
    { setUp: fillStrings },
  ),
  operation(
    "ZRANGEBYSCORE",
    ["ZRANGEBYSCORE", "myzset", RANDOM, "+inf", "LIMIT", "0", "10"],
    200_000,
    { setUp: fillSortedSet },
  ),
  operation("ZRANK", ["ZRANK", "myzset", `element:${RANDOM}`], 600_000, { setUp: fillSortedSet }),
  operation("HGETALL", ["HGETALL", `hash:${RANDOM}`], 200_000, {
    range: TEN_THOUSAND,
    setUp: (client) =>
      commandEach(client, TEN_THOUSAND, (i) => [
        ...["HSET", `hash:${digits(i)}`],
        ...Array.from({ length: 20 }, (_, field) => [`field:${field}`, VALUE]).flat(),
      ]),
  }),
  operation("SINTER", ["SINTER", "set:a", "set:b"], 4_000, {
    setUp: async (client) => {
      // Half of the members are in both.
      const member = (i: number): readonly string[] => [`element:${digits(i)}`];
      await addElements(client, ["SADD", "set:a"], THOUSAND, member);
      await addElements(client, ["SADD", "set:b"], THOUSAND, (i) => member(i + THOUSAND / 2));
    },
  }),
  operation("XADD", ["XADD", "mystream", "*", "field", VALUE], 500_000, {
    prepare: without("mystream"),
  }),
  operation(
    "XREADGROUP",
    ["XREADGROUP", "GROUP", "mygroup", "me", "COUNT", "1", "STREAMS", "mystream", ">"],
    400_000,
    { requestsMax: STREAM_ENTRIES, prepare: streamUnread },
  ),
  operation("XACK", ["XACK", ...GROUP, `${RANDOM}-0`], 500_000, {
    range: STREAM_ENTRIES,
    requestsMax: STREAM_ENTRIES,
    prepare: streamRead,
  }),
  operation("PFADD", ["PFADD", "myhll", `element:${RANDOM}`], 700_000),
  operation("BITCOUNT", ["BITCOUNT", "mybits"], 700_000, {
    setUp: async (client) => {
      await client.call(["SET", "mybits", VALUE.repeat(64)]);
    },
  }),
  operation(
    "GEOSEARCH",
    ["GEOSEARCH", "places", "FROMLONLAT", "15", "37", "BYRADIUS", "100", "km", "ASC"],
    10_000,
    {
      // A hundred by a hundred places, of which the circle has about fifty.
      setUp: (client) =>
        addElements(client, ["GEOADD", "places"], TEN_THOUSAND, (i) => [
          (5 + (i % 100) * 0.25).toFixed(4),
          (27 + Math.floor(i / 100) * 0.25).toFixed(4),
          `place:${digits(i)}`,
        ]),
    },
  ),
  operation("SORT", ["SORT", "numbers"], 100, {
    heavy: true,
    setUp: (client) =>
      addElements(client, ["RPUSH", "numbers"], TEN_THOUSAND, (i) => [String(scattered(i))]),
  }),
  operation("ZUNIONSTORE", ["ZUNIONSTORE", "union", "2", "zset:a", "zset:b"], 100, {
    heavy: true,
    setUp: async (client) => {
      const member = (i: number): readonly string[] => [
        String(scattered(i)),
        `element:${digits(i)}`,
      ];
      await addElements(client, ["ZADD", "zset:a"], TEN_THOUSAND, member);
      await addElements(client, ["ZADD", "zset:b"], TEN_THOUSAND, (i) =>
        member(i + TEN_THOUSAND / 2),
      );
    },
  }),
];

const MEMBER = `element:${RANDOM}`;

/** Commands that redis-server 7.0 lacks: they are measured without sockets only (`bench/commands.ts`). */
export const OWN_OPERATIONS: readonly TypeOperation[] = [
  operation("HEXPIRE", ["HEXPIRE", "myhash", "1000", "FIELDS", "1", MEMBER], 800_000, {
    setUp: (client) =>
      addElements(client, ["HSET", "myhash"], KEY_RANGE, (i) => [`element:${digits(i)}`, VALUE]),
  }),
  operation("SEXPIRE", ["SEXPIRE", "myset", "1000", "MEMBERS", "1", MEMBER], 800_000, {
    setUp: (client) =>
      addElements(client, ["SADD", "myset"], KEY_RANGE, (i) => [`element:${digits(i)}`]),
  }),
  operation("ZEXPIRE", ["ZEXPIRE", "myzset", "1000", "MEMBERS", "1", MEMBER], 800_000, {
    setUp: fillSortedSet,
  }),
];
