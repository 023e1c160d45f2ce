/**
 * Which clients have read which keys, for client-side caching. The table lies in the arena as a hash would, outside the
 * JavaScript heap: its fields are names of keys, the same in all databases, and the value of each is a list of clients:
 *
 *   value   | number of a client, 8 bytes | of another one | ...
 */
import { copyBytes } from "../base/bytes.ts";
import { Slice } from "../base/slice.ts";
import { NULL_REF } from "../memory/arena.ts";
import { ENCODING_HASHTABLE } from "../types/kinds.ts";
import { Hashes } from "../types/hash.ts";
import { Value } from "../types/value.ts";
import type { Reclaimer } from "./reclaim.ts";
import type { Store } from "./store.ts";

const CLIENT_SIZE = 8;
const SCRATCH_FIRST = 1024;

const found = new Slice();

export class TrackedKeys {
  /** Pairs of a key and a client. */
  items = 0;
  readonly #store: Store;
  readonly #reclaimer: Reclaimer;
  /** Not the one of the commands, which remembers what it found last. */
  readonly #hashes: Hashes;
  /** Its block is NULL_REF while there are no keys. */
  readonly #table: Value = new Value();
  #scratch: Buffer = Buffer.allocUnsafeSlow(SCRATCH_FIRST);

  constructor(store: Store, reclaimer: Reclaimer) {
    this.#store = store;
    this.#reclaimer = reclaimer;
    this.#hashes = new Hashes(store.kit);
  }

  /** Keys. */
  get count(): number {
    return this.#table.block === NULL_REF ? 0 : this.#hashes.length(this.#table);
  }

  /** Notes that a client has read key[start, end). */
  add(client: number, key: Buffer, start: number, end: number): void {
    const table = this.#table;
    if (table.block === NULL_REF) table.set(ENCODING_HASHTABLE, this.#store.kit.dict.create());
    let size = 0;
    if (this.#hashes.get(table, key, start, end, found)) {
      const { bytes } = found;
      size = found.length;
      for (let at = found.start; at < found.end; at += CLIENT_SIZE) {
        if (bytes.readDoubleLE(at) === client) return;
      }
      if (size + CLIENT_SIZE > this.#scratch.length) {
        this.#scratch = Buffer.allocUnsafeSlow(2 * this.#scratch.length);
      }
      copyBytes(this.#scratch, 0, bytes, found.start, found.end);
    }
    this.#scratch.writeDoubleLE(client, size);
    this.#hashes.set(table, key, start, end, this.#scratch, 0, size + CLIENT_SIZE);
    this.items++;
  }

  /** Takes a key out of the table. @param clients gets those who have read it */
  take(key: Buffer, start: number, end: number, clients: number[]): void {
    const table = this.#table;
    clients.length = 0;
    if (table.block === NULL_REF || !this.#hashes.get(table, key, start, end, found)) return;
    for (let at = found.start; at < found.end; at += CLIENT_SIZE) {
      clients.push(found.bytes.readDoubleLE(at));
    }
    this.items -= clients.length;
    this.#hashes.remove(table, key, start, end);
    if (this.#hashes.length(table) === 0) this.clear();
  }

  /** A copy of the name of some key; there are keys. */
  some(): Buffer {
    let name: Buffer | null = null;
    this.#hashes.random(this.#table, (key) => (name = key.copy()));
    return name!;
  }

  /** Forgets all keys; the memory of many comes back in slices. */
  clear(): void {
    const table = this.#table;
    if (table.block === NULL_REF) return;
    this.#reclaimer.freeCollection(this.#store.hashes, table);
    table.set(ENCODING_HASHTABLE, NULL_REF);
    this.items = 0;
  }
}
