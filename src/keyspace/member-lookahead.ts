/**
 * Members that are about to be looked up in big collections. After the entries of a pipeline's keys have been fetched
 * (lookahead.ts), the members that its commands name may lie anywhere in a large dict: they are fetched together here.
 *
 * In a run of commands on one key, which is how a pipeline fills a collection, only the first looks for the key.
 */
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { ENCODING_HASHTABLE, ENCODING_SKIPLIST } from "../types/kinds.ts";
import { LOOKAHEAD_MAX } from "./lookahead.ts";
import type { Store } from "./store.ts";

/** Longer members are hashed when they are needed. */
const MEMBER_SIZE_MAX = 64;

export class MemberLookahead {
  readonly #store: Store;
  readonly #hashes: Int32Array = new Int32Array(LOOKAHEAD_MAX);
  /** Members announced of `#dict`. */
  #count = 0;
  #dict: Ref = NULL_REF;
  /** Hash of the key that is known to hold `#dict`, or nothing of interest. */
  #keyHash = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Begins with the commands of a pipeline. */
  begin(): void {
    this.#dict = NULL_REF;
    this.#keyHash = 0;
    this.#count = 0;
    this.#store.kit.forget();
  }

  /**
   * Announces the member bytes[start, end) of what a key holds.
   * @param keys the dict of the keys @param keyHash of the key
   */
  add(keys: Ref, keyHash: number, bytes: Buffer, start: number, end: number): void {
    if (keyHash !== this.#keyHash || this.#keyHash === 0) this.#open(keys, keyHash);
    if (this.#dict === NULL_REF) return;
    if (end - start > MEMBER_SIZE_MAX) return;
    this.#hashes[this.#count++] = this.#store.kit.hashAhead(bytes, start, end);
  }

  /** Ends with the commands of a pipeline: their bytes may change. */
  end(): void {
    this.#store.kit.forget();
  }

  /** Has the processor fetch what was announced. */
  fetch(): void {
    if (this.#count > 1) this.#store.kit.dict.prefetch(this.#dict, this.#hashes, this.#count);
    this.#count = 0;
  }

  /** Goes over to another key. */
  #open(keys: Ref, keyHash: number): void {
    this.fetch();
    const { dict, entries, sortedSets } = this.#store;
    this.#keyHash = keyHash;
    this.#dict = NULL_REF;
    const entry = dict.first(keys, keyHash);
    if (entry === NULL_REF) return;
    const encoding = entries.encoding(entry);
    if (encoding === ENCODING_HASHTABLE) this.#dict = entries.block(entry);
    else if (encoding === ENCODING_SKIPLIST) this.#dict = sortedSets.dictOf(entries.block(entry));
  }
}
