/** A walk over 100 thousand strings that moves none of their entries, or all of them. */
import { bench, group } from "mitata";
import { Clock } from "../../src/base/clock.ts";
import { Random } from "../../src/base/random.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";

const KEYS = 100_000;

/** @param movesAll each step moves what it meets */
function walkOf(movesAll: boolean): () => void {
  const keyspace = new Keyspace(new Clock(), new Random(1), 1);
  const database = keyspace.databases[0]!;
  const value = Buffer.from("a value of 24 characters");
  for (let i = 0; i < KEYS; i++) {
    const key = Buffer.from(`key:${i}`);
    const entry = database.find(key, 0, key.length);
    database.setString(entry, key, 0, key.length, value, 0, value.length, false);
  }
  keyspace.store.arena.movesAll = movesAll;
  const { walk } = keyspace.defragmentation;
  return () => {
    walk.begin();
    while (walk.step(1000));
  };
}

group("a walk over 100 thousand strings", () => {
  bench("nothing is worth moving", function* () {
    yield walkOf(false);
  });
  bench("everything is moved", function* () {
    yield walkOf(true);
  });
});
