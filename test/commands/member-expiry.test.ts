/**
 * Fields of hashes and members of sets and sorted sets that expire: the same cases for the three types in all their encodings.
 * The replies and errors of the hash's family are those of Redis 7.4 (t_hash.c), which redis-server 7.0 lacks.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { send, takeReply } from "../effects/two-engines.ts";
import { FrozenEngine } from "../support/frozen-engine.ts";
import { EDGE_NUMBERS } from "../differential/grammar.ts";
import { HASH, LAYOUTS, SET, SORTED_SET } from "./member-families.ts";

const NOW_S = 1.8e9;
const TIME_MAX = 2 ** 46 - 1;
const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const NOT_AN_INTEGER = "-ERR value is not an integer or out of range";

let at: FrozenEngine;

function start(options: Readonly<Record<string, string>>): void {
  at = new FrozenEngine(options);
}

/** All memory comes back when the keys go. */
function end(): void {
  for (const index of ["0", "1", "2"]) {
    at.run(`SELECT ${index}`);
    // A database that holds nothing is not flushed, and keeps its wheels.
    at.run("SET k v");
  }
  at.run("FLUSHALL");
  at.housekeep();
  const empty = new FrozenEngine();
  expect(at.engine.keyspace.store.arena.blocks).toBe(empty.engine.keyspace.store.arena.blocks);
  empty.release();
  at.release();
}

describe.each(LAYOUTS)("members that expire: $name", (layout) => {
  const { family, encoding, timed, a, b, c } = layout;
  const { letter, word, noun } = family;

  beforeEach(() => {
    start(layout.options);
    at.call(...family.add("k", [a, b, c]));
  });
  afterEach(end);

  const has = (member: string): boolean => !["0", "nil"].includes(at.run(family.has("k", member)));

  test("are gone when their time has come, the others stay", () => {
    expect(at.run("OBJECT ENCODING k")).toBe(encoding);
    expect(at.run(`${letter}EXPIRE k 10 ${word} 2 ${a} ${c}`)).toBe("[1 1]");
    expect(at.run("OBJECT ENCODING k")).toBe(timed);
    expect(at.run(`DEBUG OBJECT k`)).toContain(` encoding:${timed} `);
    at.advance(9999);
    expect(family.members(at, "k")).toEqual([a, b, c].toSorted());
    at.advance(1);
    expect(has(a)).toBe(false);
    expect(at.run(`${family.count} k`)).toBe("1");
    expect(family.members(at, "k")).toEqual([b]);
    expect(at.run("OBJECT ENCODING k")).toBe(encoding);
    expect(at.run("INFO stats")).toContain("expired_subkeys:2\r\nexpired_keys:0\r\n");
    at.run("CONFIG RESETSTAT");
    expect(at.run("INFO stats")).toContain("expired_subkeys:0\r\n");
  });

  test("take their key along when the last one goes", () => {
    at.run(`${letter}PEXPIRE k 5 ${word} 3 ${a} ${b} ${c}`);
    expect(at.run("INFO keyspace")).toContain("db0:keys=1,expires=0,avg_ttl=0,subexpiry=1");
    at.advance(5);
    for (const line of ["KEYS *", "SCAN 0", "RANDOMKEY", "EXISTS k", "TYPE k", "TTL k", "DBSIZE"]) {
      expect(at.run(line)).toBe(
        { "KEYS *": "[]", "SCAN 0": "[0 []]", RANDOMKEY: "nil", "TYPE k": "none", "TTL k": "-2" }[
          line
        ] ?? "0",
      );
    }
    expect(at.run("INFO stats")).toContain("expired_subkeys:3\r\nexpired_keys:0\r\n");
  });

  test("show what is left of their time, and the time", () => {
    at.run(`${letter}PEXPIRE k 1500 ${word} 1 ${a}`);
    const names = `${word} 3 ${a} ${b} none`;
    expect(at.run(`${letter}TTL k ${names}`)).toBe("[2 -1 -2]");
    expect(at.run(`${letter}PTTL k ${names}`)).toBe("[1500 -1 -2]");
    expect(at.run(`${letter}EXPIRETIME k ${names}`)).toBe(`[${NOW_S + 2} -1 -2]`);
    expect(at.run(`${letter}PEXPIRETIME k ${names}`)).toBe(`[${NOW_S * 1000 + 1500} -1 -2]`);
    at.advance(1499);
    expect(at.run(`${letter}TTL k ${names}`)).toBe("[1 -1 -2]");
    expect(at.run(`${letter}PTTL k ${names}`)).toBe("[1 -1 -2]");
    at.advance(1);
    expect(at.run(`${letter}PTTL k ${names}`)).toBe("[-2 -1 -2]");
  });

  test("live for ever again after PERSIST", () => {
    at.run(`${letter}EXPIRE k 1 ${word} 2 ${a} ${b}`);
    const { store } = at.engine.keyspace;
    const { changes } = store;
    expect(at.run(`${letter}PERSIST k ${word} 3 ${a} ${c} none`)).toBe("[1 -1 -2]");
    expect(store.changes).toBe(changes + 1);
    expect(at.run("OBJECT ENCODING k")).toBe(timed);
    expect(at.run(`${letter}PERSIST k ${word} 3 ${a} ${b} ${b}`)).toBe("[-1 1 -1]");
    expect(at.run("OBJECT ENCODING k")).toBe(encoding);
    expect(at.run(`${letter}PERSIST k ${word} 1 ${a}`)).toBe("[-1]");
    expect(store.changes).toBe(changes + 2);
    at.advance(5000);
    expect(at.run(`${family.count} k`)).toBe("3");
  });

  test("may be given at absolute times", () => {
    expect(at.run(`${letter}EXPIREAT k ${NOW_S + 10} ${word} 1 ${a}`)).toBe("[1]");
    expect(at.run(`${letter}PEXPIREAT k ${NOW_S * 1000 + 20} ${word} 1 ${b}`)).toBe("[1]");
    expect(at.run(`${letter}PTTL k ${word} 2 ${a} ${b}`)).toBe("[10000 20]");
  });

  test("take conditions: NX, XX, GT, LT", () => {
    const set = (ms: number, condition: string): string =>
      at.run(`${letter}PEXPIRE k ${ms} ${condition} ${word} 3 ${a} ${b} none`);
    expect(set(1000, "XX")).toBe("[0 0 -2]");
    expect(set(1000, "GT")).toBe("[0 0 -2]");
    at.run(`${letter}PEXPIRE k 1000 NX ${word} 1 ${a}`);
    expect(set(3000, "NX")).toBe("[0 1 -2]");
    expect(at.run(`${letter}PTTL k ${word} 2 ${a} ${b}`)).toBe("[1000 3000]");
    expect(set(2000, "gt")).toBe("[1 0 -2]");
    expect(set(2000, "GT")).toBe("[0 0 -2]");
    expect(set(2000, "Lt")).toBe("[0 1 -2]");
    expect(set(2500, "LT")).toBe("[0 0 -2]");
    expect(set(1500, "LT")).toBe("[1 1 -2]");
    expect(set(9000, "xx")).toBe("[1 1 -2]");
    // A member without a time lives for ever, so any time is earlier.
    expect(at.run(`${letter}PEXPIRE k 50 LT ${word} 1 ${c}`)).toBe("[1]");
  });

  test("go at once if their time is past", () => {
    const { store } = at.engine.keyspace;
    const { changes } = store;
    at.run(`${letter}EXPIRE k 100 ${word} 1 ${b}`);
    expect(at.run(`${letter}EXPIRE k 0 ${word} 2 ${a} none`)).toBe("[2 -2]");
    expect(has(a)).toBe(false);
    expect(at.run(`${letter}PEXPIREAT k ${NOW_S * 1000} GT ${word} 1 ${b}`)).toBe("[0]");
    expect(at.run(`${letter}EXPIREAT k 1 ${word} 2 ${b} ${b}`)).toBe("[2 -2]");
    expect(at.run("OBJECT ENCODING k")).toBe(encoding);
    expect(at.run(`${letter}PEXPIREAT k 0 ${word} 1 ${c}`)).toBe("[2]");
    expect(at.run("EXISTS k")).toBe("0");
    expect(store.changes).toBe(changes + 4);
    expect(at.run("INFO stats")).toContain("expired_subkeys:0\r\n");
  });

  test("are missing of a key that is missing", () => {
    for (const verb of ["EXPIRE m 10", "PEXPIREAT m 1", "TTL m", "PEXPIRETIME m", "PERSIST m"]) {
      expect(at.run(`${letter}${verb} ${word} 2 x y`)).toBe("[-2 -2]");
    }
    expect(at.run("EXISTS m")).toBe("0");
  });

  test("refuse wrong arguments, and change nothing", () => {
    at.run("RPUSH list x");
    const dump = at.run("DEBUG DIGEST");
    const { changes } = at.engine.keyspace.store;
    const many = noun === "field" ? "numFields" : "numMembers";
    const match = `-ERR The \`num${noun}s\` parameter must match the number of arguments`;
    const missing = `-ERR Mandatory argument ${word} is missing or not at the right position`;
    const positive = `-ERR Number of ${noun}s must be a positive integer`;
    for (const [verb, unit] of [
      ["EXPIRE", "EXPIRE k 10"],
      ["PEXPIRE", "PEXPIRE k 10"],
      ["EXPIREAT", "EXPIREAT k 10"],
      ["PEXPIREAT", "PEXPIREAT k 10"],
    ]) {
      const name = `${letter}${verb}`.toLowerCase();
      const arity = `-ERR wrong number of arguments for '${name}' command`;
      expect(at.run(`${letter}${unit} ${word} 1`)).toBe(arity);
      expect(at.run(`${letter}${unit} ${word} 2 ${a}`)).toBe(match);
      expect(at.run(`${letter}${unit} ${word} 1 ${a} ${b}`)).toBe(match);
      expect(at.run(`${letter}${unit} NX ${word} 1`)).toBe(match);
      expect(at.run(`${letter}${unit} NX XX ${word} 1 ${a}`)).toBe(missing);
      expect(at.run(`${letter}${unit} FOO ${word} 1 ${a}`)).toBe(missing);
      expect(at.run(`${letter}${unit} 1 ${a} ${word}`)).toBe(missing);
      for (const number of ["0", "-1", "x", "1.5", "", "9223372036854775808"]) {
        const parts = [...`${letter}${unit} ${word}`.split(" "), number, a];
        expect(at.call(...parts)).toBe(`-ERR Parameter \`${many}\` should be greater than 0`);
      }
      const list = `${letter}${unit} ${word} 1 ${a}`.replace(" k ", " list ");
      expect(at.run(list)).toBe(WRONG_TYPE);
      const wrongTime = list.replace(" list 10", " list x");
      expect(at.run(wrongTime)).toBe(WRONG_TYPE);
      expect(at.run(wrongTime.replace("list", "k"))).toBe(NOT_AN_INTEGER);
    }
    for (const verb of ["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "PERSIST"]) {
      expect(at.run(`${letter}${verb} k ${word} 1`)).toContain("-ERR wrong number of arguments");
      expect(at.run(`${letter}${verb} k ${word} 2 ${a}`)).toBe(match);
      expect(at.run(`${letter}${verb} k FOO 1 ${a}`)).toBe(missing);
      expect(at.run(`${letter}${verb} list ${word} 1 ${a}`)).toBe(WRONG_TYPE);
      expect(at.run(`${letter}${verb} list FOO 1 ${a}`)).toBe(WRONG_TYPE);
      for (const number of ["0", "-1", "x", "9223372036854775808"]) {
        expect(at.run(`${letter}${verb} k ${word} ${number} ${a}`)).toBe(positive);
      }
    }
    expect(at.run("DEBUG DIGEST")).toBe(dump);
    expect(at.engine.keyspace.store.changes).toBe(changes);
  });

  test("take edge numbers as times", () => {
    const nowMs = NOW_S * 1000;
    for (const [verb, unit, origin] of [
      ["EXPIRE", 1000, nowMs],
      ["PEXPIRE", 1, nowMs],
      ["EXPIREAT", 1000, 0],
      ["PEXPIREAT", 1, 0],
    ] as const) {
      const limits = [TIME_MAX / unit, (TIME_MAX - origin) / unit].map(Math.floor);
      const near = limits.flatMap((limit) => [limit - 1, limit, limit + 1].map(String));
      for (const number of [...EDGE_NUMBERS, ...near]) {
        at.call(...family.add("k", [a, b, c]));
        const reply = at.call(`${letter}${verb}`, "k", number, word, "1", a);
        const isInteger = /^(0|-?[1-9][0-9]*)$/.test(number);
        const value = isInteger ? BigInt(number) : 0n;
        if (!isInteger || BigInt.asIntN(64, value) !== value) expect(reply).toBe(NOT_AN_INTEGER);
        else if (value < 0n) expect(reply).toBe("-ERR invalid expire time, must be >= 0");
        else if (value * BigInt(unit) + BigInt(origin) > BigInt(TIME_MAX)) {
          const name = `${letter}${verb}`.toLowerCase();
          expect(reply).toBe(`-ERR invalid expire time in '${name}' command`);
        } else {
          const dueMs = Number(value) * unit + origin;
          expect(reply).toBe(dueMs <= nowMs ? "[2]" : "[1]");
          const shown = at.run(`${letter}PEXPIRETIME k ${word} 1 ${a}`);
          expect(shown).toBe(dueMs <= nowMs ? "[-2]" : `[${dueMs}]`);
        }
      }
    }
  });

  test("lose their time when they are removed, and come back without", () => {
    at.run(`${letter}EXPIRE k 10 ${word} 2 ${a} ${b}`);
    at.run(`${family.remove} k ${a}`);
    at.call(...family.add("k", [a]));
    expect(at.run(`${letter}TTL k ${word} 2 ${a} ${b}`)).toBe("[-1 10]");
    at.run(`${family.remove} k ${b}`);
    expect(at.run("OBJECT ENCODING k")).toBe(encoding);
  });

  test("stay timed while their collection grows into another encoding", () => {
    at.run(`${letter}EXPIRE k 10 ${word} 1 ${a}`);
    const many = Array.from({ length: 700 }, (_, i) => (i % 2 === 0 ? `m${i}` : String(i + 100)));
    for (const member of many) at.call(...family.add("k", [member]));
    const grown = letter === "Z" ? "skiplist" : "hashtable";
    expect(at.run("OBJECT ENCODING k")).toBe(grown);
    expect(at.run(`${letter}TTL k ${word} 1 ${a}`)).toBe("[10]");
    // More times than a packed block may hold.
    expect(at.run(`${letter}EXPIRE k 5 ${word} 700 ${many.join(" ")}`)).toBe(
      `[${many.map(() => "1").join(" ")}]`,
    );
    at.advance(5000);
    expect(family.members(at, "k")).toEqual([a, b, c].toSorted());
    at.advance(5000);
    expect(family.members(at, "k")).toEqual([b, c].toSorted());
  });

  test("go along with COPY, RENAME, MOVE and SWAPDB", () => {
    at.run(`${letter}EXPIRE k 10 ${word} 1 ${a}`);
    at.run(`${letter}EXPIRE k 20 ${word} 1 ${b}`);
    const ttl = `${letter}TTL`;
    const names = `${word} 3 ${a} ${b} ${c}`;
    expect(at.run("COPY k copy")).toBe("1");
    expect(at.run("COPY k copy DB 1")).toBe("1");
    at.run(`${letter}PERSIST k ${word} 1 ${b}`);
    expect(at.run(`${ttl} copy ${names}`)).toBe("[10 20 -1]");
    expect(at.run("RENAME k k2")).toBe("OK");
    expect(at.run(`${ttl} k2 ${names}`)).toBe("[10 -1 -1]");
    expect(at.run("RENAME copy k2")).toBe("OK");
    expect(at.run("MOVE k2 2")).toBe("1");
    at.run("SELECT 2");
    expect(at.run(`${ttl} k2 ${names}`)).toBe("[10 20 -1]");
    expect(at.run("SWAPDB 2 1")).toBe("OK");
    expect(at.run(`${ttl} copy ${names}`)).toBe("[10 20 -1]");
    at.run("SELECT 1");
    // The key itself may get a time and lose it, which moves its entry.
    at.run("EXPIRE k2 1000");
    expect(at.run(`${ttl} k2 ${names}`)).toBe("[10 20 -1]");
    at.run("PERSIST k2");
    at.advance(10_020);
    at.housekeep();
    const { databases } = at.engine.keyspace;
    expect(at.engine.keyspace.store.expiredMembers).toBe(2);
    expect(databases.map((database) => database.expiringMembers).slice(0, 3)).toEqual([0, 1, 1]);
    expect(at.run(`${ttl} k2 ${names}`)).toBe("[-2 10 -1]");
    at.run("SELECT 2");
    expect(at.run(`${ttl} copy ${names}`)).toBe("[-2 10 -1]");
  });

  test("go with their key: DEL, UNLINK, SET, FLUSHDB, expiry of the key", () => {
    const { keyspace } = at.engine;
    for (const line of ["DEL k", "UNLINK k", "SET k v", "FLUSHDB", "PEXPIRE k 1", "RENAME s k"]) {
      at.run("SET s v");
      at.call(...family.add("k", [a, b, c]));
      at.run(`${letter}EXPIRE k 10 ${word} 2 ${a} ${b}`);
      expect(keyspace.databases[0]!.expiringMembers).toBe(1);
      at.run(line);
      at.advance(20);
      at.housekeep();
      expect(keyspace.databases[0]!.expiringMembers).toBe(0);
      at.run("DEL k");
    }
    at.advance(20_000);
    at.housekeep();
    expect(keyspace.store.expiredMembers).toBe(0);
  });

  test("count in MEMORY USAGE and in the digest", () => {
    // The wheel comes with the first time.
    at.run(`${letter}EXPIRE k 10 ${word} 1 ${a}`);
    at.run(`${letter}PERSIST k ${word} 1 ${a}`);
    const plain = Number(at.run("MEMORY USAGE k"));
    const { arena } = at.engine.keyspace.store;
    const used = arena.usedBytes;
    const digest = at.run("DEBUG DIGEST-VALUE k");
    at.run(`${letter}EXPIRE k 10 ${word} 1 ${a}`);
    const added = Number(at.run("MEMORY USAGE k")) - plain;
    // Of a tree it is an estimate.
    if (encoding === "skiplist") expect(added).toBeGreaterThan(32 + 32);
    else expect(added).toBe(arena.usedBytes - used);
    expect(at.run("DEBUG DIGEST-VALUE k")).not.toBe(digest);
    at.run(`${letter}PERSIST k ${word} 1 ${a}`);
    expect(arena.usedBytes).toBe(used);
    expect(at.run("DEBUG DIGEST-VALUE k")).toBe(digest);
    // Of a member whose time has come the digest knows nothing.
    at.run(`${letter}EXPIRE k 10 ${word} 1 ${a}`);
    const all = at.run("DEBUG DIGEST");
    at.advance(10_000);
    const late = at.run("DEBUG DIGEST");
    expect(late).not.toBe(all);
    at.run(`${family.remove} k ${a}`);
    expect(at.run("DEBUG DIGEST")).toBe(late);
  });

  test("are in DUMP without their times, if they are still there", () => {
    at.run(`${letter}EXPIRE k 10 ${word} 1 ${a}`);
    expect(at.call("RESTORE", "k2", "0", at.run("DUMP k"))).toBe("OK");
    expect(family.members(at, "k2")).toEqual([a, b, c].toSorted());
    at.advance(10_000);
    expect(at.call("RESTORE", "k3", "0", at.run("DUMP k"))).toBe("OK");
    expect(family.members(at, "k3")).toEqual([b, c].toSorted());
  });

  test("expire without anybody looking, and tell whoever asked", () => {
    const seen: string[] = [];
    const { store, databases } = at.engine.keyspace;
    store.onMemberExpire = (database, entry, member) => {
      const key = database.keyOf(entry).toString();
      seen.push(`${database.index} ${key} ${member.copy().toString()}`);
    };
    at.run(`${letter}PEXPIRE k 1000 ${word} 1 ${c}`);
    at.run(`${letter}PEXPIRE k 500 ${word} 1 ${a}`);
    at.advance(400);
    at.housekeep();
    expect(seen).toEqual([]);
    at.advance(116);
    at.housekeep();
    expect(seen).toEqual([`0 k ${a}`]);
    expect(databases[0]!.expiringMembers).toBe(1);
    at.advance(500);
    expect(at.run(`${family.count} k`)).toBe("1");
    expect(seen.slice(1)).toEqual([`0 k ${c}`]);
  });

  test("do not expire actively while DEBUG SET-ACTIVE-EXPIRE 0 holds", () => {
    at.run("DEBUG SET-ACTIVE-EXPIRE 0");
    at.run(`${letter}PEXPIRE k 10 ${word} 1 ${a}`);
    at.advance(1000);
    at.housekeep();
    expect(at.engine.keyspace.store.expiredMembers).toBe(0);
    expect(has(a)).toBe(false);
  });
});

describe("times of members and the commands of their type", () => {
  beforeEach(() => start({}));
  afterEach(end);

  test("HSET, HMSET and HSETEX take a field's time away; HINCRBY, HINCRBYFLOAT and KEEPTTL keep it", () => {
    const reset = (): void => {
      at.run("HSET h f 1 g 2");
      at.run("HEXPIRE h 10 FIELDS 2 f g");
    };
    for (const [line, ttl] of [
      ["HSET h f 5", "-1"],
      ["HMSET h f 5", "-1"],
      ["HSETEX h FIELDS 1 f 5", "-1"],
      ["HSETNX h f 5", "10"],
      ["HINCRBY h f 1", "10"],
      ["HINCRBY h f 1000000000000", "10"],
      ["HINCRBYFLOAT h f 1.5", "10"],
      ["HSETEX h KEEPTTL FIELDS 1 f 5", "10"],
      ["HSETEX h EX 99 FIELDS 1 f 5", "99"],
    ] as const) {
      reset();
      at.run(line);
      expect(at.run("HTTL h FIELDS 2 f g")).toBe(`[${ttl} 10]`);
    }
    at.run("CONFIG SET hash-max-listpack-entries 0");
    reset();
    at.run(`HINCRBYFLOAT h f 0.25`);
    expect(at.run("HTTL h FIELDS 2 f g")).toBe("[10 10]");
    at.run("HSET h f x");
    expect(at.run("HTTL h FIELDS 2 f g")).toBe("[-1 10]");
    at.run("HGETDEL h FIELDS 1 g");
    expect(at.engine.keyspace.databases[0]!.expiringMembers).toBe(0);
  });

  test("SADD, ZADD, ZINCRBY and GEOADD of a member that is there keep its time", () => {
    at.run("SADD s a b");
    at.run("SEXPIRE s 10 MEMBERS 1 a");
    at.run("SADD s a");
    expect(at.run("STTL s MEMBERS 1 a")).toBe("[10]");
    at.run("ZADD z 1 a 2 b");
    at.run("ZEXPIRE z 10 MEMBERS 1 a");
    for (const line of ["ZADD z 5 a", "ZINCRBY z 2 a", "ZADD z XX CH 1 a", "GEOADD z 1 1 a"]) {
      at.run(line);
      expect(at.run("ZTTL z MEMBERS 2 a b")).toBe("[10 -1]");
    }
  });

  test("SPOP, SMOVE, ZPOPMIN, ZMPOP and the ranges that remove take times along", () => {
    for (const encoding of ["128", "0"]) {
      at.run(`CONFIG SET set-max-listpack-entries ${encoding}`);
      at.run(`CONFIG SET zset-max-listpack-entries ${encoding}`);
      at.run("FLUSHALL");
      const letters = [..."abcdefghijklmnopqrst"];
      at.call("SADD", "s", ...letters);
      at.call("SEXPIRE", "s", "10", "MEMBERS", "20", ...letters);
      at.run("SPOP s");
      at.run("SPOP s 15");
      const left = SET.members(at, "s");
      expect(left).toHaveLength(4);
      expect(at.call("STTL", "s", "MEMBERS", "4", ...left)).toBe("[10 10 10 10]");
      at.run("SADD other x");
      at.run(`SMOVE s other ${left[0]!}`);
      expect(at.run(`STTL other MEMBERS 1 ${left[0]!}`)).toBe("[-1]");
      at.run(`SADD s ${left[0]!}`);
      expect(at.run(`STTL s MEMBERS 1 ${left[0]!}`)).toBe("[-1]");
      at.run("SPOP s 100");
      expect(at.run("EXISTS s")).toBe("0");

      at.call("ZADD", "z", ...letters.flatMap((member, i) => [String(i), member]));
      at.call("ZEXPIRE", "z", "10", "MEMBERS", "20", ...letters);
      at.run("ZPOPMIN z");
      at.run("ZPOPMAX z 2");
      at.run("ZMPOP 1 z MIN COUNT 2");
      at.run("ZREMRANGEBYRANK z 0 1");
      at.run("ZREMRANGEBYSCORE z 5 6");
      at.run("ZREMRANGEBYLEX z - [h");
      at.run("BZPOPMAX z 0");
      expect(SORTED_SET.members(at, "z").join("")).toBe("ijklmnopq");
      at.call("ZADD", "z", ...letters.flatMap((member, i) => [String(i), member]));
      expect(at.call("ZTTL", "z", "MEMBERS", "20", ...letters)).toBe(
        `[${letters.map((member) => ("ijklmnopq".includes(member) ? 10 : -1)).join(" ")}]`,
      );
    }
  });

  test("sets that are computed or stored have no times; what they overwrite has none left", () => {
    at.run("SADD s a b c");
    at.run("SEXPIRE s 10 MEMBERS 2 a b");
    at.run("ZADD z 1 a 2 b 3 c");
    at.run("ZEXPIRE z 10 MEMBERS 2 a b");
    at.run("SUNIONSTORE d s");
    at.run("ZUNIONSTORE e 2 z s");
    at.run("ZRANGESTORE f z 0 -1");
    expect(at.run("STTL d MEMBERS 3 a b c")).toBe("[-1 -1 -1]");
    expect(at.run("ZTTL e MEMBERS 3 a b c")).toBe("[-1 -1 -1]");
    expect(at.run("ZTTL f MEMBERS 3 a b c")).toBe("[-1 -1 -1]");
    at.run("SINTERSTORE s s d");
    at.run("ZDIFFSTORE z 2 z nothing");
    expect(at.run("STTL s MEMBERS 3 a b c")).toBe("[-1 -1 -1]");
    expect(at.run("ZTTL z MEMBERS 3 a b c")).toBe("[-1 -1 -1]");
    at.run("SEXPIRE s 10 MEMBERS 1 a");
    at.run("SORT s BY nosort STORE l");
    at.run("SADD t x");
    at.run("SEXPIRE t 1 MEMBERS 1 x");
    at.advance(1000);
    // Members whose time has come take part in nothing.
    expect(at.run("SUNION s t")).not.toContain("x");
    expect(at.run("SINTERCARD 2 s t")).toBe("0");
    at.run("SADD t x y");
    at.run("SEXPIRE t 1 MEMBERS 1 y");
    at.advance(1000);
    expect(at.run("SORT t ALPHA")).toBe("[x]");
    expect(at.run("SRANDMEMBER t 5")).toBe("[x]");
    expect(at.run("SSCAN t 0")).toBe("[0 [x]]");
  });

  test("random picks, scans and HRANDFIELD see no member whose time has come", () => {
    const fields = Array.from({ length: 40 }, (_, i) => `f${i}`);
    for (const max of ["512", "0"]) {
      at.run(`CONFIG SET hash-max-listpack-entries ${max}`);
      at.run("DEL h");
      at.call(...HASH.add("h", fields));
      at.call("HPEXPIRE", "h", "5", "FIELDS", "39", ...fields.slice(1));
      at.advance(5);
      for (let i = 0; i < 20; i++) expect(at.run("HRANDFIELD h")).toBe("f0");
      expect(at.run("HSCAN h 0 COUNT 100")).toBe("[0 [f0 f0!]]");
    }
  });

  test("a client waits for a sorted set whose last member has expired", () => {
    const { engine } = at;
    const session = engine.createSession();
    at.run("ZADD z 1 a");
    at.run("ZPEXPIRE z 5 MEMBERS 1 a");
    at.advance(5);
    expect(send(session, ["BZPOPMIN", "z", "0"])).toBe("");
    expect(session.blocked).toBe(true);
    expect(engine.keyspace.databases[0]!.size).toBe(0);
    expect(at.run("ZMPOP 1 z MIN")).toBe("nil");
    at.run("ZADD z 2 b");
    expect(takeReply(session)).toContain("$1\r\nb\r\n");
    expect(at.run("EXISTS z")).toBe("0");
  });
});
