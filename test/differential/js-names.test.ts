/** Names that mean something to JavaScript's objects are bytes like any other, wherever a client can put a name. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { redisMissing } from "../support/redis-server.ts";
import type { Argument } from "../support/resp-client.ts";
import type { Case, Compare, Step } from "./case.ts";
import { Differential } from "./runner.ts";

const NAMES: readonly string[] = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "valueOf",
  "hasOwnProperty",
  "__defineGetter__",
  "__lookupSetter__",
  "then",
  "length",
  "",
];

/** Every line with every name. */
function withNames(
  lines: (name: string) => (Argument[] | Step)[],
  compare: Compare = "exact",
): Case[] {
  return NAMES.map((name) => ({ name: JSON.stringify(name), compare, steps: lines(name) }));
}

const CASES: Readonly<Record<string, readonly Case[]>> = {
  "as keys and values": withNames((name) => [
    ["SET", name, name],
    ["GET", name],
    ["TYPE", name],
    ["EXISTS", name, "__proto__", "constructor"],
    ["EXPIRE", name, 1000],
    ["MGET", name, "toString"],
    ["OBJECT", "ENCODING", name],
    ["RENAME", name, "x"],
    ["GET", "x"],
    ["GET", name],
  ]),
  "as elements, fields and members": withNames((name) => [
    ["RPUSH", name, name, name],
    ["LPOS", name, name],
    ["DEL", name],
    ["HSET", name, name, name],
    ["HGETALL", name],
    ["HGET", name, "valueOf"],
    ["HINCRBY", name, name, 1],
    ["HDEL", name, name],
    ["SADD", name, name],
    ["SMEMBERS", name],
    ["SISMEMBER", name, "constructor"],
    ["SPOP", name],
    ["ZADD", name, 1, name],
    ["ZSCORE", name, name],
    ["ZSCORE", name, "toString"],
    ["ZREM", name, name],
    ["PFADD", name, name],
    ["DEL", name],
    ["GEOADD", name, 1, 1, name],
    ["GEOHASH", name, name],
    ["DEL", name],
  ]),
  "as streams, groups and consumers": withNames((name) => [
    ["XADD", name, "1-1", name, name],
    ["XGROUP", "CREATE", name, name, "0"],
    ["XREADGROUP", "GROUP", name, name, "STREAMS", name, ">"],
    ["XREADGROUP", "GROUP", "valueOf", name, "STREAMS", name, ">"],
    ["XPENDING", name, name],
    ["XACK", name, name, "1-1"],
    ["XGROUP", "DELCONSUMER", name, name, "toString"],
    ["XGROUP", "DELCONSUMER", name, name, name],
    ["XGROUP", "DESTROY", name, name],
    ["XGROUP", name, "k", "g"],
    ["XINFO", name, "k"],
  ]),
  "as commands": withNames((name) => [[name], [name, "a", "b"]]),
  "as subcommands": withNames((name) => [
    ["CONFIG", name],
    ["CLIENT", name],
    ["OBJECT", name, "k"],
    ["COMMAND", name],
    ["MEMORY", name],
  ]),
  "as options": withNames((name) => [
    ["SET", "k", "v", name],
    ["GETEX", "k", name],
    ["EXPIRE", "k", 10, name],
    ["SCAN", 0, name, name],
    ["LCS", "k", "k", name],
    ["FLUSHALL", name],
    ["HELLO", name],
    ["HELLO", 3, name],
  ]),
  "as parameters and sections": withNames((name) => [
    ["CONFIG", "GET", name],
    ["CONFIG", "SET", name, name],
    ["INFO", name],
    ["COMMAND", "INFO", name],
    ["COMMAND", "DOCS", name],
    ["COMMAND", "GETKEYS", name, name],
    ["COMMAND", "LIST", "FILTERBY", "ACLCAT", name],
    ["COMMAND", "LIST", "FILTERBY", "PATTERN", name],
    ["OBJECT", "FREQ", name],
  ]),
  "as users and categories": withNames((name) => [
    ["ACL", "SETUSER", name, "on", `>${name}`, `~${name}`, `&${name}`, "+@all"],
    ["ACL", "SETUSER", name, `+${name}`],
    ["ACL", "SETUSER", name, `+@${name}`],
    ["ACL", "SETUSER", name, `+get|${name}`],
    ["ACL", "DRYRUN", name, "GET", name],
    ["ACL", "DRYRUN", name, "GET", "toString"],
    ["ACL", "DRYRUN", name, "PUBLISH", name, "x"],
    ["ACL", "CAT", name],
    ["AUTH", name, name],
    ["ACL", "WHOAMI"],
    ["AUTH", "default", "x"],
    ["ACL", "DELUSER", name],
    ["ACL", "GETUSER", name],
  ]).map((one) => ({ ...one, cleanup: NAMES.map((name) => ["ACL", "DELUSER", name]) })),
  "as channels": withNames((name) => [
    { run: ["SUBSCRIBE", name], on: "b" },
    { run: ["PSUBSCRIBE", name], on: "b" },
    { run: ["SSUBSCRIBE", name], on: "b" },
    { run: ["PUBSUB", "NUMSUB", name, "valueOf"], on: "" },
    { run: ["PUBSUB", "SHARDNUMSUB", name, "valueOf"], on: "" },
    { run: ["PUBSUB", "CHANNELS", name], on: "" },
    ["PUBLISH", "elsewhere", name],
    { run: ["UNSUBSCRIBE", name], on: "b" },
    { run: ["PUNSUBSCRIBE", name], on: "b" },
    { run: ["SUNSUBSCRIBE", name], on: "b" },
    ["PUBLISH", name, name],
    ["SPUBLISH", name, name],
  ]),
  "as libraries, functions and scripts": withNames((name) => [
    [
      ...["FUNCTION", "LOAD"],
      `#!lua name=${name}\nredis.register_function('${name}', function(k, a) return {k, a} end)`,
    ],
    ["FCALL", name, 1, name, name],
    ["FCALL_RO", name, 0],
    ["FUNCTION", "LIST", "LIBRARYNAME", name],
    ["FUNCTION", "DELETE", name],
    ["FCALL", name, 0],
    ["EVALSHA", name, 0],
    ["SCRIPT", "EXISTS", name],
    ["EVAL", `return {KEYS[1], ARGV[1], ({})["${name}"]}`, 1, name, name],
    ["EVAL", `return redis.call(ARGV[1])`, 0, name],
    ["EVAL", `return redis.sha1hex(ARGV[1])`, 0, name],
    ["EVAL", `return cjson.encode(cjson.decode('{"' .. ARGV[1] .. '":1}'))`, 0, name],
    ["FUNCTION", "FLUSH"],
  ]),
  "as watched keys and keys that clients wait for": withNames((name) => [
    ["WATCH", name],
    ["SET", name, name],
    ["MULTI"],
    ["GET", name],
    ["EXEC"],
    ["DEL", name],
    { run: ["RPUSH", name, name], on: "b" },
    ["BLPOP", name, 0],
    { run: ["ZADD", name, 1, name], on: "b" },
    ["BZPOPMIN", name, 0],
  ]),
  "as names of clients": withNames((name) => [
    ["CLIENT", "SETNAME", name],
    ["CLIENT", "GETNAME"],
    ["AUTH", name, name],
  ]),
};

describe.skipIf(redisMissing !== null)("names of JavaScript", () => {
  let differential: Differential;
  beforeAll(async () => {
    differential = await Differential.start();
  });
  afterAll(async () => {
    await differential.stop();
  });
  afterEach(() => {
    const plain: Record<string, unknown> = {};
    for (const name of ["x", "a", "k", "polluted"]) expect(plain[name]).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  for (const [place, cases] of Object.entries(CASES)) {
    test(`${place} are like any other (S23)`, async () => {
      for (const one of cases) await differential.check(one);
    });
  }
});
