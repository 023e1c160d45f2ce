/**
 * Random schedules of all commands that wait, on an engine without sockets, so that there can be very many of them
 * (blocking-schedules.test.ts has the sockets: commands that are delivered in part, connections that break). Whatever happens:
 * each request of a session has exactly one reply, no element is given twice or lost, and nobody is left waiting
 * in any list.
 */
import { expect, test } from "bun:test";
import type { Random } from "../../src/base/random.ts";
import type { Engine } from "../../src/commands/engine.ts";
import type { Session } from "../../src/commands/session.ts";
import { createEngine, send, takeReply } from "../effects/two-engines.ts";
import { readValue } from "../support/resp-value.ts";
import { pick, rounds, seeded } from "../support/seed.ts";

/** A hundred thousand in `test:long`. */
const SCHEDULES: number = 5000 * rounds;
const STEPS = 25;
const SESSIONS = 5;
const LISTS = ["a", "b", "c"];
const SORTED = ["y", "z", "a"];
const STREAMS = ["s", "t", "a"];

class Schedule {
  readonly #random: Random;
  readonly #engine: Engine;
  readonly #sessions: Session[];
  /** Keys may be deleted and replaced, and clients go: elements disappear. */
  readonly #lossy: boolean;
  readonly #pushed = new Set<string>();
  readonly #taken = new Set<string>();
  readonly #said: string[] = [];
  #serial = 0;

  constructor(random: Random, engine: Engine, sessions: Session[]) {
    this.#random = random;
    this.#engine = engine;
    this.#sessions = sessions;
    this.#lossy = random.below(2) === 0;
  }

  run(): void {
    for (let i = 0; i < STEPS; i++) {
      const waiting = this.#sessions.filter((session) => session.blocked);
      const free = this.#sessions.filter((session) => !session.blocked);
      if (free.length === 0 || this.#random.below(8) === 0) this.#pass();
      else this.#send(pick(this.#random, free));
      this.#collect(waiting);
      if (this.#lossy && this.#random.below(30) === 0) this.#leave();
    }
    this.#settle();
  }

  /** What failed, and what led to it. */
  get story(): string {
    return this.#said.join("\n");
  }

  #pass(): void {
    const ms = pick(this.#random, [1, 3, 50, 1000]);
    this.#said.push(`(${ms} ms later)`);
    this.#engine.clock.advance(ms);
    this.#engine.beginTurn();
    this.#engine.beat();
  }

  #send(session: Session): void {
    const line = this.#line();
    this.#said.push(`${session.id}: ${line.join(" ")}`);
    const reply = send(session, line);
    if (!session.blocked) this.#check(reply, line);
    else if (reply !== "") throw new Error(`waits, and was answered: ${reply}`);
  }

  #line(): string[] {
    const random = this.#random;
    const choice = random.below(100);
    if (choice < 40) return this.#waiting();
    if (choice < 75) return this.#adding();
    if (choice < 85) {
      const other = pick(random, this.#sessions);
      return ["CLIENT", "UNBLOCK", `${other.id}`, pick(random, ["TIMEOUT", "ERROR"])];
    }
    if (choice < 90) return ["ECHO", "token"];
    return this.#lossy ? this.#disturbing() : ["PING"];
  }

  #waiting(): string[] {
    const random = this.#random;
    const lists = this.#some(LISTS);
    const sorted = this.#some(SORTED);
    const timeout = pick(random, ["0", "0.002", "2", "0.5"]);
    const milliseconds = pick(random, ["0", "2", "2000"]);
    const side = pick(random, ["LEFT", "RIGHT"]);
    const end = pick(random, ["MIN", "MAX"]);
    const count = `${1 + random.below(3)}`;
    const streams = this.#some(STREAMS);
    const group = ["GROUP", "g", pick(random, ["c", "d"])];
    const fresh = streams.map(() => ">");
    return pick(random, [
      ["BLPOP", ...lists, timeout],
      ["BRPOP", ...lists, timeout],
      ["BLMPOP", timeout, `${lists.length}`, ...lists, side, "COUNT", count],
      ["BLMOVE", lists[0]!, pick(random, LISTS), side, side, timeout],
      ["BRPOPLPUSH", lists[0]!, pick(random, LISTS), timeout],
      ["BZPOPMIN", ...sorted, timeout],
      ["BZPOPMAX", ...sorted, timeout],
      ["BZMPOP", timeout, `${sorted.length}`, ...sorted, end, "COUNT", count],
      ["XREAD", "BLOCK", milliseconds, "STREAMS", ...streams, ...streams.map(() => "$")],
      ["XREADGROUP", ...group, "BLOCK", milliseconds, "STREAMS", ...streams, ...fresh],
      [
        ...["XREADGROUP", ...group, "COUNT", count, "BLOCK", milliseconds],
        ...["CLAIM", pick(random, ["1", "40", "5000"]), "STREAMS", ...streams, ...fresh],
      ],
    ]);
  }

  #adding(): string[] {
    const random = this.#random;
    const elements = Array.from({ length: 1 + random.below(3) }, () => `element-${this.#serial++}`);
    const stream = pick(random, STREAMS);
    const choice = random.below(8);
    if (choice < 3) {
      return [pick(random, ["LPUSH", "RPUSH"]), pick(random, LISTS), ...elements];
    }
    if (choice < 5) {
      const scored = elements.flatMap((element) => [`${random.below(3)}`, element]);
      return ["ZADD", pick(random, SORTED), ...scored];
    }
    if (choice < 6) return ["XADD", stream, "*", "f", "v"];
    return pick(random, [
      ["XGROUP", "CREATE", stream, "g", "0", "MKSTREAM"],
      ["XACK", stream, "g", "1-1"],
      ["LMOVE", pick(random, LISTS), pick(random, LISTS), "LEFT", "RIGHT"],
      ["XAUTOCLAIM", stream, "g", "d", "1", "0"],
    ]);
  }

  #disturbing(): string[] {
    const random = this.#random;
    const key = pick(random, [...LISTS, ...SORTED, ...STREAMS]);
    return pick(random, [
      ["DEL", key],
      ["SET", key, "text"],
      ["RENAME", key, pick(random, [...LISTS, ...SORTED, ...STREAMS])],
      ["FLUSHALL"],
      ["SWAPDB", "0", "1"],
      ["PEXPIRE", key, "2"],
      ["XGROUP", "DESTROY", key, "g"],
    ]);
  }

  #some(keys: readonly string[]): string[] {
    return Array.from({ length: 1 + this.#random.below(3) }, () => pick(this.#random, keys));
  }

  /** The client of a session goes away, and another one comes. */
  #leave(): void {
    const place = this.#random.below(SESSIONS);
    const session = this.#sessions[place]!;
    this.#said.push(`${session.id} goes away`);
    this.#engine.blocking.forget(session);
    this.#engine.sessions.delete(session.id);
    this.#sessions[place] = join(this.#engine);
  }

  /** Reads the replies of those that waited before the last step. */
  #collect(waiting: readonly Session[]): void {
    for (const session of this.#sessions) {
      const reply = takeReply(session);
      if (waiting.includes(session) && !session.blocked) this.#check(reply, ["waited"]);
      else if (reply !== "") throw new Error(`nobody asked for ${reply}`);
    }
  }

  /** Exactly one reply, whose elements nobody had before. */
  #check(reply: string, line: readonly string[]): void {
    const bytes = Buffer.from(reply, "latin1");
    const cursor = { bytes, end: bytes.length, pos: 0 };
    const isWhole = readValue(cursor) !== undefined && cursor.pos === bytes.length;
    if (!isWhole) throw new Error(`not one reply: ${reply}`);
    if (line[0] === "LMOVE" || reply.startsWith("$")) return;
    if (line[0] !== "waited" && !line[0]!.startsWith("B")) {
      if (!reply.startsWith("-")) this.#notePushed(line);
      return;
    }
    for (const [element] of reply.matchAll(/element-\d+/g)) this.#take(element);
  }

  #notePushed(line: readonly string[]): void {
    for (const word of line) if (word.startsWith("element-")) this.#pushed.add(word);
  }

  #take(element: string): void {
    if (this.#taken.has(element)) throw new Error(`${element} was given twice`);
    this.#taken.add(element);
  }

  /** Ends all waiting. Nothing may be left of it, and no element missing. */
  #settle(): void {
    const admin = this.#engine.createSession();
    for (const session of this.#sessions) {
      if (!session.blocked) continue;
      expect(send(admin, ["CLIENT", "UNBLOCK", `${session.id}`])).toBe(":1\r\n");
      this.#check(takeReply(session), ["waited"]);
    }
    const { blocking, keyspace } = this.#engine;
    expect([blocking.keys, blocking.keysWhenGone, blocking.timed, blocking.pending]).toEqual([
      ...[0, 0, 0, false],
    ]);
    expect(keyspace.store.watcher).toBeNull();
    if (!this.#lossy) {
      for (const key of new Set([...LISTS, ...SORTED])) {
        for (const line of [
          ["LRANGE", key, "0", "-1"],
          ["ZRANGE", key, "0", "-1"],
        ]) {
          const reply = send(admin, line);
          for (const [element] of reply.matchAll(/element-\d+/g)) this.#take(element);
        }
      }
      expect([...this.#taken].toSorted()).toEqual([...this.#pushed].toSorted());
    }
    send(admin, ["FLUSHALL"]);
  }
}

test(
  "each request has one reply, and no element is lost or given twice, in any schedule",
  () => {
    const random = seeded("schedules without sockets");
    const engine = createEngine();
    const sessions = Array.from({ length: SESSIONS }, () => join(engine));
    for (let round = 0; round < SCHEDULES; round++) {
      const schedule = new Schedule(random, engine, sessions);
      try {
        schedule.run();
      } catch (error) {
        console.log(schedule.story);
        throw error;
      }
    }
    engine.keyspace.release();
  },
  120_000 * rounds,
);

/** A session that CLIENT UNBLOCK finds. */
function join(engine: Engine): Session {
  const session = engine.createSession();
  engine.sessions.set(session.id, session);
  return session;
}
