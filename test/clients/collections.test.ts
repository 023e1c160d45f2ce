/**
 * The same programs against Hutch and redis-server: what node-redis (RESP2 and RESP3), ioredis and Bun's client make of the replies about
 * collections must be equal, value by value.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { RedisClient } from "bun";
import { Redis } from "ioredis";
import { createClient } from "redis";
import type { HutchProcess } from "../support/hutch-process.ts";
import { startHutch } from "../support/hutch-process.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";

const FIELDS = { name: "Ada", born: "1815", note: "" };
const SCORES = [
  { value: "ada", score: 1.5 },
  { value: "bob", score: -2 },
  { value: "eve", score: Infinity },
];

async function nodeRedis(port: number, RESP: 2 | 3): Promise<unknown[]> {
  const open = () =>
    createClient({ RESP, socket: { port, reconnectStrategy: false } })
      .on("error", () => {})
      .connect();
  const [client, other] = [await open(), await open()];
  const said: unknown[] = [];
  const say = async (reply: Promise<unknown>): Promise<void> => {
    said.push(
      await reply.catch(
        (error: unknown) => `${(error as Error).name}: ${(error as Error).message}`,
      ),
    );
  };
  try {
    await client.flushAll();
    await say(client.hSet("h", FIELDS));
    await say(client.hGetAll("h"));
    await say(client.hmGet("h", ["name", "none"]));
    await say(client.hIncrByFloat("h", "born", 0.5));
    await say(client.hScan("h", "0"));
    await say(client.hGetAll("none"));
    await say(client.rPush("l", ["a", "b", "c", "b"]));
    await say(client.lRange("l", 0, -1));
    await say(client.lPosCount("l", "b", 0));
    await say(client.lmPop(["none", "l"], "LEFT", { COUNT: 2 }));
    await say(client.lMove("l", "l2", "LEFT", "RIGHT"));
    await say(client.sAdd("s", ["1", "2", "3"]));
    await say(client.sMembers("s").then((members) => members.toSorted()));
    await say(client.smIsMember("s", ["1", "9"]));
    await say(client.sInterCard(["s", "s"], 2));
    await say(client.zAdd("z", SCORES));
    await say(client.zRangeWithScores("z", 0, -1));
    await say(client.zScore("z", "eve"));
    await say(client.zmScore("z", ["ada", "none"]));
    await say(client.zPopMin("z"));
    await say(client.zmPop(["z"], "MAX", { COUNT: 9 }));
    await say(client.zPopMax("none"));
    await say(client.geoAdd("g", { longitude: 13.361389, latitude: 38.115556, member: "Palermo" }));
    await say(client.geoPos("g", ["Palermo", "none"]));
    await say(client.geoDist("g", "Palermo", "Palermo", "km"));
    await say(
      client.geoSearchWith("g", { longitude: 15, latitude: 37 }, { radius: 200, unit: "km" }, [
        "WITHDIST",
        "WITHCOORD",
      ]),
    );
    await say(client.xAdd("x", "1-1", { a: "1", b: "2" }));
    await say(client.xAdd("x", "2-0", { c: "3" }));
    await say(client.xRange("x", "-", "+"));
    await say(client.xRead({ key: "x", id: "0" }, { COUNT: 1 }));
    await say(client.xGroupCreate("x", "group", "0"));
    await say(client.xReadGroup("group", "me", { key: "x", id: ">" }));
    await say(client.xPending("x", "group"));
    await say(client.xAck("x", "group", "1-1"));
    await say(client.xAutoClaim("x", "group", "you", 0, "0"));
    await say(client.xInfoGroups("x"));
    await say(client.xRead({ key: "x", id: "$" }, { BLOCK: 1 }));
    await say(client.pfAdd("p", ["a", "b"]));
    await say(client.pfCount("p"));
    await say(client.setBit("bits", 7, 1));
    await say(client.bitField("bits", [{ operation: "GET", encoding: "u8", offset: 0 }]));
    await say(client.sort("s", { DIRECTION: "DESC" }));
    await say(client.type("z"));
    await say(client.objectEncoding("h"));
    await say(client.lPush("h", "x"));
    await say(client.hIncrBy("h", "name", 1));
    const waiting = other.blPop(["w1", "w2"], 0);
    await say(client.rPush("w2", "late"));
    await say(waiting);
    const waitingFor = other.bzPopMin("wz", 0);
    await say(client.zAdd("wz", { value: "m", score: 2.5 }));
    await say(waitingFor);
    await say(other.brPop("none", 0.01));
  } finally {
    client.destroy();
    other.destroy();
  }
  return said;
}

async function ioredis(port: number): Promise<unknown[]> {
  const [client, other] = [new Redis(port), new Redis(port)];
  try {
    await client.flushall();
    const waiting = other.blpop("w", 0);
    const said = await client
      .pipeline()
      .hset("h", FIELDS)
      .hgetall("h")
      .hscan("h", 0)
      .rpush("l", "a", "b")
      .lrange("l", 0, -1)
      .lmpop(1, "l", "RIGHT")
      .sadd("s", "1", "x")
      .smismember("s", "x", "y")
      .zadd("z", 1, "a", 2.25, "b", "+inf", "c")
      .zrange("z", "0", "-1", "WITHSCORES")
      .zincrby("z", 0.5, "a")
      .zpopmax("z")
      .zrangebyscore("z", "(1", 3, "LIMIT", 0, 5)
      .xadd("x", "1-1", "f", "v")
      .xread("COUNT", 5, "STREAMS", "x", "0")
      .xgroup("CREATE", "x", "g", "0")
      .xreadgroup("GROUP", "g", "me", "STREAMS", "x", ">")
      .xpending("x", "g", "-", "+", 5, "nobody")
      .geoadd("geo", 13.361389, 38.115556, "Palermo")
      .geohash("geo", "Palermo")
      .incr("h")
      .rpush("w", "late")
      .exec();
    return [said!.map(([error, reply]) => error?.message ?? reply), await waiting];
  } finally {
    client.disconnect();
    other.disconnect();
  }
}

async function bun(port: number): Promise<unknown[]> {
  const client = new RedisClient(`redis://127.0.0.1:${port}`);
  const said: unknown[] = [];
  try {
    await client.send("FLUSHALL", []);
    for (const [command, ...args] of [
      ["HSET", "h", "a", "1", "b", "2"],
      ["HGETALL", "h"],
      ["HRANDFIELD", "h", "9", "WITHVALUES"],
      ["RPUSH", "l", "a", "b"],
      ["LRANGE", "l", "0", "-1"],
      ["SADD", "s", "one"],
      ["SMEMBERS", "s"],
      ["ZADD", "z", "1.5", "a", "inf", "b"],
      ["ZRANGE", "z", "0", "-1", "WITHSCORES"],
      ["ZSCORE", "z", "a"],
      ["ZMSCORE", "z", "a", "none"],
      ["ZPOPMIN", "z"],
      ["ZPOPMIN", "z", "2"],
      ["XADD", "x", "1-1", "f", "v"],
      ["XRANGE", "x", "-", "+"],
      ["XREAD", "STREAMS", "x", "0"],
      ["XINFO", "STREAM", "x"],
      ["GEOADD", "g", "1", "2", "m"],
      ["GEOPOS", "g", "m", "none"],
      ["LPOP", "none"],
      ["LPOP", "none", "2"],
      ["LPUSH", "h", "x"],
    ] as const) {
      said.push(await client.send(command, [...args]).catch((error: Error) => error.message));
    }
  } finally {
    client.close();
  }
  return said;
}

describe.skipIf(redisMissing !== null)("collections look the same as redis-server's to", () => {
  let hutch: HutchProcess;
  let redis: RedisServer;
  beforeAll(async () => {
    [hutch, redis] = await Promise.all([startHutch(), startRedis()]);
  });
  afterAll(async () => {
    await Promise.all([hutch.stop(), redis.stop()]);
  });

  for (const [name, program] of [
    ["node-redis with RESP2", (port: number) => nodeRedis(port, 2)],
    ["node-redis with RESP3", (port: number) => nodeRedis(port, 3)],
    ["ioredis", ioredis],
    ["Bun's client", bun],
  ] as const) {
    test(name, async () => {
      const ours = await program(hutch.port);
      expect(ours).toEqual(await program(redis.port));
      expect(ours.length).toBeGreaterThan(1);
    });
  }
});
