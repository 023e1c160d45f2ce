/**
 * The entries of one database: a dict that finds them by key, a wheel that finds those which expire by time, and the forms
 * that an entry takes.
 *
 * The form (value inside the entry or in a block of its own, with or without an expiry time) decides the size of the entry's
 * block, so an entry moves when it changes: functions that may move it return the new `Ref`. Dict and wheel are kept in
 * step here, and nowhere else; and whatever takes an entry out or moves it says so to the lookahead. What an entry's value is, and who wants to know of its end, is the database's business.
 */
import type { Ref } from "../memory/arena.ts";
import { Arena, NULL_REF, SEGMENT_SHIFT } from "../memory/arena.ts";
import { Wheel } from "../structures/wheel.ts";
import { ENCODING_EMBSTR, ENCODING_RAW, ENCODING_TIMED, TYPE_STRING } from "../types/kinds.ts";
import { Entries } from "./entry.ts";
import type { EntryGuard } from "./entry-guard.ts";
import { MemberExpiry } from "./member-expiry.ts";
import type { Store } from "./store.ts";

export class KeyTable {
  /** Entries by key; another block after `compact`. */
  dict: Ref;
  /** Those with members that expire. */
  readonly members: MemberExpiry;
  /** An entry whose time has come that the last `popDue` left, for the guard to see it first; else NULL_REF. */
  awaited: Ref = NULL_REF;
  readonly #store: Store;
  readonly #entries: Entries;
  /** Entries that expire, by time; made with the first of them. */
  #wheel: Wheel | null = null;

  /** @param count entries that it will get soon */
  constructor(store: Store, count = 0) {
    this.#store = store;
    this.#entries = store.entries;
    this.dict = store.dict.create(count);
    this.members = new MemberExpiry(store);
  }

  /** A table for `count` entries in the place of this one, which is empty. */
  replaced(count: number): KeyTable {
    this.abandon();
    this.#store.dict.destroy(this.dict);
    return new KeyTable(this.#store, count);
  }

  /** Entries, those included whose time has come. */
  get count(): number {
    return this.#store.dict.count(this.dict);
  }

  /** Entries that expire. */
  get expiring(): number {
    return this.#wheel === null ? 0 : this.#wheel.count;
  }

  /** Bytes of both wheels, without their nodes. */
  get wheelBytes(): number {
    return (this.#wheel === null ? 0 : this.#wheel.bytes) + this.members.bytes;
  }

  /** Adds an entry that is in the wheel already if it expires. @param hash of its key */
  insert(entry: Ref, hash: number): void {
    this.#store.dict.insert(this.dict, entry, hash);
  }

  /** Takes an entry out. Block and value are the caller's to free. */
  remove(entry: Ref): void {
    if (this.#entries.expires(entry)) this.#wheel!.remove(this.#entries.node(entry));
    if (this.#entries.isTimed(entry)) this.members.leave(entry);
    this.#store.lookahead.forget();
    this.#store.dict.remove(this.dict, entry);
  }

  /** Frees the wheels, of whose nodes nothing is used any more. The dict, with all entries, is the caller's to free. */
  abandon(): void {
    this.#wheel?.destroy();
    this.#wheel = null;
    this.members.abandon();
  }

  // ---- time ----

  /** Unix time in ms of an entry that expires; rounded if it is above 2^53. */
  dueMs(entry: Ref): number {
    return this.#wheel!.dueMs(this.#entries.node(entry));
  }

  /** Low word of the time of an entry that expires. */
  dueLow(entry: Ref): number {
    return this.#wheel!.dueLow(this.#entries.node(entry));
  }

  /** High word of the time of an entry that expires. */
  dueHigh(entry: Ref): number {
    return this.#wheel!.dueHigh(this.#entries.node(entry));
  }

  /** Sets the time at which an entry expires, in two words: not negative, up to 2^63 - 1. */
  setDue(entry: Ref, low: number, high: number): Ref {
    const wheel = this.#ownWheel();
    if (this.#entries.expires(entry)) {
      const node = this.#entries.node(entry);
      wheel.remove(node);
      wheel.insertInt64(node, low, high);
      return entry;
    }
    const at = this.#reform(entry, true);
    wheel.insertInt64(this.#entries.node(at), low, high);
    return at;
  }

  /** Lets an entry that expires live for ever. */
  clearDue(entry: Ref): Ref {
    this.#wheel!.remove(this.#entries.node(entry));
    return this.#reform(entry, false);
  }

  /** Whether `popDue` stopped at its bound. */
  get exhausted(): boolean {
    return this.#wheel !== null && this.#wheel.exhausted;
  }

  /** Nodes that the last `popDue` moved within the wheel, which costs about as much as handing one out. */
  get moved(): number {
    return this.#wheel === null ? 0 : this.#wheel.moved;
  }

  /** Takes out and returns an entry whose time has come, or NULL_REF; see `Wheel.pop`. */
  popDue(moves: number, guard: EntryGuard | null): Ref {
    this.awaited = NULL_REF;
    const node = this.#wheel!.pop(this.#store.clock.nowMs, moves);
    if (node === NULL_REF) return NULL_REF;
    const entry = this.#entries.ofNode(node);
    if (guard !== null && guard.takesLong(this, entry)) {
      this.#wheel!.insertInt64(node, this.#wheel!.dueLow(node), this.#wheel!.dueHigh(node));
      this.awaited = entry;
      return NULL_REF;
    }
    if (this.#entries.isTimed(entry)) this.members.leave(entry);
    this.#store.lookahead.forget();
    this.#store.dict.remove(this.dict, entry);
    return entry;
  }

  /** Appends up to `wanted` of the entries that expire next to `into`. */
  soonest(wanted: number, into: Ref[]): void {
    const from = into.length;
    this.#wheel?.soonest(wanted, into);
    for (let i = from; i < into.length; i++) into[i] = this.#entries.ofNode(into[i]!);
  }

  /** Appends `wanted` entries that expire to `into`, if there are any, roughly by chance; see `Wheel.sample`. */
  sampleExpiring(random32: () => number, wanted: number, into: Ref[]): void {
    const from = into.length;
    this.#wheel?.sample(random32, wanted, into);
    for (let i = from; i < into.length; i++) into[i] = this.#entries.ofNode(into[i]!);
  }

  #ownWheel(): Wheel {
    this.#wheel ??= new Wheel(this.#store.arena, this.#store.clock.nowMs);
    return this.#wheel;
  }

  /** Moves an entry's block, and the wrapper of its value, where that is worth it. Returns where the entry is then. */
  relocate(entry: Ref): Ref {
    const { arena, dict } = this.#store;
    const entries = this.#entries;
    const fresh = arena.relocate(entry);
    const isTimed = entries.isTimed(fresh);
    if (fresh !== entry) {
      this.#store.lookahead.forget();
      dict.moved(this.dict, entry, fresh);
      if (entries.expires(fresh)) this.#wheel!.relink(entries.node(fresh));
      if (isTimed) this.members.adopt(fresh);
    }
    if (isTimed) this.members.relocate(fresh);
    return fresh;
  }

  /** Moves the blocks of the dict itself, likewise. */
  compact(): void {
    this.dict = this.#store.dict.compact(this.dict);
  }

  // ---- forms ----

  /**
   * Gives a key an entry for a string, of the wanted form, whose payload or inline value the caller writes next: in place if
   * the block fits, else a new block.
   * @param entry the key's old entry, whose value holds nothing outside it any more, or NULL_REF
   * @param hash of the key, if there is no old entry
   */
  shape(
    entry: Ref,
    hash: number,
    key: Buffer,
    keyStart: number,
    keyEnd: number,
    encoding: number,
    valueLength: number,
    keepExpiry: boolean,
  ): Ref {
    const store = this.#store;
    const entries = this.#entries;
    const { arena } = store;
    const isNew = entry === NULL_REF;
    const expires = !isNew && entries.expires(entry);
    const willExpire = expires && keepExpiry;
    if (expires && !willExpire) this.#wheel!.remove(entries.node(entry));
    const access = isNew ? store.access : entries.access(entry);
    const size = Entries.size(keyEnd - keyStart, encoding, valueLength, willExpire);
    // In place, the wheel node of an entry that goes on expiring lies where it lay.
    const fits = !isNew && Arena.blockSize(size) === arena.sizeOf(entry);
    const at = fits ? entry : arena.allocate(size);
    const type = TYPE_STRING;
    entries.write(at, type, encoding, willExpire, access, key, keyStart, keyEnd, valueLength);
    if (isNew) store.dict.insert(this.dict, at, hash);
    if (isNew || fits) return at;
    store.lookahead.forget();
    store.dict.replace(this.dict, entry, at);
    if (willExpire) this.#wheel!.replace(entries.node(entry), entries.node(at));
    arena.free(entry);
    return at;
  }

  /**
   * Makes an entry with the value and the expiry time of `entry`, of the table `from` (this one too), under another key: in
   * this table's wheel, but not to be found before `insert`. Both name the same block; members that expire are still those of
   * the old entry.
   */
  clone(entry: Ref, from: KeyTable, access: number, key: Buffer, start: number, end: number): Ref {
    const entries = this.#entries;
    const encoding = entries.encoding(entry);
    const expires = entries.expires(entry);
    const inline = encoding === ENCODING_EMBSTR || encoding === ENCODING_RAW;
    const length = inline ? entries.valueLength(entry) : 0;
    const at = this.#store.arena.allocate(Entries.size(end - start, encoding, length, expires));
    entries.write(at, entries.type(entry), encoding, expires, access, key, start, end, length);
    entries.copyPayload(entry, at, encoding);
    if (expires) {
      const node = entries.node(at);
      this.#ownWheel().insertInt64(node, from.dueLow(entry), from.dueHigh(entry));
    }
    return at;
  }

  /** Moves an entry, which is in no wheel, to a block with or without a wheel node. */
  #reform(entry: Ref, expires: boolean): Ref {
    const store = this.#store;
    const entries = this.#entries;
    const encoding = entries.encoding(entry);
    const inline = encoding === ENCODING_EMBSTR || encoding === ENCODING_RAW;
    const valueLength = inline ? entries.valueLength(entry) : 0;
    const keyLength = entries.keyLength(entry);
    const fresh = store.arena.allocate(Entries.size(keyLength, encoding, valueLength, expires));
    const keyStart = entries.keyStart(entry);
    entries.write(
      fresh,
      entries.type(entry),
      encoding,
      expires,
      entries.access(entry),
      store.arena.bytes[entry >>> SEGMENT_SHIFT]!,
      keyStart,
      keyStart + keyLength,
      valueLength,
    );
    entries.copyPayload(entry, fresh, encoding);
    store.lookahead.forget();
    store.dict.replace(this.dict, entry, fresh);
    if (encoding === ENCODING_TIMED) this.members.adopt(fresh);
    store.arena.free(entry);
    return fresh;
  }
}
