/**
 * Keys that are about to be looked up. A pipeline brings many commands at once; whoever cuts them out of the stream says
 * here which keys come next, so that their entries are fetched from memory together (`Database.prefetch`) and not one
 * after the other: with more keys than the processor's caches hold, waiting for memory is a quarter of a GET.
 *
 * A slot holds what a lookup needs to know of its key: the hash, and the words that it was computed from. The last but one
 * is that of keys which nobody announced; the last that of a key which is kept: a script's commands are often all on one.
 *
 * Pipelines often fill or read one collection: of a run of commands on one key only the first is hashed and looked up, and
 * `found` tells the others, as long as nobody says that the entry has gone (`forget`).
 */
import { HASH_WORDS, hashBytes, type HashSeed } from "../base/hash.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";

/** Keys that can be announced at once. */
export const LOOKAHEAD_MAX = 64;
/** Longer keys are not hashed ahead: a command in front of them might close the connection. */
const KEY_SIZE_MAX = 1024;
const UNANNOUNCED = LOOKAHEAD_MAX;
const KEPT: number = LOOKAHEAD_MAX + 1;
const SLOTS: number = LOOKAHEAD_MAX + 2;
const NO_BYTES = Buffer.alloc(0);

export class Lookahead {
  /** Hash by slot. */
  readonly hashes: Int32Array = new Int32Array(SLOTS);
  /** HASH_WORDS words a slot. */
  readonly words: Int32Array = new Int32Array(SLOTS * HASH_WORDS);
  /** Keys announced. */
  count = 0;
  /** The key that the command under way is expected to look up first; `count` if none. */
  next = 0;
  /** The entry that was found for the key of a slot, in the table of keys `foundIn`; the slot is -1 if there is none. */
  found: Ref = NULL_REF;
  foundSlot = -1;
  foundIn: object | null = null;
  readonly #seed: HashSeed;
  readonly #starts: Int32Array = new Int32Array(LOOKAHEAD_MAX);
  readonly #ends: Int32Array = new Int32Array(LOOKAHEAD_MAX);
  /** First slot of the run of equal keys that a slot is in. */
  readonly #runs: Int32Array = new Int32Array(LOOKAHEAD_MAX);
  #bytes: Buffer = NO_BYTES;
  // The key that is kept.
  #keptBytes: Buffer | null = null;
  #keptStart = 0;
  #keptEnd = 0;

  constructor(seed: HashSeed) {
    this.#seed = seed;
  }

  /**
   * Announces one more key. Those that lie in the same buffer as the last one, which is not changed before `clear`, are found again.
   * @returns whether it is another key than that of the slot before
   */
  add(bytes: Buffer, start: number, end: number): boolean {
    const slot = this.count++;
    const isSameBuffer = bytes === this.#bytes;
    this.#bytes = bytes;
    this.#starts[slot] = start;
    if (end - start > KEY_SIZE_MAX) {
      this.#ends[slot] = -1;
      this.hashes[slot] = 0;
      return true;
    }
    this.#ends[slot] = end;
    if (isSameBuffer && slot > 0 && this.#isRepeated(slot)) {
      this.#runs[slot] = this.#runs[slot - 1]!;
      this.hashes[slot] = this.hashes[slot - 1]!;
      return false;
    }
    this.#runs[slot] = slot;
    this.hashes[slot] = hashBytes(bytes, start, end, this.#seed, this.words, slot * HASH_WORDS);
    return true;
  }

  /** Whether the key is that of the slot before. The last bytes first: most keys differ in them. */
  #isRepeated(slot: number): boolean {
    const bytes = this.#bytes;
    const start = this.#starts[slot]!;
    let at = this.#ends[slot]!;
    let before = this.#ends[slot - 1]!;
    // What is no announced key ends at -1, so that no length is the same.
    if (before - this.#starts[slot - 1]! !== at - start) return false;
    while (at > start) if (bytes[--at] !== bytes[--before]) return false;
    return true;
  }

  /** Announces that the next command has no key. */
  skip(): void {
    const slot = this.count++;
    this.#ends[slot] = -1;
    this.hashes[slot] = 0;
  }

  /** Forgets all keys. */
  clear(): void {
    this.count = 0;
    this.next = 0;
    this.#bytes = NO_BYTES;
    this.foundIn = null;
    this.forget();
  }

  /** Hashes a key that stays where it is until another is kept, or `letGo`: whoever looks it up there finds its hash. */
  keep(bytes: Buffer, start: number, end: number): void {
    this.#keptBytes = bytes;
    this.#keptStart = start;
    this.#keptEnd = end;
    this.hashes[KEPT] = hashBytes(bytes, start, end, this.#seed, this.words, KEPT * HASH_WORDS);
    this.forget();
  }

  /** No key is kept any more. */
  letGo(): void {
    this.#keptBytes = null;
    this.forget();
  }

  /** Notes the entry of a slot's key in a table of keys. */
  remember(slot: number, entry: Ref, table: object): void {
    // Of keys that nobody announced the next may be another.
    if (slot === UNANNOUNCED) return;
    this.found = entry;
    this.foundSlot = slot;
    this.foundIn = table;
  }

  /** An entry is deleted or moves: what was noted may not be true any more. */
  forget(): void {
    this.foundSlot = -1;
  }

  /** The slot of the key: that of its run if it is the expected one, that of the kept one, or after hashing it that of all others. */
  slotOf(bytes: Buffer, start: number, end: number): number {
    const { next } = this;
    if (
      next < this.count &&
      this.#starts[next] === start &&
      this.#ends[next] === end &&
      this.#bytes === bytes
    ) {
      return this.#runs[next]!;
    }
    if (bytes === this.#keptBytes && start === this.#keptStart && end === this.#keptEnd) {
      return KEPT;
    }
    this.hash(bytes, start, end);
    return UNANNOUNCED;
  }

  /** Hashes a key that nobody announced. */
  hash(bytes: Buffer, start: number, end: number): number {
    const at = UNANNOUNCED * HASH_WORDS;
    const hash = hashBytes(bytes, start, end, this.#seed, this.words, at);
    this.hashes[UNANNOUNCED] = hash;
    return hash;
  }
}
