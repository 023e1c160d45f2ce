/**
 * Keys that are about to be looked up. A pipeline brings many commands at once; whoever cuts them out of the stream says
 * here which keys come next, so that their entries are fetched from memory together (`Database.prefetch`) and not one
 * after the other: with more keys than the processor's caches hold, waiting for memory is a quarter of a GET.
 *
 * A slot holds what a lookup needs to know of its key: the hash, and the words that it was computed from. The last slot
 * is that of keys which nobody announced.
 */
import { HASH_WORDS, hashBytes, type HashSeed } from "../base/hash.ts";

/** Keys that can be announced at once. */
export const LOOKAHEAD_MAX = 64;
/** Longer keys are not hashed ahead: a command in front of them might close the connection. */
const KEY_SIZE_MAX = 1024;
const UNANNOUNCED = LOOKAHEAD_MAX;
const NO_BYTES = Buffer.alloc(0);

export class Lookahead {
  /** Hash by slot. */
  readonly hashes: Int32Array = new Int32Array(LOOKAHEAD_MAX + 1);
  /** HASH_WORDS words a slot. */
  readonly words: Int32Array = new Int32Array((LOOKAHEAD_MAX + 1) * HASH_WORDS);
  /** Keys announced. */
  count = 0;
  /** The key that the command under way is expected to look up first; `count` if none. */
  next = 0;
  readonly #seed: HashSeed;
  readonly #starts: Int32Array = new Int32Array(LOOKAHEAD_MAX);
  readonly #ends: Int32Array = new Int32Array(LOOKAHEAD_MAX);
  #bytes: Buffer = NO_BYTES;

  constructor(seed: HashSeed) {
    this.#seed = seed;
  }

  /** Announces one more key. All of them must lie in the same buffer, which is not changed before `clear`. */
  add(bytes: Buffer, start: number, end: number): void {
    const slot = this.count++;
    this.#bytes = bytes;
    this.#starts[slot] = start;
    if (end - start > KEY_SIZE_MAX) {
      this.#ends[slot] = -1;
      this.hashes[slot] = 0;
      return;
    }
    this.#ends[slot] = end;
    this.hashes[slot] = hashBytes(bytes, start, end, this.#seed, this.words, slot * HASH_WORDS);
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
  }

  /** The slot of the key: its own if it is the expected one, else the last, after hashing it. */
  slotOf(bytes: Buffer, start: number, end: number): number {
    const { next } = this;
    if (
      next < this.count &&
      this.#starts[next] === start &&
      this.#ends[next] === end &&
      this.#bytes === bytes
    ) {
      return next;
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
