/** What can be told of a key without looking at its value: the name of its encoding, and the memory that it takes. */
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import {
  ENCODING_LISTPACK,
  ENCODING_NAMES,
  PACKED_TIMED_HASH_NAME,
  TYPE_HASH,
} from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import type { Database } from "./database.ts";
import type { Store } from "./store.ts";

const value = new Value();

/** What OBJECT ENCODING calls the encoding of an entry's value. */
export function encodingName(store: Store, entry: Ref): string {
  const { entries } = store;
  const encoding = store.encodingOf(entry);
  const isPackedHash = encoding === ENCODING_LISTPACK && entries.type(entry) === TYPE_HASH;
  return isPackedHash && entries.isTimed(entry)
    ? PACKED_TIMED_HASH_NAME
    : ENCODING_NAMES[encoding]!;
}

/** Bytes of the arena that a key takes: its entry, what the value holds outside it, its share of the dict's table. */
export function memoryUsage(store: Store, database: Database, entry: Ref, samples: number): number {
  const { arena, dict, entries, kit } = store;
  const block = entries.block(entry);
  const collection = store.collections[entries.type(entry)];
  let bytes = block === NULL_REF ? 0 : arena.sizeOf(block);
  if (collection !== undefined) {
    database.load(entry, value);
    bytes = collection.memory(value, samples);
    if (value.timed !== NULL_REF) bytes += kit.memberTimes.memory(value.timed, samples);
  }
  const share = Math.ceil((4 * dict.buckets(database.dict)) / database.size);
  return arena.sizeOf(entry) + bytes + share;
}
