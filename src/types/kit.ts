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

  /** Hashes a member or field; leaves its words in `words`. */
  hash(bytes: Buffer, start: number, end: number): number {
    return hashBytes(bytes, start, end, this.#seed, this.words);
  }
}
