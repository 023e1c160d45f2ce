/**
 * What several sets have in common, have in all, or what the first of them has alone. The sets are handed over once, empty
 * ones left out as the operation demands, and then the result is either walked member by member or built as a set:
 *
 *   algebra.clear(); algebra.push(value) ...
 *   algebra.beginIntersection(); while (algebra.nextCommon()) use(algebra.member);
 *
 * Nothing is kept per member: what has to be remembered is a set in the arena, which the caller frees.
 */
import type { Slice } from "../base/slice.ts";
import type { Sets } from "./set.ts";
import type { SetWalk } from "./set-walk.ts";
import { ENCODING_HASHTABLE, ENCODING_INTSET } from "./kinds.ts";
import { Value } from "./value.ts";

/** Values for more sets than this are let go after the command. */
const POOL_MAX = 64;

export class SetAlgebra {
  readonly #sets: Sets;
  readonly #walk: SetWalk;
  readonly #pool: Value[] = [];
  readonly #sources: Value[] = [];
  /** All sets are dicts, and the walk keeps to what they have in common by itself. */
  #isKept = false;
  readonly #byLength = (a: Value, b: Value): number => this.#sets.length(a) - this.#sets.length(b);

  constructor(sets: Sets) {
    this.#sets = sets;
    this.#walk = sets.newWalk();
  }

  // ---- the sets ----

  /** Forgets the sets. */
  clear(): void {
    this.#sources.length = 0;
    if (this.#pool.length > POOL_MAX) this.#pool.length = POOL_MAX;
  }

  /** Adds a set as the last one. */
  push(value: Value): void {
    const index = this.#sources.length;
    const own = this.#pool[index] ?? new Value();
    this.#pool[index] = own;
    own.set(value.encoding, value.block);
    this.#sources.push(own);
  }

  get count(): number {
    return this.#sources.length;
  }

  /** The member at which a walk over the result stands. */
  get member(): Slice {
    return this.#walk.member;
  }

  /** The walk over the result, to hand its member on to another set. */
  get walk(): SetWalk {
    return this.#walk;
  }

  // ---- intersection: the smallest set is walked, its members looked for in the others ----

  /** Goes before the first member of the intersection of one or more sets. */
  beginIntersection(): void {
    const sources = this.#sources;
    sources.sort(this.#byLength);
    const first = sources[0]!;
    this.#walk.begin(first);
    this.#isKept = sources.every((source) => source.encoding === ENCODING_HASHTABLE);
    if (!this.#isKept) return;
    // A set may be given more than once.
    for (const { block } of sources) if (block !== first.block) this.#walk.keepTo(block);
  }

  /** Goes to the next member that all sets have; returns false behind the last. */
  nextCommon(): boolean {
    while (this.#walk.next()) if (this.#isKept || this.#isCommon()) return true;
    return false;
  }

  #isCommon(): boolean {
    const sources = this.#sources;
    const { block } = sources[0]!;
    for (let i = 1; i < sources.length; i++) {
      const source = sources[i]!;
      // A set may be given more than once.
      if (source.block !== block && !this.#sets.hasWalked(source, this.#walk)) return false;
    }
    return true;
  }

  // ---- union ----

  /**
   * Makes `result` a set to remember the union in: of integers if only intsets go into it, else a dict, in which members
   * are found soonest.
   */
  createUnion(result: Value): void {
    const integers = this.#sources.every((source) => source.encoding === ENCODING_INTSET);
    if (integers) this.#sets.createIntset(result);
    else this.#sets.createDict(result);
  }

  /** Makes `result` a set to store the union in. */
  createStoredUnion(result: Value): void {
    let least = 0;
    for (const source of this.#sources) least = Math.max(least, this.#sets.length(source));
    this.#sets.createFor(result, least);
  }

  /** Goes before the first member of a set. */
  beginSource(index: number): void {
    this.#walk.begin(this.#sources[index]!);
  }

  /** Goes to the next member of the set that is not in `result` yet, and adds it; returns false behind the last. */
  nextAdded(result: Value): boolean {
    while (this.#walk.next()) if (this.#sets.addWalked(result, this.#walk)) return true;
    return false;
  }

  // ---- difference ----

  /**
   * Whether it costs less to look for each member of the first set in the others, than to copy the first set and take
   * the members of the others out of it. Looking may end early, so it is taken to cost half as much.
   */
  get isLookupCheaper(): boolean {
    const first = this.#sets.length(this.#sources[0]!);
    let members = 0;
    for (const source of this.#sources) members += this.#sets.length(source);
    return (first * this.#sources.length) / 2 <= members;
  }

  /** Goes before the first member of the difference, for looking up. */
  beginDifference(): void {
    // Large sets first: a member that is in one of them is found out soonest.
    const first = this.#sources.shift()!;
    this.#sources.sort((a, b) => this.#byLength(b, a));
    this.#sources.unshift(first);
    this.#walk.begin(first);
  }

  /** Goes to the next member that only the first set has; returns false behind the last. */
  nextAlone(): boolean {
    while (this.#walk.next()) if (this.#isAlone()) return true;
    return false;
  }

  #isAlone(): boolean {
    const sources = this.#sources;
    const { block } = sources[0]!;
    for (let i = 1; i < sources.length; i++) {
      const source = sources[i]!;
      if (source.block === block || this.#sets.hasWalked(source, this.#walk)) return false;
    }
    return true;
  }

  /**
   * Makes `result` the members of the first set without those of the others.
   * @param stored the set is to be kept, as small as it can be
   */
  subtract(result: Value, stored: boolean): void {
    const sets = this.#sets;
    const first = this.#sources[0]!;
    if (stored) {
      sets.createFor(result, sets.length(first));
      this.beginSource(0);
      while (this.#walk.next()) sets.addNewWalked(result, this.#walk);
    } else {
      sets.duplicate(first, result);
    }
    for (let i = 1; i < this.#sources.length && sets.length(result) > 0; i++) {
      this.beginSource(i);
      while (this.#walk.next()) sets.removeWalked(result, this.#walk);
    }
  }

  /** Goes to the next member of the set that was begun; returns false behind the last. */
  next(): boolean {
    return this.#walk.next();
  }

  /** Goes before the first member of a set that this made. */
  beginResult(result: Value): void {
    this.#walk.begin(result);
  }
}
