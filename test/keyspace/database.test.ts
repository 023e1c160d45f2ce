import { describe, expect, test } from "bun:test";
import { Clock } from "../../src/base/clock.ts";
import { setInt64, int64 } from "../../src/base/numbers.ts";
import { Random } from "../../src/base/random.ts";
import { Slice } from "../../src/base/slice.ts";
import type { Database } from "../../src/keyspace/database.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import type { Ref } from "../../src/memory/arena.ts";
import { NULL_REF } from "../../src/memory/arena.ts";
import { ENCODING_NAMES } from "../../src/types/kinds.ts";
import { pick, rounds, seeded } from "../support/seed.ts";

const START_MS = 1_800_000_000_000;
const FOREVER_NS = 60e9;

interface Value {
  readonly bytes: Buffer;
  readonly dueMs: number;
  /** It was changed in place, so it is raw whatever its length. */
  readonly raw: boolean;
}

/** Two databases beside two Maps; keys as strings of one character a byte. */
class Model {
  readonly clock = new Clock();
  readonly keyspace: Keyspace;
  readonly dbs: Database[];
  maps: Map<string, Value>[] = [new Map(), new Map()];
  readonly #slice = new Slice();

  constructor(random: Random) {
    this.clock.freeze(START_MS);
    this.keyspace = new Keyspace(this.clock, random, 2, true);
    this.dbs = [...this.keyspace.databases];
  }

  /** Forgets what has expired by now. */
  expire(): void {
    for (const map of this.maps) {
      for (const [key, value] of map) {
        if (value.dueMs >= 0 && value.dueMs <= this.clock.nowMs) map.delete(key);
      }
    }
  }

  find(db: number, key: string): Ref {
    const bytes = Buffer.from(key, "latin1");
    return this.dbs[db]!.find(bytes, 0, bytes.length);
  }

  set(db: number, key: string, value: Buffer, keepExpiry: boolean): void {
    const old = this.maps[db]!.get(key);
    const bytes = Buffer.from(key, "latin1");
    const entry = this.find(db, key);
    this.dbs[db]!.setString(entry, bytes, 0, bytes.length, value, 0, value.length, keepExpiry);
    const dueMs = keepExpiry && old !== undefined ? old.dueMs : -1;
    this.maps[db]!.set(key, { bytes: value, dueMs, raw: false });
  }

  read(db: number, entry: Ref): Buffer {
    this.dbs[db]!.readString(entry, this.#slice);
    return this.#slice.copy();
  }

  check(db: number, key: string): void {
    const database = this.dbs[db]!;
    const bytes = Buffer.from(key, "latin1");
    const entry = database.peek(bytes, 0, bytes.length);
    const expected = this.maps[db]!.get(key);
    if (expected === undefined) {
      expect(entry).toBe(NULL_REF);
      return;
    }
    if (entry === NULL_REF) throw new Error(`a key of ${key.length} bytes is gone`);
    expect(this.read(db, entry).equals(expected.bytes)).toBe(true);
    expect(database.stringLength(entry)).toBe(expected.bytes.length);
    expect(database.expiryMs(entry)).toBe(expected.dueMs);
    expect(database.keyOf(entry).equals(bytes)).toBe(true);
    const encoding = this.keyspace.store.entries.encoding(entry);
    expect(ENCODING_NAMES[encoding]!).toBe(encodingOf(expected));
  }

  checkAll(): void {
    this.expire();
    const { entries, dict, lookahead } = this.keyspace.store;
    for (const [index, database] of this.dbs.entries()) {
      const map = this.maps[index]!;
      for (const key of map.keys()) this.check(index, key);
      // What has expired may still be there; nothing else may be.
      let live = 0;
      let expiring = 0;
      const seen = new Set<Ref>();
      let cursor = 0;
      do {
        cursor = database.scan(cursor, (entry) => {
          if (seen.has(entry)) return;
          seen.add(entry);
          const key = database.keyOf(entry);
          expect(dict.hashOf(entry)).toBe(lookahead.hash(key, 0, key.length));
          if (entries.expires(entry)) expiring++;
          if (database.hasExpired(entry)) return;
          live++;
          expect(map.has(key.toString("latin1"))).toBe(true);
        });
      } while (cursor !== 0);
      expect(live).toBe(map.size);
      expect(seen.size).toBe(database.size);
      expect(database.expiring).toBe(expiring);
    }
  }
}

function encodingOf({ bytes, raw }: Value): string {
  const text = bytes.toString("latin1");
  if (raw) return "raw";
  if (/^(0|-?[1-9][0-9]{0,18})$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)) {
    return "int";
  }
  return bytes.length <= 44 ? "embstr" : "raw";
}

const LONG_KEYS = [60, 63, 64, 65, 66, 100, 1000, 65_534, 65_535, 65_536, 100_000];

function someKey(random: Random): string {
  const name = `k${random.below(60)}`;
  if (random.below(4) > 0) return random.below(40) === 0 ? "" : name;
  // Long keys that differ in their last byte only, or in a byte in the middle.
  const length = pick(random, LONG_KEYS);
  const tail = String.fromCharCode(random.below(3));
  return random.below(2) === 0
    ? "x".repeat(length - 1) + tail
    : "x".repeat(length >>> 1) + tail + "x".repeat(length - 1 - (length >>> 1));
}

function someValue(random: Random): Buffer {
  switch (random.below(6)) {
    case 0:
      return Buffer.from(
        pick(random, [
          "0",
          "-1",
          "9223372036854775807",
          "-9223372036854775808",
          "007",
          "-0",
          "12345",
        ]),
      );
    case 1:
      return Buffer.from(String(random.int32()));
    case 2:
      return bytesOf(random, random.below(50));
    case 3:
      return bytesOf(random, pick(random, [43, 44, 45, 46, 1023, 1024, 1025, 1026]));
    case 4:
      return bytesOf(random, random.below(3000));
    default:
      return bytesOf(random, random.below(10) === 0 ? random.below(400_000) : random.below(200));
  }
}

function bytesOf(random: Random, length: number): Buffer {
  const bytes = Buffer.alloc(length, random.below(256));
  if (length > 0) bytes[random.below(length)] = random.below(256);
  return bytes;
}

/** One random operation on the model and the databases. */
function operate(random: Random, model: Model): void {
  const { clock, dbs, maps } = model;
  const db = random.below(2);
  const database = dbs[db]!;
  const map = maps[db]!;
  const key = someKey(random);
  model.expire();
  const old = map.get(key);
  const action = random.below(21);
  if (action < 6) {
    model.set(db, key, someValue(random), random.below(2) === 0);
  } else if (action < 8) {
    const entry = model.find(db, key);
    expect(entry === NULL_REF).toBe(old === undefined);
    if (entry !== NULL_REF) database.remove(entry);
    map.delete(key);
  } else if (action < 11) {
    const entry = model.find(db, key);
    if (entry === NULL_REF) return;
    const dueMs = clock.nowMs + pick(random, [-1000, 1, 20, 500, 5000, 3_600_000, 2 ** 42]);
    const at = database.expireAt(entry, dueMs);
    expect(database.expiryMs(at)).toBe(dueMs);
    map.set(key, { ...old!, dueMs });
  } else if (action < 12) {
    const entry = model.find(db, key);
    if (entry === NULL_REF) return;
    database.persist(entry);
    map.set(key, { ...old!, dueMs: -1 });
  } else if (action < 14) {
    // Within the database or to the other one, over what stands there.
    const to = random.below(2);
    const other = someKey(random);
    if (old === undefined || (to === db && other === key)) return;
    const target = model.find(to, other);
    if (target !== NULL_REF) dbs[to]!.remove(target);
    const name = Buffer.from(other, "latin1");
    const entry = model.find(db, key);
    if (random.below(2) === 0) {
      dbs[to]!.adopt(entry, database, name, 0, name.length);
      map.delete(key);
    } else dbs[to]!.duplicate(entry, database, name, 0, name.length);
    maps[to]!.set(other, old);
  } else if (action < 17) {
    const entry = model.find(db, key);
    if (entry === NULL_REF) return;
    const length =
      random.below(4) === 0 ? random.below(5000) : old!.bytes.length + random.below(100);
    const at = database.growString(entry, length);
    const bytes = Buffer.alloc(Math.max(length, old!.bytes.length));
    old!.bytes.copy(bytes);
    // As SETRANGE and APPEND do: the bytes that readString gives are written to.
    const slice = new Slice();
    database.readString(at, slice);
    expect(slice.length).toBe(bytes.length);
    if (bytes.length > 0) {
      const place = random.below(bytes.length);
      bytes[place] = slice.bytes[slice.start + place] = random.below(256);
    }
    map.set(key, { bytes, dueMs: old!.dueMs, raw: true });
  } else if (action < 18) {
    const value = BigInt.asIntN(64, (BigInt(random.int32()) << 32n) | BigInt(random.int32()));
    const name = Buffer.from(key, "latin1");
    setInt64(value);
    const { low, high } = int64;
    database.setInteger(model.find(db, key), name, 0, name.length, low, high);
    map.set(key, { bytes: Buffer.from(value.toString()), dueMs: old?.dueMs ?? -1, raw: false });
  } else if (action < 19) {
    clock.advance(pick(random, [0, 1, 10, 100, 2000, 60_000]));
  } else if (random.below(5) === 0) {
    database.due.expireKeys(1 + random.below(20));
    database.resizeStep(random.below(50));
  } else if (random.below(12) === 0) {
    dbs[0]!.swap(dbs[1]!);
    model.maps.reverse();
  } else if (random.below(40) === 0) {
    database.clear();
    map.clear();
  }
}

describe("a database", () => {
  test("agrees with a Map under random commands, expiry included", () => {
    const random = seeded("database");
    for (let round = 0; round < 4 * rounds; round++) {
      const model = new Model(random);
      const empty = model.keyspace.store.arena.usedBytes;
      for (let step = 0; step < 3000; step++) {
        operate(random, model);
        if (step % 300 === 0) model.checkAll();
      }
      model.checkAll();
      for (const database of model.dbs) database.clear();
      expect(model.keyspace.size).toBe(0);
      while (model.keyspace.housekeep(FOREVER_NS));
      expect(model.keyspace.reclaimer.pending).toBe(0);
      expect(model.keyspace.store.arena.usedBytes).toBe(empty);
      model.keyspace.release();
    }
  });

  test("every form of value turns into every other, with and without an expiry time", () => {
    const values = [
      "12",
      "embstr",
      "r".repeat(60),
      "r".repeat(1024),
      "b".repeat(1025),
      "b".repeat(70_000),
    ];
    for (const keyLength of [0, 1, 3, 16, 64, 65, 65_534, 65_535, 65_536]) {
      const model = new Model(new Random(1));
      const key = "k".repeat(keyLength);
      for (const expires of [false, true]) {
        for (const from of values) {
          for (const to of values) {
            for (const keep of [false, true]) {
              model.set(0, key, Buffer.from(from), false);
              if (expires) {
                const dueMs = START_MS + 1000;
                model.dbs[0]!.expireAt(model.find(0, key), dueMs);
                model.maps[0]!.set(key, { ...model.maps[0]!.get(key)!, dueMs });
              }
              model.check(0, key);
              model.set(0, key, Buffer.from(to), keep);
              model.check(0, key);
              expect(model.dbs[0]!.expiring).toBe(expires && keep ? 1 : 0);
            }
          }
        }
      }
      model.keyspace.release();
    }
  });

  test("no command sees a key from the millisecond on at which it expires", () => {
    const model = new Model(new Random(1));
    model.set(0, "key", Buffer.from("value"), false);
    model.dbs[0]!.expireAt(model.find(0, "key"), START_MS + 100);
    model.clock.advance(99);
    expect(model.find(0, "key")).not.toBe(NULL_REF);
    model.clock.advance(1);
    expect(model.find(0, "key")).toBe(NULL_REF);
    expect(model.dbs[0]!.size).toBe(0);
    expect(model.keyspace.store.expired).toBe(1);
  });

  test("a time before 1970 is past as well", () => {
    const model = new Model(new Random(1));
    model.set(0, "key", Buffer.from("value"), false);
    const at = model.dbs[0]!.expireAt(model.find(0, "key"), -5_000_000_000);
    expect(model.dbs[0]!.hasExpired(at)).toBe(true);
    expect(model.find(0, "key")).toBe(NULL_REF);
  });

  test("housekeeping deletes what nobody looks at, in bounded steps", () => {
    const model = new Model(new Random(1));
    for (let i = 0; i < 5000; i++) {
      model.set(0, `key:${i}`, Buffer.from("value"), false);
      model.dbs[0]!.expireAt(model.find(0, `key:${i}`), START_MS + 7 * 24 * 3_600_000);
    }
    model.clock.advance(8 * 24 * 3_600_000);
    let before = model.dbs[0]!.size;
    let more = true;
    while (more) {
      more = model.dbs[0]!.due.expireKeys(100);
      expect(before - model.dbs[0]!.size).toBeLessThanOrEqual(100);
      before = model.dbs[0]!.size;
    }
    expect(model.dbs[0]!.size).toBe(0);
    expect(model.keyspace.store.expired).toBe(5000);
  });

  test("a clock that is set back expires nothing and loses no key", () => {
    const model = new Model(new Random(1));
    for (let i = 0; i < 100; i++) {
      model.set(0, `key:${i}`, Buffer.from("value"), false);
      model.dbs[0]!.expireAt(model.find(0, `key:${i}`), START_MS + 1000 + i);
    }
    model.clock.advance(1020);
    model.dbs[0]!.due.expireKeys(3);
    model.clock.freeze(START_MS - 3_600_000);
    while (model.keyspace.housekeep(FOREVER_NS));
    expect(model.dbs[0]!.size).toBe(97);
    model.clock.freeze(START_MS + 2000);
    while (model.keyspace.housekeep(FOREVER_NS));
    expect(model.dbs[0]!.size).toBe(0);
  });

  test("gives back a random key of all there are, and never one that has expired", () => {
    const model = new Model(new Random(7));
    const database = model.dbs[0]!;
    expect(database.random()).toBe(NULL_REF);
    for (let i = 0; i < 50; i++) model.set(0, `key:${i}`, Buffer.from("value"), false);
    const seen = new Set<string>();
    for (let i = 0; i < 3000; i++) seen.add(database.keyOf(database.random()).toString());
    expect(seen.size).toBe(50);
    for (let i = 1; i < 50; i++) database.expireAt(model.find(0, `key:${i}`), START_MS + 1);
    model.clock.advance(1);
    for (let i = 0; i < 20; i++) expect(database.keyOf(database.random()).toString()).toBe("key:0");
    database.expireAt(model.find(0, "key:0"), START_MS + 1);
    expect(database.random()).toBe(NULL_REF);
  });

  test("swapped databases keep their keys, expiry times and counts", () => {
    const model = new Model(new Random(1));
    model.set(0, "a", Buffer.from("1"), false);
    model.set(1, "b", Buffer.from("2"), false);
    model.dbs[0]!.expireAt(model.find(0, "a"), START_MS + 50);
    model.dbs[0]!.swap(model.dbs[1]!);
    expect([model.dbs[0]!.expiring, model.dbs[1]!.expiring]).toEqual([0, 1]);
    expect(model.find(1, "a")).not.toBe(NULL_REF);
    model.clock.advance(100);
    while (model.keyspace.housekeep(FOREVER_NS));
    expect([model.dbs[0]!.size, model.dbs[1]!.size]).toEqual([1, 0]);
  });

  test("overwriting and growing a value gives back what the old one took", () => {
    const model = new Model(new Random(1));
    const { arena } = model.keyspace.store;
    model.set(0, "key", Buffer.from("x"), false);
    const before = arena.usedBytes;
    for (const size of [10, 100, 1024, 1025, 70_000, 200_000, 40 * 1024 * 1024, 5]) {
      model.set(0, "key", Buffer.alloc(size, 1), false);
      model.dbs[0]!.growString(model.find(0, "key"), size * 2 + 1);
    }
    model.set(0, "key", Buffer.from("y"), false);
    expect(arena.usedBytes).toBe(before);
    expect(arena.reservedBytes).toBe(64 * 1024 * 1024);
  });

  test("memory of mass deletes goes back to the system", () => {
    const clock = new Clock();
    clock.freeze(START_MS);
    const keyspace = new Keyspace(clock, new Random(1), 1);
    const database = keyspace.databases[0]!;
    const value = Buffer.alloc(900, 1);
    const set = (name: string): void => {
      const key = Buffer.from(name);
      const entry = database.find(key, 0, key.length);
      database.setString(
        entry,
        key,
        0,
        key.length,
        value,
        0,
        300 + ((key.length * 97) % 600),
        false,
      );
    };
    for (const emptied of ["deleted", "flushed"]) {
      for (let i = 0; i < 300_000; i++) set(`${emptied}:${i}`);
      expect(keyspace.store.arena.reservedBytes).toBeGreaterThan(150e6);
      if (emptied === "flushed") database.clear();
      else {
        for (let i = 0; i < 300_000; i++) {
          const key = Buffer.from(`${emptied}:${i}`);
          database.remove(database.find(key, 0, key.length));
        }
      }
      while (keyspace.housekeep(FOREVER_NS));
      expect(keyspace.store.arena.reservedBytes).toBe(64 * 1024 * 1024);
      expect(keyspace.store.arena.usedBytes).toBeLessThan(10_000);
    }
    keyspace.release();
  });
});
