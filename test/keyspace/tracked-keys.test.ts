/** The table of keys that clients have read, against a plain map. */
import { describe, expect, test } from "bun:test";
import { TrackedKeys } from "../../src/keyspace/tracked-keys.ts";
import { pick, rounds, seeded } from "../support/seed.ts";
import { TestEngine } from "../support/test-engine.ts";

const STEPS = 20_000 * rounds;

describe("the table of tracked keys", () => {
  test("holds what a map of sets holds, and gives all memory back", () => {
    const random = seeded("tracked keys");
    const server = new TestEngine();
    const { store, reclaimer } = server.engine.keyspace;
    const tracked = new TrackedKeys(store, reclaimer);
    const blocks = server.blocksWhenEmpty();
    const model = new Map<string, Set<number>>();
    const names = Array.from({ length: 500 }, (_, i) =>
      i === 0 ? "" : `key:${"\xff\x00".repeat(i % 90)}${i}`,
    );
    const clients = [1, 2, 3, 70_000, 2 ** 40 + 1, 2 ** 53 - 1];
    const found: number[] = [];
    for (let step = 0; step < STEPS; step++) {
      const name = pick(random, names);
      const bytes = Buffer.from(`<${name}>`, "latin1");
      const end = bytes.length - 1;
      if (random.below(3) > 0) {
        const client = pick(random, clients);
        tracked.add(client, bytes, 1, end);
        if (!model.has(name)) model.set(name, new Set());
        model.get(name)!.add(client);
      } else {
        tracked.take(bytes, 1, end, found);
        expect(found.toSorted((a, b) => a - b)).toEqual(
          [...(model.get(name) ?? [])].toSorted((a, b) => a - b),
        );
        model.delete(name);
      }
      if (step % 5000 === 4999) {
        tracked.clear();
        model.clear();
      }
      expect(tracked.count).toBe(model.size);
      if (model.size > 0) expect(model.has(tracked.some().toString("latin1"))).toBe(true);
    }
    expect(tracked.items).toBe([...model.values()].reduce((sum, { size }) => sum + size, 0));
    tracked.clear();
    expect(server.blocksWhenEmpty()).toBe(blocks);
  });

  test("knows all of ten thousand clients that have read one key", () => {
    const { keyspace } = new TestEngine().engine;
    const tracked = new TrackedKeys(keyspace.store, keyspace.reclaimer);
    const key = Buffer.from("popular");
    for (let client = 1; client <= 10_000; client++) tracked.add(client, key, 0, key.length);
    const clients: number[] = [];
    tracked.take(key, 0, key.length, clients);
    expect(clients).toEqual(Array.from({ length: 10_000 }, (_, i) => i + 1));
    expect(tracked.count).toBe(0);
  });
});
