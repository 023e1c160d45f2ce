/**
 * Whose reply need not wait for a sync: what leaves at once shows nothing that a loss of power could still take back. That is asked
 * of a second engine, which has the effects that are safe and no others: it must answer the same.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import type { Random } from "../../src/base/random.ts";
import type { Engine } from "../../src/commands/engine.ts";
import type { Session } from "../../src/commands/session.ts";
import { EffectReplay } from "../../src/persistence/effect-replay.ts";
import { RespParser } from "../../src/protocol/resp-request.ts";
import type { DocCommand } from "../differential/grammar.ts";
import { encodeCommand } from "../support/resp-client.ts";
import { rounds, seeded } from "../support/seed.ts";
import { readDataCommands, someCommand } from "./random-commands.ts";
import { createEngine, replayFurther, send, takeReply } from "./two-engines.ts";

const SEQUENCES = 40 * rounds;
const SEQUENCE_LENGTH = 150;
const SESSIONS = 4;

/** Answer something else in every engine, with the same data. */
const OTHERWISE = /scan$|randmember|randfield|^(?:object|memory|xinfo|debug|dump|time)/;
/** Take seconds. */
const LEFT_OUT: ReadonlySet<string> = new Set(["pfselftest"]);

/** A piece of the effects, as the log got it. */
interface Piece {
  readonly bytes: Buffer;
  readonly end: number;
}

/** An engine with a log that takes everything and makes nothing safe by itself. */
class Recorded {
  readonly engine: Engine = createEngine();
  readonly pieces: Piece[] = [];

  constructor() {
    const { engine, pieces } = this;
    engine.record(true);
    engine.gate.setLog({
      write(bytes, size, offset) {
        pieces.push({ bytes: Buffer.from(bytes.subarray(0, size)), end: offset });
        return true;
      },
    });
    engine.gate.discerns = true;
  }

  /** Runs a command. @returns its reply, and whether it may leave before anything else is safe */
  run(session: Session, line: readonly string[]): { reply: string; isFree: boolean } {
    const { gate, unsafeKeys } = this.engine;
    const before = gate.offset;
    const reply = send(session, line);
    if (gate.offset !== before || reply === "") return { reply, isFree: false };
    const bytes = encodeCommand(line);
    const parser = new RespParser();
    parser.next(bytes, bytes.length);
    return { reply, isFree: unsafeKeys.shownTo(session, parser.args) <= gate.safe };
  }

  /** Makes some of what the log has safe, on another engine as well. */
  advance(count: number, safe: EffectReplay): void {
    const now = this.pieces.splice(0, count);
    if (now.length === 0) return;
    replayFurther(safe, Buffer.concat(now.map(({ bytes }) => bytes)));
    this.engine.gate.advance(now.at(-1)!.end);
  }
}

/** Commands of which one shows what a key holds, whatever that is; the others answer an error. */
const SHOWING: readonly (readonly string[])[] = [
  ["GET"],
  ["LRANGE", "0", "-1"],
  ["HGETALL"],
  ["SMEMBERS"],
  ["ZRANGE", "0", "-1", "WITHSCORES"],
  ["XRANGE", "-", "+"],
  ["PEXPIRETIME"],
];

/** Commands that show some of the keys of a database. */
function showSome(random: Random, engine: Engine, database: number): string[][] {
  const keys: string[] = [];
  const db = engine.keyspace.databases[database]!;
  db.scan(0, (entry) => keys.push(db.keyOf(entry).toString("latin1")));
  return keys
    .filter(() => random.below(3) === 0)
    .flatMap((key) => SHOWING.map(([name, ...more]) => [name!, key, ...more]));
}

/** A reply whose order is left to the engine. */
function parts(reply: string): string[] {
  return reply.split("\r\n").toSorted();
}

describe("a reply while effects are not safe", () => {
  let docs: DocCommand[];
  beforeAll(async () => {
    docs = await readDataCommands(LEFT_OUT);
  });

  function compareSequence(random: Random): number {
    const recorded = new Recorded();
    const { engine } = recorded;
    const safe = createEngine();
    const replay = new EffectReplay(safe);
    const sessions = Array.from({ length: SESSIONS }, () => engine.createSession());
    const asked = safe.createSession();
    let compared = 0;
    for (let n = 0; n < SEQUENCE_LENGTH; n++) {
      if (random.below(6) === 0) engine.gate.commit();
      if (random.below(8) === 0) recorded.advance(random.below(3), replay);
      if (random.below(10) === 0) {
        engine.clock.advance(random.below(4000));
        safe.clock.freeze(engine.clock.nowMs);
        engine.beginTurn();
        if (random.below(2) === 0) while (engine.keyspace.housekeep(1e6));
      }
      const session = sessions[random.below(SESSIONS)]!;
      if (session.blocked) continue;
      const lines = [someCommand(random, docs)];
      // Of what is there now, and of what would be there.
      const shown = random.below(2) === 0 ? engine : safe;
      if (session.transaction === null) lines.push(...showSome(random, shown, session.db.index));
      for (const line of lines) {
        const isUnsafe = engine.gate.mustWait;
        const { reply, isFree } = recorded.run(session, line);
        for (const one of sessions) takeReply(one);
        const name = session.lastCommand?.fullName ?? "";
        if (!isUnsafe || !isFree || OTHERWISE.test(name)) continue;
        if (session.lastCommand?.onlyReadsItsKeys !== true) continue;
        asked.db = safe.keyspace.databases[session.db.index]!;
        asked.reply.version = session.reply.version;
        expect([line, parts(send(asked, line))]).toEqual([line, parts(reply)]);
        compared++;
      }
    }
    engine.keyspace.release();
    safe.keyspace.release();
    return compared;
  }

  test(
    "leaves at once only if it is the same without them, whatever was done",
    () => {
      const random = seeded("unsafe keys");
      let compared = 0;
      for (let i = 0; i < SEQUENCES; i++) compared += compareSequence(random);
      console.log(`${compared} replies left before earlier effects were safe`);
      expect(compared).toBeGreaterThan(20 * SEQUENCES);
    },
    { timeout: 60_000 * rounds },
  );

  /** [what is done, what is read, whether its reply may leave] */
  const CASES: readonly (readonly [done: string, read: string, isFree: boolean])[] = [
    ["SET a 1", "GET b", true],
    ["SET a 1", "GET a", false],
    ["SET a 1", "MGET b c d", true],
    ["SET a 1", "MGET b a", false],
    ["SET a 1", "PING", true],
    ["SET a 1", "DBSIZE", false],
    ["SET a 1", "KEYS *", false],
    ["SET a 1", "SCAN 0", false],
    ["SET a 1", "EVAL return(1) 0", false],
    ["SET a 1", "SORT_RO b BY a*", false],
    ["SET a 1", "SET b 1 XX", false],
    ["RENAME before b", "EXISTS before", false],
    ["RENAME before b", "EXISTS b", false],
    ["RENAME before b", "EXISTS c", true],
    ["COPY before b DB 3", "GET b", false],
    ["FLUSHALL", "GET a", false],
    ["SWAPDB 0 1", "GET a", false],
    ["MSET a 1 b 2", "GET b", false],
    ["MULTI; SET a 1; SET b 1; EXEC", "GET b", false],
    ["MULTI; SET a 1; SET b 1; EXEC", "GET c", true],
    ["EVAL redis.call('set','b',1) 0", "GET b", false],
    ["EVAL redis.call('set','b',1) 0", "GET c", true],
    ["SORT list STORE b", "GET c", false],
    ["XGROUP CREATE b g $ MKSTREAM", "EXISTS b", false],
    ["XGROUP CREATE b g $ MKSTREAM", "EXISTS g", true],
    ["BITOP NOT b before", "GET b", false],
    ["ZUNIONSTORE b 1 zset", "EXISTS b", false],
    ["GEORADIUS geo 0 0 9999 km STORE b", "EXISTS b", false],
  ];
  for (const [done, read, isFree] of CASES) {
    test(`${done}: ${read} ${isFree ? "leaves" : "waits"}`, () => {
      const recorded = new Recorded();
      const { engine } = recorded;
      const session = engine.createSession();
      const setUp = ["SET before 1", "RPUSH list 2 1", "ZADD zset 1 m", "GEOADD geo 1 1 m"];
      for (const line of setUp) recorded.run(session, line.split(" "));
      engine.gate.commit();
      engine.gate.advance(engine.gate.offset);
      for (const line of done.split("; ")) {
        expect(recorded.run(session, line.split(" ")).reply).not.toStartWith("-");
      }
      // In the same turn, and after the log got it.
      const reader = engine.createSession();
      expect(recorded.run(reader, read.split(" ")).isFree).toBe(isFree);
      engine.gate.commit();
      expect(recorded.run(reader, read.split(" ")).isFree).toBe(isFree);
      engine.gate.advance(engine.gate.offset);
      expect(engine.gate.mustWait).toBe(false);
    });
  }

  test("counts for all keys what the reader of effects does not understand", () => {
    const recorded = new Recorded();
    const { engine } = recorded;
    const session = engine.createSession();
    // What is half told when somebody reads, and moves when it is put between MULTI and EXEC.
    engine.effects.beginCommand();
    engine.effects.delete(0, Buffer.from("a"), 0, 1);
    expect(engine.gate.catchUp()).toBe(true);
    engine.effects.delete(0, Buffer.from("c"), 0, 1);
    engine.effects.endCommand();
    expect(recorded.run(session, ["GET", "b"]).isFree).toBe(false);
    engine.gate.commit();
    engine.gate.advance(engine.gate.offset);
    // What is taken unread: by a rewrite, after a sync has failed.
    recorded.run(session, ["SET", "d", "1"]);
    engine.effects.taken(engine.effects.pos);
    expect(recorded.run(session, ["GET", "b"]).isFree).toBe(false);
    engine.gate.advance(engine.gate.offset);
    engine.effects.begin(0, 2);
    engine.effects.text("DEL");
    expect(recorded.run(session, ["GET", "b"]).isFree).toBe(false);
  });
});
