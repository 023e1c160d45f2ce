/**
 * The system's clock is set while the server runs (D15): Unix time jumps, durations do not. No key goes before its time because
 * the clock went back, and no time to live is off by more than the jump.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { inFolder } from "../persistence/folder.ts";
import { FrozenEngine } from "../support/frozen-engine.ts";
import { startInProcess } from "../support/in-process.ts";
import { seeded } from "../support/seed.ts";
import { until } from "../support/until.ts";

const HOUR_MS = 3_600_000;
const KEYS = 500;
const TTL_MS = HOUR_MS / 2;

let engine: FrozenEngine;
afterEach(() => engine.release());

/** Keys, and fields of a hash, that live half an hour, and others that live three. */
function fill(): void {
  engine = new FrozenEngine();
  for (let i = 0; i < KEYS; i++) {
    engine.run(`SET short:${i} x PX ${TTL_MS + i}`);
    engine.run(`SET long:${i} x PX ${6 * TTL_MS + i}`);
    engine.run(`HSET hash f${i} x g${i} x`);
    engine.run(`HPEXPIRE hash ${TTL_MS + i} FIELDS 1 f${i}`);
  }
}

function jump(ms: number): void {
  engine.engine.clock.jump(ms);
  engine.engine.beginTurn();
  engine.housekeep();
}

function ttlMs(key: string): number {
  return Number(engine.run(`PTTL ${key}`));
}

describe("a clock that is set (D15)", () => {
  test("back an hour takes no key away, and adds at most that hour to its life", () => {
    fill();
    jump(-HOUR_MS);
    expect(engine.run("DBSIZE")).toBe(String(2 * KEYS + 1));
    expect(engine.run("HLEN hash")).toBe(String(2 * KEYS));
    expect(ttlMs("short:7")).toBe(HOUR_MS + TTL_MS + 7);
    engine.advance(HOUR_MS);
    engine.housekeep();
    expect(engine.run("DBSIZE")).toBe(String(2 * KEYS + 1));
    engine.advance(TTL_MS + 2 * KEYS);
    engine.housekeep();
    expect(engine.run("DBSIZE")).toBe(String(KEYS + 1));
    expect(engine.run("HLEN hash")).toBe(String(KEYS));
  });

  test("ahead an hour takes away what was due within it, and nothing else", () => {
    fill();
    jump(HOUR_MS);
    expect(engine.run("DBSIZE")).toBe(String(KEYS + 1));
    expect(engine.run("HLEN hash")).toBe(String(KEYS));
    expect(ttlMs("long:7")).toBe(6 * TTL_MS + 7 - HOUR_MS);
  });

  test("back and forth leaves times to live as they were, and keys that come meanwhile go in time", () => {
    fill();
    const random = seeded("clock jumps");
    for (let i = 0; i < 50; i++) {
      const ms = random.below(HOUR_MS);
      jump(-ms);
      engine.run(`SET new:${i} x PX 1000`);
      engine.advance(1000);
      engine.housekeep();
      expect(engine.run(`EXISTS new:${i}`)).toBe("0");
      jump(ms);
      expect(ttlMs("long:3")).toBe(6 * TTL_MS + 3 - 1000 * (i + 1));
    }
    expect(engine.run("DBSIZE")).toBe(String(2 * KEYS + 1));
  });

  test("back an hour delays no save point", async () => {
    fill();
    await inFolder(async (dir) => {
      const server = startInProcess({ dir, save: "1 1" });
      server.engine.clock.freeze();
      server.engine.keyspace.store.changes = 5;
      server.engine.clock.jump(-HOUR_MS);
      server.engine.beat();
      expect(existsSync(join(dir, "dump.rdb"))).toBe(false);
      server.engine.clock.advance(1500);
      server.engine.beat();
      await until("the snapshot", () => existsSync(join(dir, "dump.rdb")));
      await server.stop();
    });
  });
});
