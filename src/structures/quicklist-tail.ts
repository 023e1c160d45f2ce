/**
 * Adds many elements at the end of a quicklist: as many as the last node's block has room for are written one behind the other,
 * and counted once. What a node may hold is what `Quicklist.push` lets it hold, so a list does not show which of the two filled it.
 */
import type { Arena, Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";
import { putBytes } from "./listpack-entry.ts";
import type { Listpack } from "./listpack.ts";
import { baseOf } from "./listpack.ts";
import type { Quicklist } from "./quicklist.ts";
import {
  COUNT,
  ENTRY_OVERHEAD,
  ENTRY_OVERHEAD_MAX,
  GAP,
  HEAD,
  LENGTH,
  PACK,
  TAIL,
} from "./quicklist.ts";

export class QuicklistTail {
  readonly #arena: Arena;
  readonly #listpack: Listpack;
  readonly #quicklist: Quicklist;

  constructor(arena: Arena, listpack: Listpack, quicklist: Quicklist) {
    this.#arena = arena;
    this.#listpack = listpack;
    this.#quicklist = quicklist;
  }

  /**
   * Adds the elements of [from, to), up to the first that the last node's block has no room for.
   * @param source does not lie in the arena
   * @param places where in it each element begins and where it ends, side by side
   * @returns the index of that one, or `to`
   */
  append(list: Ref, source: Buffer, places: Int32Array, from: number, to: number): number {
    const words = this.#arena.words[list >>> SEGMENT_SHIFT]!;
    const at = (list & SEGMENT_MASK) << 2;
    const node = words[at + TAIL]! as Ref;
    if (node === NULL_REF) return from;
    const nodeWords = this.#arena.words[node >>> SEGMENT_SHIFT]!;
    const nodeAt = (node & SEGMENT_MASK) << 2;
    const pack = nodeWords[nodeAt + PACK]! as Ref;
    const count = nodeWords[nodeAt + COUNT]!;
    const gap = node === words[at + HEAD] ? words[at + GAP]! : 0;
    const { bytesMax, countMax } = this.#quicklist;
    const stop = Math.min(to, from + countMax - count);
    const bytes = this.#arena.bytes[pack >>> SEGMENT_SHIFT]!;
    const base = baseOf(pack);
    // Where the byte of the end would stand, if an element took nothing beside its bytes.
    const last =
      base +
      Math.min(bytesMax + gap - ENTRY_OVERHEAD, this.#arena.sizeOf(pack) - ENTRY_OVERHEAD_MAX) -
      1;
    let pos = base + this.#listpack.byteLength(pack) - 1;
    let index = from;
    for (; index < stop; index++) {
      const start = places[2 * index]!;
      const end = places[2 * index + 1]!;
      if (pos + end - start > last) break;
      pos = putBytes(bytes, pos, source, start, end);
    }
    const added = index - from;
    if (added <= 0) return from;
    this.#listpack.extend(pack, pos - base, added);
    words[at + LENGTH]! += added;
    nodeWords[nodeAt + COUNT] = count + added;
    return index;
  }
}
