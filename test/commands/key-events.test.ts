/** What those who observe keys are told: events that redis-server 7.0 lacks, and that no change goes unreported. */
import { describe, expect, test } from "bun:test";
import type { Step } from "../differential/case.ts";
import { plainStep } from "../differential/case.ts";
import type { KeyObserver } from "../../src/keyspace/key-events.ts";
import { TestEngine } from "../support/test-engine.ts";

/** Longer than the 100 ms that keys and members live here, by more than the 16 ms that housekeeping may be late. */
const WAIT_MS = 150;
/** Steps of one file of cases that are run. */
const STEPS_MAX = 600;

/** An engine and the events that it reports, as "event key". */
class Observed {
  readonly engine: TestEngine = new TestEngine();
  events: string[] = [];

  constructor() {
    const observer: KeyObserver = {
      happened: (event, _database, key, start, end) => {
        this.events.push(`${event.name} ${key.toString("latin1", start, end)}`);
      },
      emptied: ({ index }) => this.events.push(`emptied ${index}`),
      swapped: (a, b) => this.events.push(`swapped ${a.index} ${b.index}`),
    };
    this.engine.engine.keyspace.store.observe(observer);
  }

  /** Runs commands and gives what they report, without misses. */
  run(...lines: readonly string[]): string[] {
    this.events = [];
    for (const line of lines) this.engine.run(...line.split(" "));
    return this.events.filter((event) => !event.startsWith("keymiss"));
  }

  wait(ms: number): void {
    this.engine.engine.clock.advance(ms);
    this.engine.engine.beginTurn();
  }

  housekeep(): string[] {
    this.events = [];
    this.engine.engine.keyspace.housekeep(1e9);
    return this.events;
  }
}

describe("events that redis-server 7.0 lacks", () => {
  for (const [letter, add, word, remove] of [
    ["h", "HSET", "FIELDS", "hdel"],
    ["s", "SADD", "MEMBERS", "srem"],
    ["z", "ZADD", "MEMBERS", "zrem"],
  ] as const) {
    const fill = `${add} k ${letter === "z" ? "1 a 2 b" : letter === "h" ? "a 1 b 2" : "a b"}`;

    test(`${letter}expire, ${letter}persist, ${remove} for times that are past`, () => {
      const observed = new Observed();
      observed.run(fill);
      const upper = letter.toUpperCase();
      expect(observed.run(`${upper}EXPIRE k 100 ${word} 1 a`)).toEqual([`${letter}expire k`]);
      expect(observed.run(`${upper}EXPIRE k 100 ${word} 1 none`)).toEqual([]);
      expect(observed.run(`${upper}PERSIST k ${word} 2 a b`)).toEqual([`${letter}persist k`]);
      expect(observed.run(`${upper}PERSIST k ${word} 2 a b`)).toEqual([]);
      expect(observed.run(`${upper}EXPIREAT k 1 ${word} 1 a`)).toEqual([`${remove} k`]);
      expect(observed.run(`${upper}EXPIREAT k 1 ${word} 1 b`)).toEqual([`${remove} k`, "del k"]);
    });

    test(`${letter}expired, whether somebody looks or not`, () => {
      const observed = new Observed();
      const upper = letter.toUpperCase();
      const name = upper === "H" ? "HLEN k" : upper === "S" ? "SCARD k" : "ZCARD k";
      observed.run(fill, `${upper}PEXPIRE k 100 ${word} 1 a`);
      observed.wait(WAIT_MS);
      expect(observed.run(name)).toEqual([`${letter}expired k`]);
      observed.run(`${upper}PEXPIRE k 100 ${word} 1 b`);
      observed.wait(WAIT_MS);
      expect(observed.run(name)).toEqual([`${letter}expired k`, "del k"]);

      observed.run(fill, `${upper}PEXPIRE k 100 ${word} 1 a`);
      observed.wait(WAIT_MS);
      expect(observed.housekeep()).toEqual([`${letter}expired k`]);
      observed.run(`${upper}PEXPIRE k 100 ${word} 1 b`);
      observed.wait(WAIT_MS);
      expect(observed.housekeep()).toEqual([`${letter}expired k`, "del k"]);
    });
  }

  test("keys expire whether somebody looks or not", () => {
    const observed = new Observed();
    observed.run("SET a 1 PX 100", "SET b 1 PX 100", "HSET h f v", "PEXPIRE h 100");
    observed.wait(WAIT_MS);
    expect(observed.run("GET a")).toEqual(["expired a"]);
    expect(observed.housekeep().toSorted()).toEqual(["expired b", "expired h"]);
  });

  test("HGETDEL, HGETEX, HSETEX", () => {
    const observed = new Observed();
    expect(observed.run("HSETEX k EX 100 FIELDS 1 a 1")).toEqual(["new k", "hset k", "hexpire k"]);
    expect(observed.run("HSETEX k FIELDS 1 b 2")).toEqual(["hset k"]);
    expect(observed.run("HGETEX k FIELDS 1 a")).toEqual([]);
    expect(observed.run("HGETEX k EX 100 FIELDS 1 a")).toEqual(["hexpire k"]);
    expect(observed.run("HGETEX k PERSIST FIELDS 2 a b")).toEqual(["hpersist k"]);
    expect(observed.run("HGETDEL k FIELDS 2 a none")).toEqual(["hdel k"]);
    expect(observed.run("HGETEX k PXAT 1 FIELDS 1 b")).toEqual(["hdel k", "del k"]);
    expect(observed.run("HGETDEL k FIELDS 1 a")).toEqual([]);
  });

  test("MSETEX, INCREX, DELEX, DELIFEQ", () => {
    const observed = new Observed();
    const pair = ["new a", "set a", "expire a", "new b", "set b", "expire b"];
    expect(observed.run("MSETEX 2 a 1 b 2 EX 100")).toEqual(pair);
    expect(observed.run("INCREX a BYINT 2")).toEqual(["incrby a"]);
    expect(observed.run("INCREX a BYFLOAT 0.5 EX 9")).toEqual(["incrbyfloat a", "expire a"]);
    expect(observed.run("INCREX b PERSIST")).toEqual(["incrby b", "persist b"]);
    expect(observed.run("INCREX b PXAT 1")).toEqual(["del b"]);
    expect(observed.run("DELEX a IFEQ no")).toEqual([]);
    expect(observed.run("DELEX a IFEQ 3.5")).toEqual(["del a"]);
    expect(observed.run("SET a 1", "DELIFEQ a 1")).toEqual(["new a", "set a", "del a"]);
  });

  test("XDELEX, XACKDEL", () => {
    const observed = new Observed();
    observed.run("XADD s 1-1 f v", "XADD s 2-1 f v", "XGROUP CREATE s g 0");
    expect(observed.run("XREADGROUP GROUP g c STREAMS s >")).toEqual(["xgroup-createconsumer s"]);
    expect(observed.run("XDELEX s KEEPREF IDS 1 1-1")).toEqual(["xdel s"]);
    expect(observed.run("XACKDEL s g KEEPREF IDS 1 2-1")).toEqual(["xdel s"]);
    expect(observed.run("XACKDEL s g KEEPREF IDS 1 2-1")).toEqual([]);
  });
});

describe("observers", () => {
  test("learn of databases that are emptied or exchanged", () => {
    const observed = new Observed();
    const all = ["new a", "set a", "swapped 0 1", "emptied 1", "swapped 0 1"];
    expect(observed.run("SET a 1", "SWAPDB 0 1", "FLUSHDB", "FLUSHALL", "SWAPDB 0 1")).toEqual(all);
  });

  test("are several, or none", () => {
    const observed = new Observed();
    const { store } = observed.engine.engine.keyspace;
    const first = store.observer;
    const told: string[] = [];
    const second: KeyObserver = {
      happened: (event) => told.push(event.name),
      emptied: () => told.push("emptied"),
      swapped: () => told.push("swapped"),
    };
    store.observe(second);
    expect(observed.run("SET a 1")).toEqual(["new a", "set a"]);
    observed.run("FLUSHALL", "SWAPDB 0 1");
    expect(told).toEqual(["new", "set", "emptied", "swapped"]);
    store.unobserve(second);
    expect(store.observer).toBe(first);
    store.unobserve(first!);
    expect(store.observer).toBeNull();
  });

  /** What groups do with entries is no change of the entries, and libraries of functions are no keys. */
  const NO_KEY_CHANGES = /^(XREADGROUP|XACK|XACKDEL|XCLAIM|XAUTOCLAIM|XDELEX|FUNCTION)$/i;

  test("learn of every change that is counted, whichever command makes it", () => {
    const folder = new URL("../differential/cases/", import.meta.url).pathname;
    let told = 0;
    for (const file of new Bun.Glob("*.ts").scanSync(folder)) {
      const { cases } = require(folder + file) as { cases: readonly { steps: readonly Step[] }[] };
      const observed = new Observed();
      const { store } = observed.engine.engine.keyspace;
      let left = STEPS_MAX;
      for (const { steps } of cases) {
        left -= steps.length;
        if (left < 0) break;
        for (const step of steps) {
          const { args, shown } = plainStep(step, "exact");
          if (args === null || observed.engine.session.blocked) continue;
          const name = String(args[0]);
          // What would take long, or end what others rely on.
          if (/^(DEBUG|SHUTDOWN|WAIT|PFSELFTEST|QUIT)/i.test(name)) continue;
          if (/^(AUTH|HELLO|CONFIG|CLIENT|RESET|SAVE|BGSAVE|MONITOR)/i.test(name)) continue;
          observed.events = [];
          const { changes } = store;
          observed.engine.run(...args);
          if (store.changes === changes || NO_KEY_CHANGES.test(name)) continue;
          const heard = observed.events.filter((event) => !/^(keymiss|new) /.test(event));
          if (heard.length === 0) throw new Error(`nobody is told of ${shown}`);
          told++;
        }
        if (observed.engine.session.blocked) break;
        observed.engine.run("FLUSHALL");
      }
    }
    expect(told).toBeGreaterThan(1000);
  }, 30_000);
});
