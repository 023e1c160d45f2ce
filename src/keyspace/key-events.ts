/**
 * What can happen to a key, and those who want to know of it: keyspace notifications, WATCH, client-side caching.
 *
 * An event has the name and the class that keyspace notifications show. Commands report theirs (`commands/changed.ts`), the
 * keyspace what time does by itself. A store has no observer at all while nobody listens: then a report is one comparison.
 */
import type { Database } from "./database.ts";

/** The classes of events: the letters of `notify-keyspace-events`, as bits. */
export const CLASS_GENERIC = 1;
export const CLASS_STRING = 2;
export const CLASS_LIST = 4;
export const CLASS_SET = 8;
export const CLASS_HASH = 16;
export const CLASS_ZSET = 32;
export const CLASS_EXPIRED = 64;
export const CLASS_EVICTED = 128;
export const CLASS_STREAM = 256;
export const CLASS_KEY_MISS = 512;
/** Of modules, which there are none. */
export const CLASS_MODULE = 1024;
export const CLASS_NEW = 2048;

export interface KeyEvent {
  /** Lower case, as subscribers see it; "" if nobody is notified of it. */
  readonly name: string;
  /** Its class, as a bit; 0 if it has none. */
  readonly kind: number;
  /** The key holds something else now, or until another time: what was read of it before is out of date. */
  readonly changes: boolean;
}

/** Somebody who is told of all that happens to keys. Must not change the data, and must copy what it keeps of a key. */
export interface KeyObserver {
  /** Something has happened to the key[start, end). Of a command that goes on, more may follow. */
  happened(event: KeyEvent, database: Database, key: Buffer, start: number, end: number): void;
  /** All keys of a database are gone. */
  emptied(database: Database): void;
  /** Two databases have exchanged their keys. */
  swapped(a: Database, b: Database): void;
}

/** The one who tells all of them, or null if there are none. */
export function joinObservers(observers: readonly KeyObserver[]): KeyObserver | null {
  if (observers.length < 2) return observers[0] ?? null;
  return {
    happened: (event, database, key, start, end) => {
      for (const observer of observers) observer.happened(event, database, key, start, end);
    },
    emptied: (database) => {
      for (const observer of observers) observer.emptied(database);
    },
    swapped: (a, b) => {
      for (const observer of observers) observer.swapped(a, b);
    },
  };
}

function keyEvent(kind: number, name: string, changes = true): KeyEvent {
  return { name, kind, changes };
}

// ---- keys of any type ----

/** A change that has no event of its own. */
export const TOUCHED: KeyEvent = keyEvent(0, "");
export const DEL: KeyEvent = keyEvent(CLASS_GENERIC, "del");
export const EXPIRE: KeyEvent = keyEvent(CLASS_GENERIC, "expire");
export const PERSIST: KeyEvent = keyEvent(CLASS_GENERIC, "persist");
export const RENAME_FROM: KeyEvent = keyEvent(CLASS_GENERIC, "rename_from");
export const RENAME_TO: KeyEvent = keyEvent(CLASS_GENERIC, "rename_to");
export const MOVE_FROM: KeyEvent = keyEvent(CLASS_GENERIC, "move_from");
export const MOVE_TO: KeyEvent = keyEvent(CLASS_GENERIC, "move_to");
export const COPY_TO: KeyEvent = keyEvent(CLASS_GENERIC, "copy_to");
export const RESTORE: KeyEvent = keyEvent(CLASS_GENERIC, "restore");
export const EXPIRED: KeyEvent = keyEvent(CLASS_EXPIRED, "expired");
/** A key was deleted to make room. */
export const EVICTED: KeyEvent = keyEvent(CLASS_EVICTED, "evicted");
/** A key was not there and is now. What it holds is told by another event. */
export const NEW: KeyEvent = keyEvent(CLASS_NEW, "new", false);
/** A command that reads found no key. */
export const KEY_MISS: KeyEvent = keyEvent(CLASS_KEY_MISS, "keymiss", false);

// ---- strings ----

export const SET: KeyEvent = keyEvent(CLASS_STRING, "set");
export const SETRANGE: KeyEvent = keyEvent(CLASS_STRING, "setrange");
export const APPEND: KeyEvent = keyEvent(CLASS_STRING, "append");
export const INCRBY: KeyEvent = keyEvent(CLASS_STRING, "incrby");
export const INCRBYFLOAT: KeyEvent = keyEvent(CLASS_STRING, "incrbyfloat");
export const SETBIT: KeyEvent = keyEvent(CLASS_STRING, "setbit");
export const PFADD: KeyEvent = keyEvent(CLASS_STRING, "pfadd");

// ---- lists ----

export const LPUSH: KeyEvent = keyEvent(CLASS_LIST, "lpush");
export const RPUSH: KeyEvent = keyEvent(CLASS_LIST, "rpush");
export const LPOP: KeyEvent = keyEvent(CLASS_LIST, "lpop");
export const RPOP: KeyEvent = keyEvent(CLASS_LIST, "rpop");
export const LSET: KeyEvent = keyEvent(CLASS_LIST, "lset");
export const LINSERT: KeyEvent = keyEvent(CLASS_LIST, "linsert");
export const LREM: KeyEvent = keyEvent(CLASS_LIST, "lrem");
export const LTRIM: KeyEvent = keyEvent(CLASS_LIST, "ltrim");
export const SORTSTORE: KeyEvent = keyEvent(CLASS_LIST, "sortstore");

// ---- sets ----

export const SADD: KeyEvent = keyEvent(CLASS_SET, "sadd");
export const SREM: KeyEvent = keyEvent(CLASS_SET, "srem");
export const SPOP: KeyEvent = keyEvent(CLASS_SET, "spop");
export const SINTERSTORE: KeyEvent = keyEvent(CLASS_SET, "sinterstore");
export const SUNIONSTORE: KeyEvent = keyEvent(CLASS_SET, "sunionstore");
export const SDIFFSTORE: KeyEvent = keyEvent(CLASS_SET, "sdiffstore");

// ---- hashes ----

export const HSET: KeyEvent = keyEvent(CLASS_HASH, "hset");
export const HDEL: KeyEvent = keyEvent(CLASS_HASH, "hdel");
export const HINCRBY: KeyEvent = keyEvent(CLASS_HASH, "hincrby");
export const HINCRBYFLOAT: KeyEvent = keyEvent(CLASS_HASH, "hincrbyfloat");

// ---- sorted sets ----

export const ZADD: KeyEvent = keyEvent(CLASS_ZSET, "zadd");
export const ZINCR: KeyEvent = keyEvent(CLASS_ZSET, "zincr");
export const ZREM: KeyEvent = keyEvent(CLASS_ZSET, "zrem");
export const ZREMRANGEBYRANK: KeyEvent = keyEvent(CLASS_ZSET, "zremrangebyrank");
export const ZREMRANGEBYSCORE: KeyEvent = keyEvent(CLASS_ZSET, "zremrangebyscore");
export const ZREMRANGEBYLEX: KeyEvent = keyEvent(CLASS_ZSET, "zremrangebylex");
export const ZPOPMIN: KeyEvent = keyEvent(CLASS_ZSET, "zpopmin");
export const ZPOPMAX: KeyEvent = keyEvent(CLASS_ZSET, "zpopmax");
export const ZRANGESTORE: KeyEvent = keyEvent(CLASS_ZSET, "zrangestore");
export const ZUNIONSTORE: KeyEvent = keyEvent(CLASS_ZSET, "zunionstore");
export const ZINTERSTORE: KeyEvent = keyEvent(CLASS_ZSET, "zinterstore");
export const ZDIFFSTORE: KeyEvent = keyEvent(CLASS_ZSET, "zdiffstore");
export const GEORADIUSSTORE: KeyEvent = keyEvent(CLASS_ZSET, "georadiusstore");
export const GEOSEARCHSTORE: KeyEvent = keyEvent(CLASS_ZSET, "geosearchstore");

// ---- streams: groups, and the id that was used last, are no change for who reads entries, as in Redis ----

export const XADD: KeyEvent = keyEvent(CLASS_STREAM, "xadd");
export const XTRIM: KeyEvent = keyEvent(CLASS_STREAM, "xtrim");
export const XDEL: KeyEvent = keyEvent(CLASS_STREAM, "xdel");
export const XSETID: KeyEvent = keyEvent(CLASS_STREAM, "xsetid", false);
export const XGROUP_CREATE: KeyEvent = keyEvent(CLASS_STREAM, "xgroup-create", false);
export const XGROUP_SETID: KeyEvent = keyEvent(CLASS_STREAM, "xgroup-setid", false);
export const XGROUP_DESTROY: KeyEvent = keyEvent(CLASS_STREAM, "xgroup-destroy", false);
export const XGROUP_CREATECONSUMER: KeyEvent = keyEvent(
  CLASS_STREAM,
  "xgroup-createconsumer",
  false,
);
export const XGROUP_DELCONSUMER: KeyEvent = keyEvent(CLASS_STREAM, "xgroup-delconsumer", false);

// ---- times of members ----

/** What happens to the times of fields and members, by the type that they belong to. */
export interface MemberEvents {
  /** Some have got a time. */
  readonly expire: KeyEvent;
  /** Some live for ever again. */
  readonly persist: KeyEvent;
  /** Some were removed because their time had come. */
  readonly expired: KeyEvent;
  /** Some were removed by a command. */
  readonly removed: KeyEvent;
}

function memberEvents(kind: number, letter: string, removed: KeyEvent): MemberEvents {
  return {
    expire: keyEvent(kind, `${letter}expire`),
    persist: keyEvent(kind, `${letter}persist`),
    expired: keyEvent(kind, `${letter}expired`),
    removed,
  };
}

export const HASH_MEMBERS: MemberEvents = memberEvents(CLASS_HASH, "h", HDEL);
export const SET_MEMBERS: MemberEvents = memberEvents(CLASS_SET, "s", SREM);
export const ZSET_MEMBERS: MemberEvents = memberEvents(CLASS_ZSET, "z", ZREM);
