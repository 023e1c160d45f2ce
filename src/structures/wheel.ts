/**
 * A hierarchical timing wheel: finds what is due, in order of time, at constant cost a node (Varghese and Lauck 1987).
 *
 *   node (16 bytes, inside the owner's entry)   0 next  Ref     4 prev  Ref     8 due  low u32, high u31
 *
 * Time is counted in ticks of 16 ms. Level 0 has a slot for each of the 64 ticks of the current group, level 1 one for
 * each of the 64 groups of 64 ticks around it, and so on: seven levels of 64 slots reach to 2^46 ms, the year 4199, and
 * what is due later waits in the last slot until then. A node lies at the level of the highest 6-bit group in which its
 * tick differs from the current tick, in the slot that this group of its own tick names. When the current tick enters a
 * slot of level 1 or above, the slot's nodes move to lower levels, one at a time, and so a node moves at most six times
 * in its life.
 *
 * A slot is a ring of nodes with a sentinel node of its own, so a node leaves its slot without knowing which it is. All
 * work is bounded by the caller: `pop` moves at most as many nodes as it is told and goes on from there at the next call.
 */
import type { Arena, Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_MASK, SEGMENT_SHIFT } from "../memory/arena.ts";

/** Bytes of a node; it starts at a unit of the arena. */
export const WHEEL_NODE_SIZE = 16;

const TICK_SHIFT_MS = 16;
const SLOT_BITS = 6;
const SLOTS = 64;
const LEVELS = 7;
/** Nodes of a slot that a sample skips at most; a power of two. */
const SAMPLE_STEPS = 16;
/** Ticks that the levels can tell apart: 2^42. Later times wait in the last slot of the highest level. */
const TICK_MAX: number = 2 ** (SLOT_BITS * LEVELS) - 1;

// Words of a node.
const NEXT = 0;
const PREV = 1;
const DUE_LOW = 2;
const DUE_HIGH = 3;

export class Wheel {
  readonly #arena: Arena;
  /** Sentinel nodes: LEVELS * SLOTS of them in a row. Slot s of level l is `#slots + l * SLOTS + s`. */
  readonly #slots: Ref;
  #tick: number;
  /** The slot whose nodes are being handed down or out, or -1. */
  #draining = -1;
  #drainingLevel = 0;
  /** Nodes in the wheel. */
  count = 0;

  /** @param nowMs time in milliseconds at which the wheel starts */
  constructor(arena: Arena, nowMs: number) {
    this.#arena = arena;
    this.#tick = tickOf(nowMs);
    this.#slots = arena.allocate(LEVELS * SLOTS * WHEEL_NODE_SIZE);
    for (let slot = 0; slot < LEVELS * SLOTS; slot++) this.#clear((this.#slots + slot) as Ref);
  }

  /** Bytes of the wheel's own block. */
  get bytes(): number {
    return this.#arena.sizeOf(this.#slots);
  }

  /** Frees the wheel's own block; the nodes belong to their entries. */
  destroy(): void {
    this.#arena.free(this.#slots);
  }

  /** Adds a node that is in no wheel. @param dueMs time in milliseconds, below 2^53 */
  insert(node: Ref, dueMs: number): void {
    this.insertInt64(node, dueMs | 0, Math.floor(dueMs / 4294967296));
  }

  /** Like `insert`, with the time in two words: not negative, up to 2^63 - 1. */
  insertInt64(node: Ref, low: number, high: number): void {
    this.#set(node, DUE_LOW, low);
    this.#set(node, DUE_HIGH, high);
    this.#place(node, this.dueMs(node));
    this.count++;
  }

  /** Takes a node out. */
  remove(node: Ref): void {
    this.#unlink(node);
    this.count--;
  }

  /** Takes `node` out and puts `fresh` (another place in memory) in at the same time. */
  replace(node: Ref, fresh: Ref): void {
    this.#unlink(node);
    this.#set(fresh, DUE_LOW, this.dueLow(node));
    this.#set(fresh, DUE_HIGH, this.dueHigh(node));
    this.#place(fresh, this.dueMs(fresh));
  }

  /** A node of the wheel has moved here, its words with it: its neighbours name it from now on. */
  relink(node: Ref): void {
    this.#set(this.#nextOf(node), PREV, node);
    this.#set(this.#prevOf(node), NEXT, node);
  }

  /** The time that the node was inserted with; rounded if it is above 2^53. */
  dueMs(node: Ref): number {
    const words = this.#arena.words[node >>> SEGMENT_SHIFT]!;
    const base = (node & SEGMENT_MASK) << 2;
    return words[base + DUE_HIGH]! * 4294967296 + (words[base + DUE_LOW]! >>> 0);
  }

  /** Low word of the node's time. */
  dueLow(node: Ref): number {
    return this.#arena.words[node >>> SEGMENT_SHIFT]![((node & SEGMENT_MASK) << 2) + DUE_LOW]!;
  }

  /** High word of the node's time. */
  dueHigh(node: Ref): number {
    return this.#arena.words[node >>> SEGMENT_SHIFT]![((node & SEGMENT_MASK) << 2) + DUE_HIGH]!;
  }

  /**
   * Takes out and returns a node whose time is past, or 0 when there is none or `moves` nodes were moved down without
   * finding one; `exhausted` tells the two apart. A node is handed out at the end of its tick: up to 16 ms late,
   * never early.
   */
  pop(nowMs: number, moves: number): Ref {
    const nowTick = tickOf(nowMs - (TICK_SHIFT_MS - 1));
    this.exhausted = false;
    this.moved = 0;
    for (;;) {
      if (this.#draining === -1) {
        if (!this.#advance(nowTick)) return NULL_REF;
      } else if (this.#drainingLevel === 0 && this.#tick > nowTick) {
        // The clock was set back while this slot was being handed out.
        return NULL_REF;
      }
      const sentinel = (this.#slots + this.#draining) as Ref;
      const node = this.#nextOf(sentinel);
      if (node === sentinel) {
        this.#draining = -1;
        continue;
      }
      if (this.#drainingLevel === 0) {
        this.remove(node);
        return node;
      }
      if (this.moved >= moves) {
        this.exhausted = true;
        return NULL_REF;
      }
      this.moved++;
      this.#unlink(node);
      this.#place(node, this.dueMs(node));
    }
  }

  /** Whether the last `pop` stopped at its bound with work left. */
  exhausted = false;
  /** Nodes that the last `pop` moved to lower levels. */
  moved = 0;

  /**
   * Appends up to `wanted` of the nodes that are due next to `into`: of the first slot that holds any, those first that came to
   * it first.
   */
  soonest(wanted: number, into: Ref[]): void {
    const slot = this.#nextEvent();
    if (this.#draining !== -1) this.#first(this.#draining, wanted, into);
    if (slot !== -1 && slot !== this.#draining) this.#first(slot, wanted, into);
  }

  #first(slot: number, wanted: number, into: Ref[]): void {
    const sentinel = (this.#slots + slot) as Ref;
    let node = this.#nextOf(sentinel);
    for (let i = 0; i < wanted && node !== sentinel; i++) {
      into.push(node);
      node = this.#nextOf(node);
    }
  }

  /**
   * Appends `wanted` nodes to `into`, if there are any, roughly by chance: each stands some steps further on in a slot that is
   * chosen by random bits, and so nodes of slots that hold few come more often than others. Looks at all slots once.
   * @param random32 yields a fresh random 32-bit integer with every call
   */
  sample(random32: () => number, wanted: number, into: Ref[]): void {
    const sentinels = this.#sampled;
    let count = 0;
    for (let slot = 0; slot < LEVELS * SLOTS; slot++) {
      const sentinel = (this.#slots + slot) as Ref;
      if (this.#nextOf(sentinel) !== sentinel) sentinels[count++] = sentinel;
    }
    if (count === 0) return;
    for (let i = 0; i < wanted; i++) {
      const random = random32();
      const sentinel = sentinels[(random >>> 8) % count] as Ref;
      this.#turn(sentinel, 1 + (random & (SAMPLE_STEPS - 1)));
      into.push(this.#nextOf(sentinel));
    }
  }

  /** Has a slot that is not empty begin with another node of it: `steps` further on, round and round. */
  #turn(sentinel: Ref, steps: number): void {
    const first = this.#nextOf(sentinel);
    let node = first;
    for (let i = 0; i < steps; i++) {
      node = this.#nextOf(node);
      if (node === sentinel) node = first;
    }
    if (node === first) return;
    this.#unlink(sentinel);
    this.#linkBefore(node, sentinel);
  }

  /** A lower bound for the time in milliseconds of the earliest node; Infinity when there is none. */
  nextMs(): number {
    if (this.#draining !== -1) return this.#tick * TICK_SHIFT_MS;
    const next = this.#nextEvent();
    return next === -1 ? Infinity : this.#eventTick * TICK_SHIFT_MS;
  }

  // ---- inside ----

  /** Sentinels of the slots that a sample is drawn from. */
  readonly #sampled = new Int32Array(LEVELS * SLOTS);
  /** Tick of the event that `#nextEvent` found. */
  #eventTick = 0;

  /** Moves the current tick on to the next slot that holds nodes; false when there is none up to `nowTick`. */
  #advance(nowTick: number): boolean {
    const slot = this.#nextEvent();
    if (slot === -1 || this.#eventTick > nowTick) {
      // Passing empty slots only keeps every node at its level.
      if (nowTick > this.#tick) this.#tick = nowTick;
      return false;
    }
    this.#tick = this.#eventTick;
    this.#draining = slot;
    this.#drainingLevel = Math.floor(slot / SLOTS);
    return true;
  }

  /**
   * The slot at or after the current tick that comes first in time, or -1. At level 0 the current tick's own slot counts:
   * nodes that were due when they were inserted lie there. At higher levels the current slot was handed down already.
   */
  #nextEvent(): number {
    let unit = 1;
    for (let level = 0; level < LEVELS; level++, unit *= SLOTS) {
      const here = Math.floor(this.#tick / unit) % SLOTS;
      for (let slot = level === 0 ? here : here + 1; slot < SLOTS; slot++) {
        const sentinel = (this.#slots + level * SLOTS + slot) as Ref;
        if (this.#nextOf(sentinel) === sentinel) continue;
        const group = Math.floor(this.#tick / (unit * SLOTS));
        this.#eventTick = (group * SLOTS + slot) * unit;
        return level * SLOTS + slot;
      }
    }
    return -1;
  }

  #place(node: Ref, dueMs: number): void {
    const tick = Math.min(Math.max(tickOf(dueMs), this.#tick), TICK_MAX);
    let level = 0;
    let unit = 1;
    // The level of the highest group that differs: go up until the groups above are the same.
    while (Math.floor(tick / (unit * SLOTS)) !== Math.floor(this.#tick / (unit * SLOTS))) {
      unit *= SLOTS;
      level++;
    }
    const slot = Math.floor(tick / unit) % SLOTS;
    this.#linkBefore((this.#slots + level * SLOTS + slot) as Ref, node);
  }

  #linkBefore(sentinel: Ref, node: Ref): void {
    const last = this.#prevOf(sentinel);
    this.#set(node, NEXT, sentinel);
    this.#set(node, PREV, last);
    this.#set(last, NEXT, node);
    this.#set(sentinel, PREV, node);
  }

  #unlink(node: Ref): void {
    const next = this.#nextOf(node);
    const prev = this.#prevOf(node);
    this.#set(prev, NEXT, next);
    this.#set(next, PREV, prev);
  }

  #clear(sentinel: Ref): void {
    this.#set(sentinel, NEXT, sentinel);
    this.#set(sentinel, PREV, sentinel);
  }

  #set(node: Ref, field: number, value: number): void {
    this.#arena.words[node >>> SEGMENT_SHIFT]![((node & SEGMENT_MASK) << 2) + field] = value;
  }

  #nextOf(node: Ref): Ref {
    return this.#arena.words[node >>> SEGMENT_SHIFT]![((node & SEGMENT_MASK) << 2) + NEXT]! as Ref;
  }

  #prevOf(node: Ref): Ref {
    return this.#arena.words[node >>> SEGMENT_SHIFT]![((node & SEGMENT_MASK) << 2) + PREV]! as Ref;
  }
}

function tickOf(ms: number): number {
  return Math.max(0, Math.floor(ms / TICK_SHIFT_MS));
}
