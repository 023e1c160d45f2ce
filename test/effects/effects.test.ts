/** The effects of single commands: what is written for those that would not do the same again by their own words. */
import { describe, expect, test } from "bun:test";
import type { Engine } from "../../src/commands/engine.ts";
import type { Session } from "../../src/commands/session.ts";
import { lines } from "../differential/lines.ts";
import { commandsOf, createEngine, send, takeEffects, takeReply } from "./two-engines.ts";

const NOW = 1_700_000_000_000;

function recorded(): { engine: Engine; session: Session } {
  const engine = createEngine();
  engine.record(true);
  return { engine, session: engine.createSession() };
}

function effectsOf(engine: Engine): string[] {
  return commandsOf(takeEffects(engine)).map((command) => command.join(" "));
}

/** [what was there before, the command, its effects] */
const CASES: readonly (readonly [before: string, command: string, effects: string])[] = [
  ["", "SET k v", "SET k v"],
  ["", "set k v NX", "set k v NX"],
  ["", "SET k v XX", ""],
  ["", "SET k v EX 10", `SET k v PXAT ${NOW + 10_000}`],
  ["SET k a", "SET k v IFEQ a", "SET k v"],
  ["SET k a", "SET k v IFEQ a KEEPTTL", "SET k v KEEPTTL"],
  ["SET k a", "SET k v IFEQ b", ""],
  ["", "SETEX k 5 v", `SET k v PXAT ${NOW + 5000}`],
  ["", "PSETEX k 5 v", `SET k v PXAT ${NOW + 5}`],
  ["SET k v", "GETDEL k", "DEL k"],
  ["SET k v", "GETEX k", ""],
  ["SET k v", "GETEX k PX 7", `PEXPIREAT k ${NOW + 7}`],
  ["SET k v", "GETEX k PXAT 1", "DEL k"],
  ["SET k v EX 9", "GETEX k PERSIST", "PERSIST k"],
  ["SET k v", "EXPIRE k 3", `PEXPIREAT k ${NOW + 3000}`],
  ["SET k v", "EXPIREAT k 1", "DEL k"],
  ["SET k v", "EXPIRE k -1", "DEL k"],
  ["SET k v EX 9", "PERSIST k", "PERSIST k"],
  ["SET k 1", "INCRBYFLOAT k 0.5", "SET k 1.5 KEEPTTL"],
  ["", "HINCRBYFLOAT h f 0.5", "HSET h f 0.5"],
  ["HSET h a 1 b 2", "HGETDEL h FIELDS 1 a", "HDEL h a"],
  ["HSET h f 1; HEXPIRE h 9 FIELDS 1 f", "HINCRBYFLOAT h f 1", "HSETEX h KEEPTTL FIELDS 1 f 2"],
  ["HSET h a 1 b 2", "HEXPIRE h 5 FIELDS 2 a x", `HPEXPIREAT h ${NOW + 5000} FIELDS 1 a`],
  ["HSET h a 1 b 2", "HPEXPIREAT h 1 NX FIELDS 3 a x a", "HDEL h a"],
  ["HSET h a 1", "HEXPIRE h 5 XX FIELDS 1 a", ""],
  ["HSET h a 1; HEXPIRE h 9 FIELDS 1 a", "HPERSIST h FIELDS 1 a", "HPERSIST h FIELDS 1 a"],
  ["HSET h a 1 b 2", "HGETEX h FIELDS 1 a", ""],
  ["HSET h a 1 b 2", "HGETEX h PX 7 FIELDS 2 a x", `HPEXPIREAT h ${NOW + 7} FIELDS 1 a`],
  ["HSET h a 1 b 2", "HGETEX h EXAT 7 FIELDS 2 a x", "HDEL h a"],
  [
    "HSET h a 1 b 2; HEXPIRE h 9 FIELDS 1 a",
    "HGETEX h PERSIST FIELDS 2 a b",
    "HPERSIST h FIELDS 1 a",
  ],
  ["", "HSETEX h FNX PX 7 FIELDS 2 a 1 b 2", `HSETEX h PXAT ${NOW + 7} FIELDS 2 a 1 b 2`],
  ["", "HSETEX h KEEPTTL FIELDS 1 a 1", "HSETEX h KEEPTTL FIELDS 1 a 1"],
  ["HSET h a 1 c 3", "HSETEX h PXAT 7 FIELDS 2 a 1 b 2", "HDEL h a b"],
  ["SADD s a b", "SPEXPIRE s 5 MEMBERS 2 a b", `SPEXPIREAT s ${NOW + 5} MEMBERS 2 a b`],
  ["SADD s a b", "SEXPIRE s 0 MEMBERS 1 a", "SREM s a"],
  ["ZADD z 1 a", "ZEXPIREAT z 9999999999 MEMBERS 1 a", "ZPEXPIREAT z 9999999999000 MEMBERS 1 a"],
  ["ZADD z 1 a", "ZPEXPIRE z 0 MEMBERS 1 a", "ZREM z a"],
  ["SET k a", "DELEX k IFEQ a", "DEL k"],
  ["SET k a", "DELIFEQ k a", "DEL k"],
  ["", "MSETEX 2 a 1 b 2", "MULTI;SET a 1;SET b 2;EXEC"],
  ["", "MSETEX 1 a 1 PX 4", `SET a 1 PXAT ${NOW + 4}`],
  ["SET k 5", "INCREX k BYINT 2", "SET k 7 KEEPTTL"],
  ["SET k 5", "INCREX k PX 4", `SET k 6 PXAT ${NOW + 4}`],
  ["SET k 5 EX 9", "INCREX k PERSIST", "SET k 6"],
  ["SADD s a", "SPOP s", "DEL s"],
  ["SADD s a b", "SPOP s 3", "DEL s"],
  ["RPUSH l a b c", "BLPOP l 0", "LPOP l"],
  ["RPUSH l a b c", "BRPOP x l 0", "RPOP l"],
  ["RPUSH l a b c", "BLMOVE l m LEFT RIGHT 0", "LMOVE l m LEFT RIGHT"],
  ["RPUSH l a b c", "BRPOPLPUSH l m 0", "LMOVE l m RIGHT LEFT"],
  ["RPUSH l a b c", "LMPOP 2 x l RIGHT COUNT 9", "RPOP l 3"],
  ["RPUSH l a b c", "BLMPOP 0 2 x l LEFT", "LPOP l 1"],
  ["ZADD z 1 a 2 b", "BZPOPMIN z 0", "ZPOPMIN z"],
  ["ZADD z 1 a 2 b", "BZPOPMAX z 0", "ZPOPMAX z"],
  ["ZADD z 1 a 2 b", "ZMPOP 1 z MAX COUNT 2", "ZPOPMAX z 2"],
  ["ZADD z 1 a 2 b", "BZMPOP 0 1 z MIN", "ZPOPMIN z 1"],
  ["", "XADD s * f v", `XADD s ${NOW}-0 f v`],
  ["", "XADD s 5-* f v", "XADD s 5-0 f v"],
  ["", "XADD s 5-1 f v", "XADD s 5-1 f v"],
  ["XADD s 1 f v", "XADD s MAXLEN ~ 1 * f v", `XADD s MAXLEN = 2 ${NOW}-0 f v`],
  ["XADD s 1 f v", "XADD s MINID ~ 0 LIMIT 5 9-1 f v", "XADD s MAXLEN = 2 9-1 f v"],
  ["XADD s 1 f v", "XTRIM s MAXLEN 0", "XTRIM s MAXLEN 0"],
  ["XADD s MAXLEN 5 1 f v", "XADD s ACKED 2 f v w x", "XADD s 2-0 f v w x"],
  ["XADD s 1 f v", "XADD s KEEPREF MAXLEN 1 9-1 f v", "XADD s MAXLEN 1 9-1 f v"],
  ["XADD s 1 f v", "XTRIM s MAXLEN 0 ACKED", "XDEL s 1-0"],
  ["XADD s 1 f v", "XADD s MAXLEN = 1 ACKED 2-* f v", "MULTI;XADD s 2-0 f v;XDEL s 1-0;EXEC"],
  [
    "XADD s 1 f v; XGROUP CREATE s g 0; XREADGROUP GROUP g c STREAMS s >",
    "XTRIM s MAXLEN 0 DELREF",
    "MULTI;XACK s g 1-0;XTRIM s MAXLEN 0;EXEC",
  ],
  [
    "XADD s 1 f v; XGROUP CREATE s g 0; XREADGROUP GROUP g c STREAMS s >",
    "XDELEX s DELREF IDS 2 1 2",
    "MULTI;XACK s g 1-0;XDEL s 1-0;EXEC",
  ],
  [
    "XADD s 1 f v; XGROUP CREATE s g 0; XREADGROUP GROUP g c STREAMS s >",
    "XACKDEL s g ACKED IDS 1 1",
    "MULTI;XACK s g 1-0;XDEL s 1-0;EXEC",
  ],
  ["XADD s 1 f v; XGROUP CREATE s g 0", "XDELEX s ACKED IDS 1 1", ""],
  [
    "XADD s 1 f v; XADD s 2 f v; XGROUP CREATE s g 0; XREADGROUP GROUP g c STREAMS s >; XDEL s 1",
    "XREADGROUP GROUP g c CLAIM 0 STREAMS s >",
    `MULTI;XACK s g 1-0;XCLAIM s g c 0 2-0 TIME ${NOW} RETRYCOUNT 2 FORCE JUSTID;EXEC`,
  ],
  ["XADD s 1 f v", "XTRIM s MAXLEN ~ 0", "XTRIM s MAXLEN = 0"],
  [
    "XADD s 1 f v; XADD s 2 f v; XGROUP CREATE s g 0",
    "XREADGROUP GROUP g c STREAMS s >",
    `MULTI;XGROUP CREATECONSUMER s g c;XCLAIM s g c 0 1-0 2-0 TIME ${NOW} RETRYCOUNT 1 FORCE JUSTID;` +
      "XGROUP SETID s g 2-0 ENTRIESREAD 2;EXEC",
  ],
  [
    "XADD s 1 f v; XGROUP CREATE s g 0; XGROUP CREATECONSUMER s g c",
    "XREADGROUP GROUP g c NOACK STREAMS s >",
    "XGROUP SETID s g 1-0 ENTRIESREAD 1",
  ],
  [
    "XADD s 1 f v; XGROUP CREATE s g 0; XREADGROUP GROUP g c STREAMS s >",
    "XCLAIM s g d 0 1-0 RETRYCOUNT 7 JUSTID",
    `MULTI;XGROUP CREATECONSUMER s g d;XCLAIM s g d 0 1-0 TIME ${NOW} RETRYCOUNT 7 FORCE JUSTID;EXEC`,
  ],
  [
    "XADD s 1 f v; XGROUP CREATE s g 0; XREADGROUP GROUP g c STREAMS s >; XDEL s 1",
    "XAUTOCLAIM s g c 0 0",
    "XACK s g 1-0",
  ],
  ["PFADD h a b", "PFCOUNT h", "PFCOUNT h"],
  ["SET k v", "DEL k", "DEL k"],
  ["", "DEL k", ""],
  ["SET k v", "COPY k l DB 3", "COPY k l DB 3"],
  ["", "SWAPDB 0 1", "SWAPDB 0 1"],
];

describe("the effect of", () => {
  for (const [before, command, wanted] of CASES) {
    test(`${command}${before === "" ? "" : ` after ${before}`}`, () => {
      const { engine, session } = recorded();
      for (const line of lines(before)) send(session, line.split(" "));
      takeEffects(engine);
      send(session, command.split(" "));
      const effects = effectsOf(engine).filter((effect) => effect !== "SELECT 0");
      expect(effects.join(";")).toBe(wanted);
    });
  }
});

describe("effects", () => {
  test("of members whose time has come are told before what the command does, of whole keys as DEL", () => {
    const { engine, session } = recorded();
    for (const line of lines(
      "HSET h a 1 b 2 c 3; HPEXPIRE h 5 FIELDS 2 a b; SADD s a b; SPEXPIRE s 5 MEMBERS 1 b; " +
        "ZADD z 1 a 2 b; ZPEXPIRE z 5 MEMBERS 2 a b; SADD t a 5; SPEXPIRE t 9 MEMBERS 1 5",
    )) {
      send(session, line.split(" "));
    }
    takeEffects(engine);
    engine.clock.advance(5);
    for (const line of lines("HGET h a; SADD s c; ZCARD z; MSETEX 2 x 1 y 2")) {
      send(session, line.split(" "));
    }
    expect(effectsOf(engine)).toEqual(
      lines("HDEL h a; HDEL h b; SREM s b; SADD s c; DEL z; MULTI; SET x 1; SET y 2; EXEC"),
    );
    engine.clock.advance(100);
    while (engine.keyspace.housekeep(1e6));
    expect(effectsOf(engine)).toEqual(["SREM t 5"]);
  });

  test("cost nothing and are not written while nobody keeps them", () => {
    const engine = createEngine();
    send(engine.createSession(), ["SET", "k", "v"]);
    expect(engine.effects.offset).toBe(0);
  });

  test("select the database where it changes, and again after it was forgotten", () => {
    const { engine, session } = recorded();
    send(session, ["SET", "a", "1"]);
    send(session, ["SET", "b", "1"]);
    send(session, ["SELECT", "4"]);
    send(session, ["SET", "c", "1"]);
    engine.effects.forgetDatabase();
    send(session, ["SET", "d", "1"]);
    expect(effectsOf(engine)).toEqual(
      lines("SELECT 0; SET a 1; SET b 1; SELECT 4; SET c 1; SELECT 4; SET d 1"),
    );
  });

  test("of members popped by chance name the members, many of them in several commands", () => {
    const { engine, session } = recorded();
    const members = Array.from({ length: 5000 }, (_, i) => `m${i}`);
    send(session, ["SADD", "s", ...members]);
    takeEffects(engine);
    for (const count of ["1", "2500", "2400"]) send(session, ["SPOP", "s", count]);
    const popped = commandsOf(takeEffects(engine)).filter(([name]) => name === "SREM");
    expect(Math.max(...popped.map((effect) => effect.length))).toBeLessThanOrEqual(1024);
    const names = popped.flatMap((effect) => effect.slice(2));
    expect(new Set(names).size).toBe(4901);
    const left = send(session, ["SMEMBERS", "s"]);
    expect(names.some((name) => left.includes(`\r\n${name}\r\n`))).toBe(false);
  });

  test("of a key whose time has come is its deletion, before that of the command that finds it", () => {
    const { engine, session } = recorded();
    send(session, ["SET", "k", "v", "PX", "10"]);
    takeEffects(engine);
    engine.clock.advance(11);
    send(session, ["APPEND", "k", "w"]);
    expect(effectsOf(engine)).toEqual(["DEL k", "APPEND k w"]);
  });

  test("of keys that nobody looks at any more are their deletions", () => {
    const { engine, session } = recorded();
    send(session, ["SET", "k", "v", "PX", "10"]);
    takeEffects(engine);
    engine.clock.advance(1000);
    engine.beginTurn();
    while (engine.keyspace.housekeep(1e6));
    expect(effectsOf(engine)).toEqual(["DEL k"]);
  });

  test("of a command that served a client that waited come after its own", () => {
    const { engine, session } = recorded();
    const waiting = engine.createSession();
    send(waiting, ["BLPOP", "l", "0"]);
    send(session, ["RPUSH", "l", "a", "b"]);
    expect(takeReply(waiting)).toContain("a");
    expect(effectsOf(engine)).toEqual(["SELECT 0", "RPUSH l a b", "LPOP l"]);
  });
});
