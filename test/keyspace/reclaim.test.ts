import { describe, expect, test } from "bun:test";
import { Clock } from "../../src/base/clock.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import { seeded } from "../support/seed.ts";
import { cpuMs } from "../support/cpu-time.ts";

const MIB = 1024 * 1024;
const SLICE_NS = 1_000_000;

function setString(keyspace: Keyspace, index: number, key: string, value: Buffer): void {
  const database = keyspace.databases[index]!;
  const name = Buffer.from(key);
  const entry = database.find(name, 0, name.length);
  database.setString(entry, name, 0, name.length, value, 0, value.length, false);
}

/** Lets housekeeping finish. Returns the time of each slice in milliseconds. */
function housekeep(keyspace: Keyspace): number[] {
  const slices: number[] = [];
  for (let more = true; more;) {
    const begin = cpuMs();
    more = keyspace.housekeep(SLICE_NS);
    slices.push(cpuMs() - begin);
  }
  return slices;
}

describe("giving memory back", () => {
  test("a million flushed keys are gone at once and their memory goes back in slices", async () => {
    const keyspace = new Keyspace(new Clock(), seeded("flush"), 16);
    const { arena } = keyspace.store;
    const database = keyspace.databases[0]!;
    Bun.gc(true);
    const usedBefore = arena.usedBytes;
    const rssBefore = process.memoryUsage.rss();
    const value = Buffer.alloc(200, "v");
    const block = Buffer.alloc(3000, "b");
    const name = Buffer.alloc(16);
    for (let n = 0; n < 1_000_000; n++) {
      const end = name.write(`key:${n}`);
      const entry = database.find(name, 0, end);
      const content = n % 100 === 0 ? block : value;
      const at = database.setString(entry, name, 0, end, content, 0, content.length, false);
      if (n % 50 === 0) database.expireAt(at, keyspace.store.clock.nowMs + 1e9);
    }
    expect(database.size).toBe(1_000_000);
    const reservedFull = arena.reservedBytes;
    const rssFull = process.memoryUsage.rss();
    expect(arena.usedBytes).toBeGreaterThan(240 * MIB);

    const begin = cpuMs();
    expect(database.clear()).toBe(1_000_000);
    expect(cpuMs() - begin).toBeLessThan(20);
    expect(database.size).toBe(0);
    expect(database.expiring).toBe(0);
    expect(keyspace.reclaimer.pending).toBe(1_000_000);

    const slices = housekeep(keyspace);
    expect(slices.length).toBeGreaterThan(20);
    // About a millisecond each.
    expect(slices.toSorted((a, b) => a - b)[Math.floor(slices.length / 2)]!).toBeLessThan(5);
    expect(keyspace.reclaimer.pending).toBe(0);
    expect(arena.usedBytes).toBeLessThan(usedBefore + 64 * 1024);
    // The first segment stays, and so may one that a block of the new dict lies in.
    expect(arena.reservedBytes).toBeLessThanOrEqual(128 * MIB);
    expect(reservedFull - arena.reservedBytes).toBeGreaterThan(128 * MIB);
    // The system gets the segments a moment later, from another thread.
    const wanted = rssFull - (rssFull - rssBefore) / 2;
    const deadline = performance.now() + 10_000;
    while (process.memoryUsage.rss() > wanted && performance.now() < deadline) await Bun.sleep(5);
    expect(process.memoryUsage.rss()).toBeLessThan(wanted);
    keyspace.release();
  }, 60_000);

  test("keys that are set while flushed ones wait are not touched", () => {
    const keyspace = new Keyspace(new Clock(), seeded("flush"), 2, true);
    for (let n = 0; n < 5000; n++) setString(keyspace, n & 1, `old:${n}`, Buffer.from(`${n}!`));
    for (const database of keyspace.databases) database.clear();
    for (let n = 0; n < 3000; n++) setString(keyspace, n & 1, `new:${n}`, Buffer.from(`${n}?`));
    expect(keyspace.size).toBe(3000);
    expect(keyspace.reclaimer.step(100)).toBe(true);
    keyspace.databases[0]!.clear();
    expect(keyspace.size).toBe(1500);
    housekeep(keyspace);
    expect(keyspace.reclaimer.pending).toBe(0);
    const name = Buffer.from("new:2999");
    expect(keyspace.databases[1]!.find(name, 0, name.length)).not.toBe(0);
    for (const database of keyspace.databases) database.clear();
    housekeep(keyspace);
    // Two empty databases: a dict, its smallest table, perhaps a larger one.
    expect(keyspace.store.arena.blocks).toBe(4);
    keyspace.release();
  });

  test("a database that is flushed in the middle of a resize loses every key once", () => {
    const keyspace = new Keyspace(new Clock(), seeded("flush"), 1, true);
    const database = keyspace.databases[0]!;
    for (let n = 0; !keyspace.store.dict.resizing(database.dict) || n < 5000; n++) {
      setString(keyspace, 0, `key:${n}`, Buffer.from("value"));
    }
    database.clear();
    housekeep(keyspace);
    expect(keyspace.store.arena.blocks).toBe(2);
    keyspace.release();
  });

  test("deleting a value of 256 MiB does not depend on its size", () => {
    const keyspace = new Keyspace(new Clock(), seeded("delete"), 1);
    const { arena } = keyspace.store;
    const database = keyspace.databases[0]!;
    setString(keyspace, 0, "big", Buffer.alloc(256 * MIB, "x"));
    const reserved = arena.reservedBytes;
    const name = Buffer.from("big");
    const entry = database.find(name, 0, name.length);
    const begin = cpuMs();
    database.remove(entry);
    // Filling as much memory takes about a hundred milliseconds.
    expect(cpuMs() - begin).toBeLessThan(50);
    expect(reserved - arena.reservedBytes).toBeGreaterThanOrEqual(256 * MIB);
    keyspace.release();
  });

  test("housekeeping stops at its budget and begins the next time where it stopped", () => {
    const clock = new Clock();
    clock.freeze();
    const keyspace = new Keyspace(clock, seeded("expiry"), 4);
    for (let n = 0; n < 40_000; n++) {
      const name = Buffer.from(`key:${n}`);
      const database = keyspace.databases[n & 3]!;
      const entry = database.setString(
        database.find(name, 0, name.length),
        ...([name, 0, name.length, name, 0, name.length, false] as const),
      );
      database.expireAt(entry, clock.nowMs + 1000);
    }
    housekeep(keyspace);
    expect(keyspace.size).toBe(40_000);
    clock.advance(1100);
    let slices = 0;
    let widest = 0;
    while (keyspace.housekeep(1)) {
      slices++;
      const sizes = keyspace.databases.map((database) => database.size);
      widest = Math.max(widest, Math.max(...sizes) - Math.min(...sizes));
    }
    expect(slices).toBeGreaterThan(50);
    expect(keyspace.size).toBe(0);
    expect(keyspace.store.expired).toBe(40_000);
    // No database waited until another was done.
    expect(widest).toBeLessThan(2000);
    keyspace.release();
  });
});
