/**
 * What the elements of a listpack from outside must be beyond being sound bytes (structures/listpack-check.ts), so that no
 * command meets a value that commands could not have made. Time is linear in the number of elements.
 */
import { compareBytes } from "../base/bytes.ts";
import { parseDouble } from "../base/doubles.ts";
import { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import type { Listpack } from "../structures/listpack.ts";
import type { Kit } from "../types/kit.ts";
import type { SortedSets } from "../types/sorted-set.ts";
import { SortedSetCursor } from "../types/sorted-set-cursor.ts";
import type { Value } from "../types/value.ts";

/** A score that was longer would not have been written by anybody. */
const SCORE_TEXT_MAX = 40;

const element = new Slice();
const before = new Slice();
const cursor = new SortedSetCursor();
/** Pairs of a hash and a position, found by the hash; 0 is no position. */
let seen = new Int32Array(64);

/** Whether no two of the elements that are `step` apart, the first one being one of them, are the same. */
export function isDistinct(kit: Kit, pack: Ref, step: 1 | 2): boolean {
  const { listpack } = kit;
  const count = listpack.count(pack) / step;
  let slots = 8;
  while (slots < count * 2) slots *= 2;
  if (seen.length < slots * 2) seen = new Int32Array(slots * 2);
  else seen.fill(0, 0, slots * 2);
  for (let at = listpack.first(pack); at !== 0; at = skip(listpack, pack, at, step)) {
    listpack.read(pack, at, element);
    const { bytes, start, end } = element;
    const hash = kit.hash(bytes, start, end);
    let slot = hash & (slots - 1);
    for (; seen[slot * 2 + 1] !== 0; slot = (slot + 1) & (slots - 1)) {
      if (seen[slot * 2] !== hash) continue;
      if (listpack.equals(pack, seen[slot * 2 + 1]!, bytes, start, end)) return false;
    }
    seen[slot * 2] = hash;
    seen[slot * 2 + 1] = at;
  }
  return true;
}

/** Whether the elements come in pairs, of which there is at least one. */
export function isPairs(listpack: Listpack, pack: Ref): boolean {
  const count = listpack.count(pack);
  return count > 0 && count % 2 === 0;
}

/** Whether every second element is a score. */
export function hasScores(listpack: Listpack, pack: Ref): boolean {
  for (let at = listpack.first(pack); at !== 0; at = skip(listpack, pack, at, 2)) {
    const score = listpack.next(pack, at);
    if (listpack.isInteger(pack, score)) continue;
    listpack.read(pack, score, element);
    const { bytes, start, end } = element;
    if (end - start > SCORE_TEXT_MAX || Number.isNaN(parseDouble(bytes, start, end))) return false;
    // Hexadecimal and "infinity" are numbers to C, and nobody writes them.
    if (!/^(-?inf|[-+.\d]+(e[-+]?\d+)?)$/.test(bytes.toString("latin1", start, end))) return false;
  }
  return true;
}

/** Whether the members of a listpack that `isPairs` and `hasScores` stand in their order, none of them twice. */
export function isOrdered(sortedSets: SortedSets, value: Value): boolean {
  let score = -Infinity;
  before.set(element.bytes, 0, 0);
  let first = true;
  for (sortedSets.seek(value, 0, cursor); cursor.valid; sortedSets.next(cursor)) {
    const next = sortedSets.scoreAt(cursor);
    sortedSets.readMember(cursor, element);
    const { bytes, start, end } = element;
    if (next < score) return false;
    if (next === score && !first) {
      if (compareBytes(before.bytes, before.start, before.end, bytes, start, end) >= 0) {
        return false;
      }
    }
    first = false;
    score = next;
    before.set(bytes, start, end);
  }
  return true;
}

function skip(listpack: Listpack, pack: Ref, at: number, step: 1 | 2): number {
  const next = listpack.next(pack, at);
  return step === 1 || next === 0 ? next : listpack.next(pack, next);
}
