/** When blocks are moved together, how far, and what INFO says of it. */
import { afterEach, describe, expect, test } from "bun:test";
import type { Ref } from "../../src/memory/arena.ts";
import { startSnapshot } from "../../src/persistence/snapshot.ts";
import { MemorySink } from "../persistence/memory-file.ts";
import { show } from "../support/resp-value.ts";
import { seeded } from "../support/seed.ts";
import { TestEngine } from "../support/test-engine.ts";

const BEAT_NS = 1e7;
const MIB = 1024 * 1024;
const KEYS = 60_000;

let server: TestEngine;
afterEach(() => server.engine.keyspace.release());

function start(options: Readonly<Record<string, string>>): void {
  server = new TestEngine({ "active-defrag-ignore-bytes": "1mb", ...options });
  server.engine.clock.freeze(1.8e12);
}

function run(line: string): string {
  return show(server.run(...line.split(" ")));
}

/** Strings of mixed sizes, of which a third is left. */
function fillSparsely(): void {
  const random = seeded("defragmentation");
  const text = "x".repeat(2000);
  for (let i = 0; i < KEYS; i++) {
    const size = random.below(20) === 0 ? 1100 + random.below(900) : random.below(200);
    const expiry = random.below(4) === 0 ? ["EX", "1000"] : [];
    server.run("SET", `key:${i}`, text.slice(0, size), ...expiry);
  }
  for (let i = 0; i < KEYS; i++) if (random.below(3) > 0) server.run("DEL", `key:${i}`);
}

function waste(): number {
  const { arena } = server.engine.keyspace.store;
  return arena.pageBytes() / arena.usedBytes;
}

/** A beat, and the slices up to the next. Returns whether blocks are being moved. */
function beat(): boolean {
  const { engine } = server;
  engine.clock.advance(BEAT_NS / 1e6);
  engine.beginTurn();
  const { defragmentation } = engine.keyspace;
  defragmentation.beat(BEAT_NS);
  while (defragmentation.step());
  engine.keyspace.housekeep(1e9);
  return defragmentation.effort > 0;
}

/** Goes on until nothing was moved for ten beats. */
function rest(): void {
  for (let beats = 0, idle = 0; idle < 10; beats++) {
    idle = beat() ? 0 : idle + 1;
    expect(beats).toBeLessThan(2000);
  }
}

function info(field: string): number {
  const text = server.bytes("INFO", "everything").toString("latin1");
  return Number(new RegExp(`^${field}:(.*)\r$`, "m").exec(text)![1]);
}

describe("active defragmentation", () => {
  test("moves blocks together until little is wasted, and then rests", () => {
    start({ activedefrag: "yes" });
    fillSparsely();
    const digest = run("DEBUG DIGEST");
    expect(waste()).toBeGreaterThan(2);
    expect(beat()).toBe(true);
    rest();
    expect(waste()).toBeLessThan(1.5);
    expect(run("DEBUG DIGEST")).toBe(digest);
    expect(info("active_defrag_running")).toBe(0);
    expect(info("active_defrag_hits")).toBeGreaterThan(1000);
    expect(info("active_defrag_misses")).toBeGreaterThan(1000);
    expect(info("active_defrag_key_hits")).toBeGreaterThan(1000);
    expect(info("total_active_defrag_time")).toBeGreaterThan(0);
    // What was left free is given back to the system a moment later.
    for (let i = 0; i < 300; i++) expect(beat()).toBe(false);
    expect(server.engine.keyspace.store.arena.heldBytes).toBeLessThan(5 * MIB);
    run("CONFIG RESETSTAT");
    expect(info("active_defrag_hits")).toBe(0);
    expect(info("active_defrag_key_misses")).toBe(0);
    expect(info("total_active_defrag_time")).toBe(0);
  });

  test("is off by default, and whatever is below its thresholds is left alone", () => {
    start({});
    fillSparsely();
    expect(beat()).toBe(false);
    run("CONFIG SET activedefrag yes active-defrag-ignore-bytes 1gb");
    expect(beat()).toBe(false);
    run("CONFIG SET active-defrag-ignore-bytes 1mb active-defrag-threshold-lower 500");
    expect(beat()).toBe(false);
    expect(info("active_defrag_hits")).toBe(0);
    run("CONFIG SET active-defrag-threshold-lower 10");
    expect(beat()).toBe(true);
    expect(info("active_defrag_running")).toBeGreaterThan(0);
    expect(info("current_active_defrag_time")).toBeGreaterThanOrEqual(0);
    // It may be ended at any time.
    run("CONFIG SET activedefrag no");
    expect(beat()).toBe(false);
    run("CONFIG SET activedefrag yes");
    expect(beat()).toBe(true);
  });

  test("takes more of the time the more is wasted, between the bounds that the options give", () => {
    start({ activedefrag: "yes", "active-defrag-cycle-min": "5", "active-defrag-cycle-max": "40" });
    fillSparsely();
    server.engine.keyspace.defragmentation.beat(BEAT_NS);
    expect(info("active_defrag_running")).toBe(40);
    run("CONFIG SET active-defrag-threshold-upper 1000");
    server.engine.keyspace.defragmentation.beat(BEAT_NS);
    // What was begun does not go on more slowly.
    expect(info("active_defrag_running")).toBe(40);
    run("CONFIG SET activedefrag no");
    server.engine.keyspace.defragmentation.beat(BEAT_NS);
    expect(info("active_defrag_running")).toBe(0);
    run("CONFIG SET activedefrag yes");
    server.engine.keyspace.defragmentation.beat(BEAT_NS);
    expect(info("active_defrag_running")).toBeLessThan(20);
    expect(info("active_defrag_running")).toBeGreaterThanOrEqual(5);
  });

  test("holds memory against maxmemory, whether it is on or not", () => {
    start({});
    fillSparsely();
    const { arena } = server.engine.keyspace.store;
    run(`CONFIG SET maxmemory ${arena.pageBytes()}`);
    expect(beat()).toBe(false);
    run(`CONFIG SET maxmemory ${Math.ceil(arena.usedBytes * 1.3)}`);
    expect(beat()).toBe(true);
    rest();
    expect(waste()).toBeLessThan(1.5);
    run("CONFIG SET maxmemory 0");
  });

  test("goes on while a snapshot is made, but for the value that is being written, or waited for", () => {
    start({});
    const { keyspace } = server.engine;
    const members = Array.from({ length: 20_000 }, (_, i) => `member ${i}`);
    server.run("SADD", "large", ...members);
    for (let i = 0; i < 1000; i++) server.run("SET", `string:${i}`, "x");
    const { databases, store } = keyspace;
    const placeOf = (key: string): Ref => databases[0]!.locate(Buffer.from(key), 0, key.length);
    const snapshot = startSnapshot(server.engine, new MemorySink(), () => {});
    server.session.mayWait = false;
    while (store.guard?.holds(placeOf("large")) === false) snapshot.step(0);
    const places = [placeOf("large"), placeOf("string:7")] as const;
    store.arena.movesAll = true;
    keyspace.defragmentation.walk.begin();
    while (keyspace.defragmentation.walk.step(100));
    expect(placeOf("large")).toBe(places[0]);
    expect(placeOf("string:7")).not.toBe(places[1]);
    snapshot.step(Infinity);
    keyspace.defragmentation.walk.begin();
    while (keyspace.defragmentation.walk.step(100));
    expect(placeOf("large")).not.toBe(places[0]);
  });

  test("MEMORY PURGE gives back what free pages hold", () => {
    start({});
    fillSparsely();
    const { arena } = server.engine.keyspace.store;
    run("SET keep x");
    run("FLUSHALL");
    server.engine.keyspace.housekeep(1e9);
    expect(arena.heldBytes).toBeGreaterThan(0);
    run("MEMORY PURGE");
    server.engine.keyspace.housekeep(1e9);
    expect(arena.heldBytes).toBe(0);
  });
});
