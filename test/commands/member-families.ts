/** The three types whose members may expire, as tests see them: the same questions asked with the commands of each. */
import type { FrozenEngine } from "../support/frozen-engine.ts";

export interface Family {
  /** First letter of its commands. */
  readonly letter: string;
  readonly word: string;
  readonly noun: string;
  /** What makes a key of this type, or adds members to it. */
  add(key: string, members: readonly string[]): string[];
  remove: string;
  count: string;
  has(key: string, member: string): string;
  /** All members, sorted. */
  members(at: FrozenEngine, key: string): string[];
}

function items(reply: string): string[] {
  return reply === "[]" ? [] : reply.slice(1, -1).split(" ");
}

export const HASH: Family = {
  letter: "H",
  word: "FIELDS",
  noun: "field",
  add: (key, members) => ["HSET", key, ...members.flatMap((member) => [member, `${member}!`])],
  remove: "HDEL",
  count: "HLEN",
  has: (key, member) => `HEXISTS ${key} ${member}`,
  members: (at, key) => items(at.run(`HKEYS ${key}`)).toSorted(),
};

export const SET: Family = {
  letter: "S",
  word: "MEMBERS",
  noun: "member",
  add: (key, members) => ["SADD", key, ...members],
  remove: "SREM",
  count: "SCARD",
  has: (key, member) => `SISMEMBER ${key} ${member}`,
  members: (at, key) => items(at.run(`SMEMBERS ${key}`)).toSorted(),
};

export const SORTED_SET: Family = {
  letter: "Z",
  word: "MEMBERS",
  noun: "member",
  add: (key, members) => [
    "ZADD",
    key,
    ...members.flatMap((member) => [String(member.length), member]),
  ],
  remove: "ZREM",
  count: "ZCARD",
  has: (key, member) => `ZSCORE ${key} ${member}`,
  members: (at, key) => items(at.run(`ZRANGE ${key} 0 -1`)).toSorted(),
};

/** Each type in each of its encodings. */
export const LAYOUTS: readonly {
  readonly name: string;
  readonly family: Family;
  readonly options: Readonly<Record<string, string>>;
  /** What OBJECT ENCODING says without times, and with. */
  readonly encoding: string;
  readonly timed: string;
  /** Members of a kind that suits it. */
  readonly a: string;
  readonly b: string;
  readonly c: string;
}[] = [
  {
    name: "hash, listpack",
    family: HASH,
    options: {},
    encoding: "listpack",
    timed: "listpackex",
    a: "a",
    b: "b",
    c: "1000",
  },
  {
    name: "hash, hashtable",
    family: HASH,
    options: { "hash-max-listpack-entries": "0" },
    encoding: "hashtable",
    timed: "hashtable",
    a: "a",
    b: "b",
    c: "1000",
  },
  {
    name: "set, intset",
    family: SET,
    options: {},
    encoding: "intset",
    timed: "intset",
    a: "1",
    b: "-2",
    c: "70000",
  },
  {
    name: "set, listpack",
    family: SET,
    options: {},
    encoding: "listpack",
    timed: "listpack",
    a: "a",
    b: "b",
    c: "1000",
  },
  {
    name: "set, hashtable",
    family: SET,
    options: { "set-max-listpack-entries": "0", "set-max-intset-entries": "0" },
    encoding: "hashtable",
    timed: "hashtable",
    a: "a",
    b: "b",
    c: "1000",
  },
  {
    name: "sorted set, listpack",
    family: SORTED_SET,
    options: {},
    encoding: "listpack",
    timed: "listpack",
    a: "a",
    b: "b",
    c: "1000",
  },
  {
    name: "sorted set, skiplist",
    family: SORTED_SET,
    options: { "zset-max-listpack-entries": "0" },
    encoding: "skiplist",
    timed: "skiplist",
    a: "a",
    b: "b",
    c: "1000",
  },
];
