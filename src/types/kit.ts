/** What the types are made with: the memory and the structures of one server, its generator, clock and encoding limits. */
import type { Clock } from "../base/clock.ts";
import { HASH_WORDS, hashBytes, type HashSeed } from "../base/hash.ts";
import type { Random } from "../base/random.ts";
import type { Arena } from "../memory/arena.ts";
import type { Blobs } from "../memory/blobs.ts";
import { Dict } from "../structures/dict.ts";
import { Listpack } from "../structures/listpack.ts";
import { EncodingLimits } from "./encoding-limits.ts";
import { MemberTimes } from "./member-times.ts";

/** Members that can be hashed ahead. */
const AHEAD_MAX = 64;

export class Kit {
  readonly arena: Arena;
  readonly blobs: Blobs;
  /** Not the one of the keyspace, which remembers its table from one command to the next. */
  readonly dict: Dict;
  readonly listpack: Listpack;
  readonly random: Random;
  readonly clock: Clock;
  readonly limits: EncodingLimits = new EncodingLimits();
  /** Times at which members of hashes, sets and sorted sets expire. */
  readonly memberTimes: MemberTimes;
  /** Words of the member that was hashed last, for comparing it. */
  readonly words: Int32Array = new Int32Array(HASH_WORDS);
  readonly #seed: HashSeed;

  // Members that commands will ask for in this order, all of them in `#aheadBytes`: hashed, with their words.
  readonly #aheadHashes: Int32Array = new Int32Array(AHEAD_MAX);
  readonly #aheadStarts: Int32Array = new Int32Array(AHEAD_MAX);
  readonly #aheadEnds: Int32Array = new Int32Array(AHEAD_MAX);
  readonly #aheadWords: Int32Array = new Int32Array(AHEAD_MAX * HASH_WORDS);
  #aheadBytes: Buffer | null = null;
  #aheadCount = 0;
  #aheadNext = 0;

  constructor(parts: Pick<Kit, "arena" | "blobs" | "random" | "clock">, seed: HashSeed) {
    this.arena = parts.arena;
    this.blobs = parts.blobs;
    this.dict = new Dict(parts.arena);
    this.listpack = new Listpack(parts.arena);
    this.random = parts.random;
    this.clock = parts.clock;
    this.#seed = seed;
    this.memberTimes = new MemberTimes(this);
  }

  /**
   * Hashes a member that `hash` will be asked for, in the order of the members in `bytes`, which does not change before `forget`.
   * Members in another buffer than the first one's, and those beyond AHEAD_MAX, will be hashed again.
   */
  hashAhead(bytes: Buffer, start: number, end: number): number {
    const slot = this.#aheadCount;
    const isForeign = slot > 0 && bytes !== this.#aheadBytes;
    if (slot === AHEAD_MAX || isForeign) return this.hash(bytes, start, end);
    const words = this.#aheadWords;
    const hash = hashBytes(bytes, start, end, this.#seed, words, slot * HASH_WORDS);
    this.#aheadHashes[slot] = hash;
    this.#aheadStarts[slot] = start;
    this.#aheadEnds[slot] = end;
    this.#aheadBytes = bytes;
    this.#aheadCount = slot + 1;
    return hash;
  }

  /** Forgets what was hashed ahead. */
  forget(): void {
    this.#aheadBytes = null;
    this.#aheadCount = 0;
    this.#aheadNext = 0;
  }

  /** Hashes a member or field; leaves its words in `words`. */
  hash(bytes: Buffer, start: number, end: number): number {
    if (bytes === this.#aheadBytes) {
      // Members that no command has asked for are passed over.
      let next = this.#aheadNext;
      while (next < this.#aheadCount && this.#aheadStarts[next]! < start) next++;
      this.#aheadNext = next;
      if (
        next < this.#aheadCount &&
        this.#aheadStarts[next] === start &&
        this.#aheadEnds[next] === end
      ) {
        const from = next * HASH_WORDS;
        const count = Math.min(HASH_WORDS, (end - start) >>> 2);
        for (let i = 0; i < count; i++) this.words[i] = this.#aheadWords[from + i]!;
        return this.#aheadHashes[next]!;
      }
    }
    return hashBytes(bytes, start, end, this.#seed, this.words);
  }
}
