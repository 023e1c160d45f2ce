/**
 * Objects by names that clients choose: channels, keys that somebody watches or waits for.
 *
 * JavaScript's own Map hashes a string without a secret, and of 16 bytes eight decide: of names that were chosen to have one hash,
 * 8000 take 84 us each, others 0.3. So the keys of the Map in here are numbers, made from the names with the server's secret; no
 * string is made of a name. Of two names with the same number, one in four billion, the later one stands in a list.
 */
import { equalBytes } from "./bytes.ts";
import type { HashSeed } from "./hash.ts";
import { HASH_WORDS, hashBytes } from "./hash.ts";

/** What can stand in such a table. The name does not change. */
export interface Named {
  readonly name: Buffer;
}

const words = new Int32Array(HASH_WORDS);

export class NameMap<Item extends Named> {
  readonly #seed: HashSeed;
  readonly #items: Map<number, Item> = new Map();
  /** Items whose number another one had already when they came. */
  readonly #others: Item[] = [];

  constructor(seed: HashSeed) {
    this.#seed = seed;
  }

  get size(): number {
    return this.#items.size + this.#others.length;
  }

  /** All items, mostly in the order in which they came. */
  values(): IterableIterator<Item> {
    if (this.#others.length === 0) return this.#items.values();
    return [...this.#items.values(), ...this.#others].values();
  }

  /** The item with the name bytes[start, end). */
  get(bytes: Buffer, start: number, end: number): Item | undefined {
    if (this.#items.size + this.#others.length === 0) return undefined;
    const item = this.#items.get(hashBytes(bytes, start, end, this.#seed, words));
    if (item !== undefined && isNamed(item, bytes, start, end)) return item;
    return this.#others.length === 0
      ? undefined
      : this.#others.find((other) => isNamed(other, bytes, start, end));
  }

  /** Adds an item. None of its name is there. */
  add(item: Item): void {
    const hash = this.#hashOf(item);
    if (this.#items.has(hash)) this.#others.push(item);
    else this.#items.set(hash, item);
  }

  /** Takes an item away, if it is there. */
  delete(item: Item): void {
    const hash = this.#hashOf(item);
    if (this.#items.get(hash) === item) {
      this.#items.delete(hash);
      return;
    }
    const at = this.#others.indexOf(item);
    if (at >= 0) this.#others.splice(at, 1);
  }

  clear(): void {
    this.#items.clear();
    this.#others.length = 0;
  }

  #hashOf({ name }: Item): number {
    return hashBytes(name, 0, name.length, this.#seed, words);
  }
}

function isNamed({ name }: Named, bytes: Buffer, start: number, end: number): boolean {
  return name.length === end - start && equalBytes(name, 0, bytes, start, name.length);
}
