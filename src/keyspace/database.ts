/**
 * A database: keys and their entries, with their expiry.
 *
 * `find` is the one way to a key. It remembers the hash, so that an insertion right after a miss does not compute it
 * again, and it deletes an entry whose time has come: no command ever sees an expired key. An entry moves when its
 * form changes (a longer value, an expiry time gained or lost); functions that may move it return the new `Ref`.
 */
import { NEW } from "./key-events.ts";
import { HASH_WORDS } from "../base/hash.ts";
import { int64, parseInt64, INT64_DIGITS_MAX } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_SHIFT } from "../memory/arena.ts";
import {
  EMBSTR_SIZE_MAX,
  ENCODING_BLOB,
  ENCODING_EMBSTR,
  ENCODING_INT,
  ENCODING_RAW,
  ENCODING_TIMED,
  TYPE_STRING,
} from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import { DueKeys } from "./due-keys.ts";
import { Entries, INLINE_SIZE_MAX } from "./entry.ts";
import { KeyTable } from "./key-table.ts";
import { OVERDUE_MEMBERS_MAX } from "./overdue-keys.ts";
import type { Reclaimer } from "./reclaim.ts";
import type { Store } from "./store.ts";
import { StringValues } from "./string-values.ts";

/** Entries that the search for a random one deletes at most, and buckets that it then goes through: about a millisecond. */
const RANDOM_EXPIRED_MAX = 100;
const RANDOM_BUCKETS_MAX = 20_000;

const scratch = new Slice();

export class Database {
  readonly index: number;
  /** Deletes what has outlived its time. */
  readonly due: DueKeys;
  readonly #store: Store;
  readonly #entries: Entries;
  readonly #strings: StringValues;
  readonly #reclaimer: Reclaimer;
  #keys: KeyTable;
  /** Hash of the key that was last looked up. */
  #hash = 0;

  constructor(index: number, store: Store, reclaimer: Reclaimer) {
    this.index = index;
    this.#store = store;
    this.#entries = store.entries;
    this.#strings = new StringValues(store);
    this.#reclaimer = reclaimer;
    this.#keys = new KeyTable(store);
    this.due = new DueKeys(this, store, reclaimer);
  }

  /** Keys, those included whose time has come but that nobody touched yet. */
  get size(): number {
    return this.#keys.count;
  }

  /** Keys with an expiry time. */
  get expiring(): number {
    return this.#keys.expiring;
  }

  /** Bytes of the structure that finds keys whose time has come, without the nodes inside the entries. */
  get wheelBytes(): number {
    return this.#keys.wheelBytes;
  }

  /** Keys with members that expire. */
  get expiringMembers(): number {
    return this.#keys.members.count;
  }

  /** The dict of this database, for scans and statistics. */
  get dict(): Ref {
    return this.#keys.dict;
  }

  /** The entries of this database; another object after it was cleared or swapped. */
  get keys(): KeyTable {
    return this.#keys;
  }

  /** Readies an empty database for that many keys. */
  expect(count: number): void {
    if (this.size === 0) this.#keys = this.#keys.replaced(count);
  }

  // ---- finding ----

  /** The entry of a key for a command that writes, or NULL_REF. Counts as a use of the key. */
  find(key: Buffer, start: number, end: number): Ref {
    const entry = this.peek(key, start, end);
    if (entry === NULL_REF) return entry;
    if (this.#store.guard !== null) this.willChange(entry);
    if (this.#store.touch) this.#use(entry);
    return entry;
  }

  /** Like `find`, for a command that reads: counts a hit or a miss. What is read must not be changed in place. */
  read(key: Buffer, start: number, end: number): Ref {
    const entry = this.peek(key, start, end);
    if (entry === NULL_REF) {
      this.#store.missed(this, key, start, end);
      return entry;
    }
    this.#store.hits++;
    if (this.#store.touch) this.#use(entry);
    return entry;
  }

  #use(entry: Ref): void {
    const { touched } = this.#store;
    if (touched >= 0) this.#entries.setAccess(entry, touched);
    else this.#store.count(entry);
  }

  /** Like `read`, without counting as a use. */
  look(key: Buffer, start: number, end: number): Ref {
    const entry = this.peek(key, start, end);
    if (entry === NULL_REF) this.#store.missed(this, key, start, end);
    else this.#store.hits++;
    return entry;
  }

  /** To be called before an entry is changed in place that `find` did not give. */
  willChange(entry: Ref): void {
    const { guard } = this.#store;
    if (guard !== null && !this.#entries.isCurrent(entry)) guard.before(this.#keys, entry);
  }

  /** Like `find`, without counting as a use. */
  peek(key: Buffer, start: number, end: number): Ref {
    const entry = this.locate(key, start, end);
    if (entry === NULL_REF || !this.#entries.isClocked(entry)) return entry;
    return this.#atThisTime(entry);
  }

  /** The entry of a key, whatever the time is. Changes nothing. */
  locate(key: Buffer, start: number, end: number): Ref {
    const store = this.#store;
    const dict = store.dict;
    const entries = this.#entries;
    const { lookahead } = store;
    const slot = lookahead.slotOf(key, start, end);
    const hash = lookahead.hashes[slot]!;
    const keys = this.#keys;
    this.#hash = hash;
    if (slot === lookahead.foundSlot && lookahead.foundIn === keys) return lookahead.found;
    const { words } = lookahead;
    const wordsAt = slot * HASH_WORDS;
    let entry = dict.first(keys.dict, hash);
    while (entry !== NULL_REF && !entries.keyEquals(entry, key, start, end, words, wordsAt)) {
      entry = dict.next(entry, hash);
    }
    if (entry !== NULL_REF) lookahead.remember(slot, entry, keys);
    return entry;
  }

  /**
   * The entry of a key of which the next look would take long to remove what is due: because members are many, or because a snapshot
   * has to see a large value first; else NULL_REF. Changes nothing.
   */
  overdue(key: Buffer, start: number, end: number): Ref {
    const entry = this.locate(key, start, end);
    const { expires, guard } = this.#store;
    if (entry === NULL_REF || !expires || !this.#entries.isClocked(entry)) return NULL_REF;
    const isGuarded = guard !== null && guard.takesLong(this.#keys, entry);
    // Where nobody has to see it before, a whole entry goes at once.
    if (this.hasExpired(entry)) return isGuarded ? entry : NULL_REF;
    const { members } = this.#keys;
    if (!this.#entries.isTimed(entry) || !members.isDue(entry)) return NULL_REF;
    return isGuarded || members.countDue(entry) > OVERDUE_MEMBERS_MAX ? entry : NULL_REF;
  }

  /** Whether the key holds something whose time has not come. Changes nothing, and deletes nothing. */
  holds(key: Buffer, start: number, end: number): boolean {
    const store = this.#store;
    const { expires } = store;
    store.expires = false;
    const entry = this.peek(key, start, end);
    store.expires = expires;
    return entry !== NULL_REF && !this.hasExpired(entry);
  }

  /** What the time has left of an entry that has to do with the clock: the entry, or NULL_REF. */
  #atThisTime(entry: Ref): Ref {
    if (this.hasExpired(entry)) {
      this.due.expire(entry);
      return NULL_REF;
    }
    this.due.removeMembers(entry, Infinity);
    return entry;
  }

  /** Has the processor fetch the entries of the keys that the lookahead knows, all at once. Changes nothing. */
  prefetch(): void {
    const { lookahead, dict } = this.#store;
    dict.prefetch(this.#keys.dict, lookahead.hashes, lookahead.count);
  }

  /**
   * A live entry by chance, or NULL_REF when there is none. Entries whose time has come and that it meets it deletes, up to
   * RANDOM_EXPIRED_MAX of them; then it takes the next live one of a part of the database. Where there is none in that part
   * either it gives an entry whose time has come, as Redis's replicas do, rather than keep everybody waiting.
   */
  random(): Ref {
    const { random } = this.#store;
    const random32 = () => random.int32();
    for (let expired = 0; expired < RANDOM_EXPIRED_MAX; expired++) {
      const entry = this.#store.dict.walk.sample(this.#keys.dict, random32);
      if (entry === NULL_REF || !this.hasExpired(entry)) return entry;
      this.due.expire(entry);
    }
    return this.#nextLive(random.int32() >>> 0);
  }

  /** The first live entry from the bucket of a cursor on; see `random`. */
  #nextLive(start: number): Ref {
    let live: Ref = NULL_REF;
    let last: Ref = NULL_REF;
    const visit = (entry: Ref): void => {
      last = entry;
      if (live === NULL_REF && !this.hasExpired(entry)) live = entry;
    };
    const buckets = this.#store.dict.buckets(this.dict);
    let cursor = start;
    for (let left = Math.min(buckets, RANDOM_BUCKETS_MAX); left > 0; left--) {
      cursor = this.scan(cursor, visit);
      if (live !== NULL_REF) return live;
    }
    return buckets <= RANDOM_BUCKETS_MAX ? NULL_REF : last;
  }

  /** Calls `visit` with the entries of the cursor's buckets, expired ones included; returns the next cursor, 0 at the end. */
  scan(cursor: number, visit: (entry: Ref) => void): number {
    return this.#store.dict.walk.scan(this.#keys.dict, cursor, visit);
  }

  // ---- strings ----

  /**
   * Makes the key hold the string value[valueStart, valueEnd).
   * @param entry what `find` just returned for the same key
   * @param keepExpiry keeps the expiry time of the old value, if any
   */
  setString(
    entry: Ref,
    key: Buffer,
    keyStart: number,
    keyEnd: number,
    value: Buffer,
    valueStart: number,
    valueEnd: number,
    keepExpiry: boolean,
  ): Ref {
    const length = valueEnd - valueStart;
    if (length <= INT64_DIGITS_MAX && parseInt64(value, valueStart, valueEnd)) {
      return this.#setInt64(entry, key, keyStart, keyEnd, int64.low, int64.high, keepExpiry);
    }
    if (length > INLINE_SIZE_MAX) {
      const blob = this.#store.blobs.create(length);
      this.#store.blobs.write(blob, 0, value, valueStart, valueEnd);
      return this.setBlob(entry, key, keyStart, keyEnd, blob, keepExpiry);
    }
    const encoding = length <= EMBSTR_SIZE_MAX ? ENCODING_EMBSTR : ENCODING_RAW;
    if (entry !== NULL_REF && this.#store.guard !== null) this.willChange(entry);
    // A string in the place of one of about its size, as in most writes, leaves the entry where it is.
    const at =
      entry !== NULL_REF && this.#entries.refit(entry, encoding, length)
        ? entry
        : this.#shape(entry, key, keyStart, keyEnd, encoding, length, keepExpiry);
    const start = this.#entries.valueStart(at);
    const bytes = this.#store.arena.bytes[at >>> SEGMENT_SHIFT]!;
    if (length > 24) value.copy(bytes, start, valueStart, valueEnd);
    else for (let i = 0; i < length; i++) bytes[start + i] = value[valueStart + i]!;
    return at;
  }

  /** Makes the key hold the string in `blob`, which belongs to it from then on. Else like `setString`. */
  setBlob(
    entry: Ref,
    key: Buffer,
    keyStart: number,
    keyEnd: number,
    blob: Ref,
    keepExpiry: boolean,
  ): Ref {
    const at = this.#shape(entry, key, keyStart, keyEnd, ENCODING_BLOB, 0, keepExpiry);
    this.#entries.setBlock(at, blob);
    return at;
  }

  /**
   * Like `setString`, the expiry time kept, for a value that stays a string even if it reads as an integer: what a
   * command computes is not looked at again in Redis.
   */
  setText(entry: Ref, key: Buffer, keyStart: number, keyEnd: number, text: Buffer): Ref {
    const { length } = text;
    if (length > INT64_DIGITS_MAX) {
      return this.setString(entry, key, keyStart, keyEnd, text, 0, length, true);
    }
    const at = this.#shape(entry, key, keyStart, keyEnd, ENCODING_EMBSTR, length, true);
    text.copy(this.#store.arena.bytes[at >>> SEGMENT_SHIFT]!, this.#entries.valueStart(at));
    return at;
  }

  /** Makes the key hold an integer; the expiry time stays. @param entry what `find` just returned for the same key */
  setInteger(
    entry: Ref,
    key: Buffer,
    keyStart: number,
    keyEnd: number,
    low: number,
    high: number,
  ): Ref {
    if (entry !== NULL_REF && this.#entries.encoding(entry) === ENCODING_INT) {
      this.willChange(entry);
      this.#entries.setInteger(entry, low, high);
      return entry;
    }
    return this.#setInt64(entry, key, keyStart, keyEnd, low, high, true);
  }

  #setInt64(
    entry: Ref,
    key: Buffer,
    keyStart: number,
    keyEnd: number,
    low: number,
    high: number,
    keepExpiry: boolean,
  ): Ref {
    const at = this.#shape(entry, key, keyStart, keyEnd, ENCODING_INT, 0, keepExpiry);
    this.#entries.setInteger(at, low, high);
    return at;
  }

  /** Points `out` at the bytes of a string value; valid until the next allocation or call of `readString`. */
  readString(entry: Ref, out: Slice): void {
    this.#strings.read(entry, out);
  }

  /** Bytes of a string value. */
  stringLength(entry: Ref): number {
    return this.#strings.length(entry);
  }

  /**
   * Makes a string value at least `length` bytes long, new bytes zero, and ready to be changed in place: raw, no integer.
   * `readString` then gives the bytes to write to. Room to grow is left over (`Blobs.roomToGrow`).
   */
  growString(entry: Ref, length: number): Ref {
    this.willChange(entry);
    const strings = this.#strings;
    const old = strings.length(entry);
    const wanted = Math.max(length, old);
    if (this.#entries.encoding(entry) === ENCODING_BLOB) {
      strings.growBlob(entry, old, wanted);
      return entry;
    }
    strings.read(entry, scratch);
    const content = scratch.copy();
    const key = this.keyOf(entry);
    if (wanted > INLINE_SIZE_MAX) {
      const blob = strings.createBlob(content, wanted);
      return this.setBlob(entry, key, 0, key.length, blob, true);
    }
    const at = this.#shape(entry, key, 0, key.length, ENCODING_RAW, wanted, true);
    strings.fill(at, content);
    return at;
  }

  // ---- collections ----

  /** Puts a value under a key that is free. @param type not that of strings @param isNew it was so before the command */
  create(key: Buffer, start: number, end: number, type: number, value: Value, isNew = true): Ref {
    const store = this.#store;
    const entry = store.arena.allocate(Entries.size(end - start, value.encoding, 0, false));
    const { access } = store;
    this.#entries.write(entry, type, value.encoding, false, access, key, start, end, 0);
    this.#entries.setBlock(entry, value.block);
    if (value.timed !== NULL_REF) this.#keys.members.save(entry, value);
    this.#keys.insert(entry, this.#hash);
    store.created(this, key, start, end, isNew);
    return entry;
  }

  /** Points `out` at the value of an entry that holds a collection. */
  load(entry: Ref, out: Value): void {
    const encoding = this.#entries.encoding(entry);
    if (encoding === ENCODING_TIMED) this.#keys.members.load(entry, out);
    else out.set(encoding, this.#entries.block(entry));
  }

  /** Writes back where the value is now, and the times of its members. */
  save(entry: Ref, value: Value): void {
    if (value.timed !== NULL_REF) return this.#keys.members.save(entry, value);
    this.#entries.setEncoding(entry, value.encoding);
    this.#entries.setBlock(entry, value.block);
  }

  // ---- deleting ----

  /** Deletes an entry and frees what it holds. */
  remove(entry: Ref): void {
    this.willChange(entry);
    this.#store.watcher?.removed(this, entry);
    this.#keys.remove(entry);
    this.#reclaimer.freeEntry(entry);
  }

  /** Deletes all keys at once; the memory comes back in slices. Returns how many keys there were. */
  clear(): number {
    const count = this.size;
    if (count === 0) return 0;
    const keys = this.#keys;
    if (this.#store.guard === null || !this.#store.guard.keeps(keys))
      this.#reclaimer.freeTable(keys);
    this.#keys = new KeyTable(this.#store);
    this.#store.emptied(this);
    return count;
  }

  /** Exchanges the content of two databases. */
  swap(other: Database): void {
    [this.#keys, other.#keys] = [other.#keys, this.#keys];
    this.#store.swapped(this, other);
  }

  // ---- renaming, moving ----

  /**
   * Makes `entry`, an entry of the database `from` (this one too), stand here under another key, which must be free.
   * Value and expiry time go along.
   */
  adopt(entry: Ref, from: Database, key: Buffer, start: number, end: number): Ref {
    const store = this.#store;
    const access = this.#entries.access(entry);
    const at = this.#keys.clone(entry, from.#keys, access, key, start, end);
    this.#keys.insert(at, store.lookahead.hash(key, start, end));
    store.watcher?.removed(from, entry);
    // The value that the old entry names is the new one's.
    from.#keys.remove(entry);
    store.arena.free(entry);
    if (this.#entries.isTimed(at)) this.#keys.members.join(at);
    store.created(this, key, start, end);
    return at;
  }

  /** Puts a copy of `entry`, an entry of the database `from` (this one too), under another key, which must be free. */
  duplicate(entry: Ref, from: Database, key: Buffer, start: number, end: number): Ref {
    const entries = this.#entries;
    const store = this.#store;
    const block = entries.block(entry);
    const collection = store.collections[entries.type(entry)];
    const copy = new Value();
    if (collection !== undefined) {
      const source = new Value();
      from.load(entry, source);
      collection.duplicate(source, copy);
      if (source.timed !== NULL_REF) store.kit.memberTimes.duplicate(source.timed, copy);
    } else if (block !== NULL_REF) {
      copy.set(ENCODING_BLOB, store.blobs.duplicate(block));
    }
    const at = this.#keys.clone(entry, from.#keys, store.access, key, start, end);
    if (copy.block !== NULL_REF) this.save(at, copy);
    this.#keys.insert(at, store.lookahead.hash(key, start, end));
    store.created(this, key, start, end);
    return at;
  }

  // ---- expiry ----

  /** Unix time in ms at which the entry expires, or -1. */
  expiryMs(entry: Ref): number {
    if (!this.#entries.expires(entry)) return -1;
    return this.#keys.dueMs(entry);
  }

  /** Low word of the time of expiry of an entry that expires: for times above 2^53, which `expiryMs` rounds. */
  expiryLow(entry: Ref): number {
    return this.#keys.dueLow(entry);
  }

  /** High word of the time of expiry of an entry that expires. */
  expiryHigh(entry: Ref): number {
    return this.#keys.dueHigh(entry);
  }

  /**
   * Sets the time of expiry.
   * @param dueMs Unix time in ms below 2^53, may be past: then the key goes with the next look at it
   */
  expireAt(entry: Ref, dueMs: number): Ref {
    const ms = Math.max(0, dueMs);
    return this.expireAtInt64(entry, ms | 0, Math.floor(ms / 4294967296));
  }

  /** Like `expireAt`, with the time in two words: not negative, up to 2^63 - 1. */
  expireAtInt64(entry: Ref, low: number, high: number): Ref {
    this.willChange(entry);
    return this.#keys.setDue(entry, low, high);
  }

  /** Takes the expiry time away. */
  persist(entry: Ref): Ref {
    if (!this.#entries.expires(entry)) return entry;
    this.willChange(entry);
    return this.#keys.clearDue(entry);
  }

  /** Whether the entry's time has come, or that of all its members. */
  hasExpired(entry: Ref): boolean {
    const dueMs = this.expiryMs(entry);
    if (!this.#store.expires) return false;
    if (dueMs >= 0 && dueMs <= this.#store.clock.nowMs) return true;
    return this.#entries.isTimed(entry) && this.#keys.members.isAllDue(entry);
  }

  // ---- housekeeping ----

  /** Moves buckets of a resize that is under way. Returns true while there are more. */
  resizeStep(buckets: number): boolean {
    return this.#store.dict.step(this.#keys.dict, buckets);
  }

  /** A copy of the entry's key. */
  keyOf(entry: Ref): Buffer {
    const start = this.#entries.keyStart(entry);
    const bytes = this.#store.arena.bytes[entry >>> SEGMENT_SHIFT]!;
    return Buffer.from(bytes.subarray(start, start + this.#entries.keyLength(entry)));
  }

  /** Points `out` at the entry's key; valid until the next allocation. */
  readKey(entry: Ref, out: Slice): void {
    const start = this.#entries.keyStart(entry);
    const bytes = this.#store.arena.bytes[entry >>> SEGMENT_SHIFT]!;
    out.set(bytes, start, start + this.#entries.keyLength(entry));
  }

  // ---- inside ----

  /**
   * Gives the key an entry for a string whose payload or inline value the caller writes next, see `KeyTable.shape`. What the
   * old value held outside the entry is freed.
   */
  #shape(
    entry: Ref,
    key: Buffer,
    start: number,
    end: number,
    encoding: number,
    valueLength: number,
    keepExpiry: boolean,
  ): Ref {
    if (entry !== NULL_REF) {
      this.willChange(entry);
      // A string in the place of a string concerns nobody.
      if (this.#entries.type(entry) !== TYPE_STRING) this.#store.watcher?.removed(this, entry);
      if (this.#entries.isTimed(entry)) this.#keys.members.leave(entry);
      this.#reclaimer.freeValue(entry);
    }
    const { observer } = this.#store;
    if (entry === NULL_REF && observer !== null) observer.happened(NEW, this, key, start, end);
    const hash = this.#hash;
    return this.#keys.shape(entry, hash, key, start, end, encoding, valueLength, keepExpiry);
  }
}
