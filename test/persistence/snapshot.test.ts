/** A snapshot holds the moment of its beginning, whatever commands do while it is written. */
import { describe, expect, test } from "bun:test";
import { execute } from "../../src/commands/execute.ts";
import type { Snapshot } from "../../src/persistence/snapshot.ts";
import { startSnapshot } from "../../src/persistence/snapshot.ts";
import { Args } from "../../src/protocol/args.ts";
import { show } from "../support/resp-value.ts";
import { rounds, seeded } from "../support/seed.ts";
import { TestEngine } from "../support/test-engine.ts";
import { loadBytes, MemorySink } from "./memory-file.ts";
import { fill, traffic } from "./traffic.ts";

const NOW_MS = 1_700_000_000_000;

const LARGE = Array.from({ length: 20_000 }, (_, index) => `member ${index}`);

describe("a write to a large value that a snapshot has not written", () => {
  /** Runs a command line. Returns whether it was held back. */
  function isHeld(server: TestEngine, line: string): boolean {
    const args = new Args();
    args.fill(line.split(" "));
    const done = execute(server.session, args);
    server.session.reply.clear();
    return !done;
  }

  /** Begins a snapshot of a large set and something else, and does a bit of it. */
  function begin(): { server: TestEngine; snapshot: Snapshot; sink: MemorySink; digest: string } {
    const server = new TestEngine();
    server.run("SADD", "large", ...LARGE);
    server.run("SET", "string", "x");
    const digest = show(server.run("DEBUG", "DIGEST"));
    const sink = new MemorySink();
    const snapshot = startSnapshot(server.engine, sink, () => {});
    snapshot.step(0);
    return { server, snapshot, sink, digest };
  }

  function expectSame(sink: MemorySink, digest: string): void {
    const copy = new TestEngine();
    expect(loadBytes(copy, sink.bytes).error).toBeNull();
    expect(show(copy.run("DEBUG", "DIGEST"))).toBe(digest);
  }

  test("waits until the value is written, over many slices, and nobody else does", async () => {
    const { server, snapshot, sink, digest } = begin();
    const { session } = server;
    expect(isHeld(server, "SREM large 1")).toBe(true);
    let slices = 0;
    for (; session.blocked; slices++) {
      expect(snapshot.step(0)).toBe(true);
      await Promise.resolve();
    }
    expect(slices).toBeGreaterThan(10);
    expect(isHeld(server, "SREM large 1")).toBe(false);
    expect(show(server.run("SCARD", "large"))).toBe(`:${LARGE.length}`);
    snapshot.step(Infinity);
    expectSame(sink, digest);
  });

  test("is whatever names it as a key, in a transaction too, and no read or write of something else", () => {
    for (const line of ["DEL large", "RENAME string large", "SUNIONSTORE large large x"]) {
      expect(isHeld(begin().server, line)).toBe(true);
    }
    const { server, snapshot } = begin();
    for (const line of ["SCARD large", "SET string 1", "SADD new 1", "SINTERSTORE new string"]) {
      expect(isHeld(server, line)).toBe(false);
    }
    for (const line of ["MULTI", "GET x", "SADD new 2", "EXEC", "MULTI", "SET string 1"]) {
      expect(isHeld(server, line)).toBe(false);
    }
    expect(isHeld(server, "SREM large 1")).toBe(false);
    expect(isHeld(server, "EXEC")).toBe(true);
    snapshot.cancel();
  });

  test("goes on when the snapshot is given up, or has failed", async () => {
    for (const fails of [false, true]) {
      const { server, snapshot, sink } = begin();
      expect(isHeld(server, "SREM large 1")).toBe(true);
      if (fails) sink.error = "No space left on device";
      if (fails) snapshot.step(0);
      else snapshot.cancel();
      await Promise.resolve();
      expect(server.session.blocked).toBe(false);
      expect(isHeld(server, "SREM large 1")).toBe(false);
    }
  });

  test("goes on when everything was flushed meanwhile, and the snapshot has what there was", async () => {
    const { server, snapshot, sink, digest } = begin();
    expect(isHeld(server, "SREM large 1")).toBe(true);
    server.engine.keyspace.databases[0]!.clear();
    snapshot.step(Infinity);
    await Promise.resolve();
    expect(server.session.blocked).toBe(false);
    expectSame(sink, digest);
  });
});

describe("a snapshot", () => {
  test(
    "is what there was when it began, whatever is changed, deleted, moved, flushed or expires meanwhile",
    () => {
      const random = seeded("snapshot");
      for (let round = 0; round < 4 * rounds; round++) {
        const server = new TestEngine();
        server.engine.clock.freeze(NOW_MS);
        server.engine.beginTurn();
        const keys = fill(random, server);
        const { walk } = server.engine.keyspace.defragmentation;
        server.engine.keyspace.store.arena.movesAll = true;
        walk.largeFrom = random.below(2) === 0 ? 10 : 1000;
        // Several in a row: the epochs of entries differ then.
        for (let repeat = 0; repeat < 3; repeat++) {
          server.engine.keyspace.store.expires = false;
          const wanted = show(server.run("DEBUG", "DIGEST"));
          server.engine.keyspace.store.expires = true;
          const size = server.engine.keyspace.size;
          const sink = new MemorySink();
          let ended: string | null | undefined;
          const snapshot = startSnapshot(server.engine, sink, (error) => (ended = error));
          const stride = random.below(12);
          while (snapshot.step(0)) {
            for (let i = 0; i < stride; i++) {
              traffic(random, server, keys);
              // Blocks are moved meanwhile, as many as there can be.
              if (repeat > 0 && !walk.step(1 + random.below(50))) walk.begin();
            }
          }
          expect(ended).toBeNull();
          const copy = new TestEngine();
          copy.engine.clock.freeze(NOW_MS - 1000);
          copy.engine.beginTurn();
          const loader = loadBytes(copy, sink.bytes, 1 + random.below(100_000));
          expect(loader.error).toBeNull();
          expect([loader.loaded, loader.expired]).toEqual([size, 0]);
          expect(show(copy.run("DEBUG", "DIGEST"))).toBe(wanted);
          for (let i = 0; i < 50; i++) traffic(random, server, keys);
        }
        // Nothing that was kept for a snapshot is kept for ever.
        const empty = server.blocksWhenEmpty();
        expect(empty).toBe(new TestEngine().blocksWhenEmpty());
      }
    },
    { timeout: 120_000 * rounds },
  );

  test("that is given up leaves nothing behind, however many there were", () => {
    const random = seeded("snapshots given up");
    const server = new TestEngine();
    server.engine.clock.freeze(NOW_MS);
    const keys = fill(random, server);
    for (let round = 0; round < 40; round++) {
      let told = 0;
      const given = startSnapshot(server.engine, new MemorySink(), () => told++);
      const more = given.step(0);
      for (let i = 0; i < 20; i++) traffic(random, server, keys);
      given.cancel();
      expect(given.step(0)).toBe(false);
      // After FLUSHALL there is little to give up.
      expect(told).toBe(more ? 0 : 1);
    }
    const wanted = show(server.run("DEBUG", "DIGEST"));
    const sink = new MemorySink();
    startSnapshot(server.engine, sink, () => {}).step(Infinity);
    const copy = new TestEngine();
    // Keys may have become due meanwhile.
    copy.engine.clock.freeze(server.engine.clock.nowMs);
    expect(loadBytes(copy, sink.bytes).error).toBeNull();
    expect(show(copy.run("DEBUG", "DIGEST"))).toBe(wanted);
  });

  test("says why it failed, and lets commands go on", () => {
    const server = new TestEngine();
    fill(seeded("failing snapshot"), server);
    const sink = new MemorySink();
    let ended: string | null | undefined;
    const snapshot = startSnapshot(server.engine, sink, (error) => (ended = error));
    snapshot.step(0);
    sink.error = "No space left on device";
    expect(snapshot.step(0)).toBe(false);
    expect(ended).toBe("No space left on device");
    expect(show(server.run("SET", "k", "v"))).toBe("+OK");
    expect(server.engine.keyspace.store.guard).toBeNull();
  });

  test("writes a large value over many slices, and the rest of it at once for who can't wait", () => {
    const server = new TestEngine();
    server.run("SADD", "large", ...LARGE);
    server.session.mayWait = false;
    const wanted = show(server.run("DEBUG", "DIGEST"));
    const sink = new MemorySink();
    const snapshot = startSnapshot(server.engine, sink, () => {});
    let slices = 0;
    while (snapshot.step(0) && ++slices < 10);
    expect(slices).toBe(10);
    server.run("SADD", "other", "x");
    server.run("SREM", "large", "member 1");
    snapshot.step(Infinity);
    const copy = new TestEngine();
    expect(loadBytes(copy, sink.bytes).error).toBeNull();
    expect(show(copy.run("DEBUG", "DIGEST"))).toBe(wanted);
  });
});
