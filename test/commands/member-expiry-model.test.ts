/**
 * Random commands on a few keys whose members expire, against plain Maps: whatever is done to the keys (copied, renamed, swapped,
 * overwritten, grown from one encoding into the next), members come and go when the Maps say. The memory is in verify mode, the
 * clock moves by hand, and active expiry runs in slices that are cut short.
 */
import { describe, expect, test } from "bun:test";
import type { Random } from "../../src/base/random.ts";
import { FrozenEngine } from "../support/frozen-engine.ts";
import { pick, rounds, seeded } from "../support/seed.ts";
import type { Family } from "./member-families.ts";
import { HASH, SET, SORTED_SET } from "./member-families.ts";

const START_MS = 1.8e12;
const KEYS = ["a", "b", "c", "d"];
const DATABASES = 2;

interface Collection {
  readonly family: Family;
  /** Time by member, Infinity for one that lives for ever. */
  readonly dues: Map<string, number>;
  dueMs: number;
}

type Keys = Map<string, Collection>;

class Model {
  readonly at: FrozenEngine;
  readonly random: Random;
  readonly family: Family;
  readonly members: readonly string[];
  databases: Keys[] = Array.from({ length: DATABASES }, () => new Map());
  db = 0;
  nowMs = START_MS;

  constructor(random: Random, family: Family, options: Record<string, string>, count: number) {
    this.at = new FrozenEngine(options, START_MS);
    this.random = random;
    this.family = family;
    // Integers too, and some that fit no packed encoding.
    this.members = Array.from({ length: count }, (_, i) =>
      i % 3 === 0 ? String(i * 7 - 20) : i % 50 === 1 ? `${i}`.repeat(40) : `m${i}`,
    );
  }

  get keys(): Keys {
    return this.databases[this.db]!;
  }

  /** Forgets what has expired. */
  expire(): void {
    for (const keys of this.databases) {
      for (const [key, { dues, dueMs }] of keys) {
        for (const [member, due] of dues) if (due <= this.nowMs) dues.delete(member);
        if (dues.size === 0 || dueMs <= this.nowMs) keys.delete(key);
      }
    }
  }

  some(most: number): string[] {
    const count = 1 + this.random.below(most);
    return Array.from({ length: count }, () => pick(this.random, this.members));
  }

  drop(key: string): void {
    if (this.keys.get(key)?.dues.size === 0) this.keys.delete(key);
  }

  // ---- steps ----

  add(key: string): void {
    const members = this.some(6);
    this.at.call(...this.family.add(key, members));
    let collection = this.keys.get(key);
    if (collection === undefined) {
      collection = { family: this.family, dues: new Map(), dueMs: Infinity };
      this.keys.set(key, collection);
    }
    for (const member of members) {
      // HSET takes the time away.
      if (this.family === HASH || !collection.dues.has(member)) {
        collection.dues.set(member, Infinity);
      }
    }
  }

  remove(key: string): void {
    const members = this.some(4);
    this.at.call(this.family.remove, key, ...members);
    for (const member of members) this.keys.get(key)?.dues.delete(member);
    this.drop(key);
  }

  setTimes(key: string): void {
    const { letter, word } = this.family;
    const members = this.some(this.random.below(5) === 0 ? 200 : 5);
    const ms = pick(this.random, [0, 1, 5, 16, 17, 100, 1000, 5000, 100_000]);
    const condition = pick(this.random, ["", "", "", "NX", "XX", "GT", "LT"]);
    const dueMs = this.nowMs + ms;
    const [verb, time] = pick(this.random, [
      ["PEXPIRE", ms],
      ["PEXPIREAT", dueMs],
    ] as const);
    const options = condition === "" ? [] : [condition];
    const count = String(members.length);
    const reply = this.at.call(
      `${letter}${verb}`,
      key,
      String(time),
      ...options,
      word,
      count,
      ...members,
    );
    const dues = this.keys.get(key)?.dues;
    const expected = members.map((member) => {
      const old = dues?.get(member);
      if (dues === undefined || old === undefined) return -2;
      const isTimed = old !== Infinity;
      if (condition === "NX" && isTimed) return 0;
      if (condition === "XX" && !isTimed) return 0;
      if (condition === "GT" && !(dueMs > old)) return 0;
      if (condition === "LT" && !(dueMs < old)) return 0;
      if (ms === 0) dues.delete(member);
      else dues.set(member, dueMs);
      return ms === 0 ? 2 : 1;
    });
    expect(reply).toBe(`[${expected.join(" ")}]`);
    this.drop(key);
  }

  persist(key: string): void {
    const members = this.some(4);
    const { letter, word } = this.family;
    const reply = this.at.call(`${letter}PERSIST`, key, word, String(members.length), ...members);
    const dues = this.keys.get(key)?.dues;
    const expected = members.map((member) => {
      const old = dues?.get(member);
      if (old === undefined) return -2;
      if (old !== Infinity) dues!.set(member, Infinity);
      return old === Infinity ? -1 : 1;
    });
    expect(reply).toBe(`[${expected.join(" ")}]`);
  }

  /** Pops some by chance or from one end. */
  pop(key: string): void {
    const count = this.random.below(10) === 0 ? 40 : 1 + this.random.below(3);
    if (this.family === SET) this.at.run(`SPOP ${key} ${count}`);
    else if (this.family === SORTED_SET) {
      const line = pick(this.random, ["ZPOPMIN # N", "ZPOPMAX # N", "ZREMRANGEBYRANK # 1 N"]);
      this.at.run(line.replace("#", key).replace("N", String(count)));
    } else {
      this.at.run(`HGETDEL ${key} FIELDS 1 ${pick(this.random, this.members)}`);
    }
    // Which went, the server says.
    const left = new Set(this.family.members(this.at, key));
    const dues = this.keys.get(key)?.dues;
    for (const member of dues?.keys() ?? []) if (!left.has(member)) dues!.delete(member);
    this.drop(key);
  }

  copy(key: string, to: string): void {
    const db = this.random.below(DATABASES);
    const source = this.keys.get(key);
    const reply = this.at.run(`COPY ${key} ${to} DB ${db} REPLACE`);
    if (db === this.db && key === to) return;
    expect(reply).toBe(source === undefined ? "0" : "1");
    if (source === undefined) return;
    this.databases[db]!.set(to, { ...source, dues: new Map(source.dues) });
  }

  rename(key: string, to: string): void {
    const source = this.keys.get(key);
    this.at.run(`RENAME ${key} ${to}`);
    if (source === undefined) return;
    this.keys.delete(key);
    this.keys.set(to, source);
  }

  move(key: string): void {
    const db = 1 - this.db;
    const source = this.keys.get(key);
    this.at.run(`MOVE ${key} ${db}`);
    if (source === undefined || this.databases[db]!.has(key)) return;
    this.keys.delete(key);
    this.databases[db]!.set(key, source);
  }

  expireKey(key: string): void {
    const ms = pick(this.random, [20, 3000]);
    const source = this.keys.get(key);
    if (this.random.below(2) === 0) {
      this.at.run(`PEXPIRE ${key} ${ms}`);
      if (source !== undefined) source.dueMs = this.nowMs + ms;
    } else {
      this.at.run(`PERSIST ${key}`);
      if (source !== undefined) source.dueMs = Infinity;
    }
  }

  advance(): void {
    const ms = pick(this.random, [1, 3, 15, 16, 50, 900, 6000]);
    this.at.advance(ms);
    this.nowMs += ms;
    this.expire();
    if (this.random.below(2) === 0) {
      const { keyspace } = this.at.engine;
      for (const database of keyspace.databases.slice(0, DATABASES)) {
        database.due.expireMembers(1 + this.random.below(8));
        if (this.random.below(3) === 0) database.due.expireKeys(10);
      }
    }
  }

  // ---- checking ----

  check(key: string): void {
    const expected = this.keys.get(key);
    const members = [...(expected?.dues.keys() ?? [])].toSorted();
    expect(this.family.members(this.at, key)).toEqual(members);
    expect(this.at.run(`${this.family.count} ${key}`)).toBe(String(members.length));
    if (expected === undefined) return;
    const { letter, word } = this.family;
    const times = this.at.call(
      `${letter}PEXPIRETIME`,
      key,
      word,
      String(members.length),
      ...members,
    );
    const dues = members.map((member) => expected.dues.get(member)!);
    expect(times).toBe(`[${dues.map((due) => (due === Infinity ? -1 : due)).join(" ")}]`);
  }

  checkAll(): void {
    const { store, databases } = this.at.engine.keyspace;
    expect(store.timedKeys).toBe(databases.reduce((sum, db) => sum + db.expiringMembers, 0));
    for (let db = 0; db < DATABASES; db++) {
      this.select(db);
      for (const key of KEYS) this.check(key);
      expect(this.at.run("KEYS *").slice(1, -1).split(" ").filter(Boolean).toSorted()).toEqual(
        [...this.keys.keys()].toSorted(),
      );
      // What was touched is wrapped exactly if a member of it expires.
      const timed = [...this.keys.values()].filter(({ dues }) =>
        [...dues.values()].some((due) => due !== Infinity),
      );
      expect(this.at.engine.keyspace.databases[db]!.expiringMembers).toBe(timed.length);
    }
  }

  select(db: number): void {
    this.at.run(`SELECT ${db}`);
    this.db = db;
  }

  step(): void {
    const key = pick(this.random, KEYS);
    const other = pick(this.random, KEYS);
    const kind = this.random.below(100);
    if (kind < 28) this.add(key);
    else if (kind < 36) this.remove(key);
    else if (kind < 60) this.setTimes(key);
    else if (kind < 66) this.persist(key);
    else if (kind < 70) this.pop(key);
    else if (kind < 74) this.copy(key, other);
    else if (kind < 77) this.rename(key, other);
    else if (kind < 79) this.move(key);
    else if (kind < 82) this.expireKey(key);
    else if (kind < 95) this.advance();
    else if (kind < 96) {
      this.at.run(`SET ${key} v`);
      this.at.run(`DEL ${key}`);
      this.keys.delete(key);
    } else if (kind < 97) {
      this.at.run("SWAPDB 0 1");
      this.databases.reverse();
    } else if (kind < 98) {
      this.at.run("FLUSHDB");
      this.keys.clear();
    } else this.select(this.random.below(DATABASES));
    this.check(key);
  }

  /** All memory comes back but that of the wheels. */
  free(): void {
    for (let db = 0; db < DATABASES; db++) {
      this.at.run(`SELECT ${db}`);
      this.at.run("SET k v");
    }
    this.at.run("FLUSHALL");
    this.at.housekeep();
    const empty = new FrozenEngine();
    expect(this.at.engine.keyspace.store.arena.blocks).toBe(
      empty.engine.keyspace.store.arena.blocks,
    );
    empty.release();
    this.at.release();
  }
}

const PACKED_NEVER = {
  "hash-max-listpack-entries": "0",
  "set-max-listpack-entries": "0",
  "set-max-intset-entries": "0",
  "zset-max-listpack-entries": "0",
};
const PACKED_WHILE_SMALL = {
  "hash-max-listpack-entries": "12",
  "set-max-listpack-entries": "12",
  "zset-max-listpack-entries": "12",
};

describe.each([
  ["hash", HASH],
  ["set", SET],
  ["sorted set", SORTED_SET],
] as const)("a %s whose members expire", (name, family) => {
  test.each([
    ["always packed", {}, 60],
    ["never packed", PACKED_NEVER, 60],
    ["packed while it is small", PACKED_WHILE_SMALL, 40],
    ["large", PACKED_WHILE_SMALL, 600],
  ] as const)("holds what a map holds, %s", (layout, options, count) => {
    const random = seeded(`member expiry of a ${name}, ${layout}`);
    for (let round = 0; round < 3 * rounds; round++) {
      const model = new Model(random, family, options, count);
      for (let i = 0; i < 700; i++) {
        model.step();
        if (i % 100 === 99) model.checkAll();
      }
      model.free();
    }
  });
});
