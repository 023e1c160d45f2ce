/**
 * Active defragmentation: moves blocks together when too much memory lies in free blocks between them.
 *
 * A cycle chooses the spans that are to leave (memory/evacuation.ts), walks over all keys and moves what lies in them
 * (compaction-walk.ts), and lets the spans stay that are not empty then. Cycles follow each other while there is enough to
 * gain. They go on in slices between turns, and take a share of the time that depends on the waste, as in Redis: from `lower` to
 * `upper` percent of the bytes in use it grows from `cycle-min` to `cycle-max` percent.
 *
 * That is so where `activedefrag` is on. Whatever it says, memory is held against `maxmemory`: from 1.1 times on blocks are moved.
 * Eviction alone can't keep to the limit, since it frees blocks, and their pages are free only when all of their blocks are. From
 * 1.15 times on slices don't suffice: who fills memory fast leaves little time between turns. Then each command that comes with
 * bytes *pays*: it does a part of the cycle first, so large that the cycle ends before a twentieth of the limit was written.
 */
import { nanoseconds } from "../base/clock.ts";
import { late } from "../base/late.ts";
import { PAGE_SIZE } from "../memory/arena.ts";
import type { Evacuation } from "../memory/evacuation.ts";
import type { CompactionWalk } from "./compaction-walk.ts";
import type { Database } from "./database.ts";
import type { Store } from "./store.ts";

/** A slice: what every request that comes meanwhile waits for; more where turns are long anyway. */
const SLICE_NS = 250_000;
const SLICE_MAX_NS = 1_000_000;
/** Blocks that are looked at between two looks at the time, where one that was moved counts twice: about 20 µs. */
const STRIDE = 100;
/** What the choice of spans counts as, and spans that are let stay in the place of that many blocks. */
const PLANNED = 500;
const STAYING = 100;
/** Held against `maxmemory`, memory is moved together from this share of it on, with all effort from the second. */
const LIMIT_LOWER = 1.1;
const LIMIT_UPPER = 1.15;
/** The share of it that free pages may hold below. */
const HELD_SHARE = 0.03;
/** The most effort then, in percent of the time. */
const LIMIT_EFFORT = 75;
/** The share of the limit that may be written while a cycle lasts, from `LIMIT_UPPER` on. */
const CYCLE_SHARE = 0.05;
/** The share of the limit that may be written before the effort is looked at again, were it between two beats. */
const LOOK_SHARE = 0.02;
/** What one command pays at most, however many bytes it has: about a millisecond. */
const PAID_MAX = 4000;
/** What free pages hold goes back to the system if it was not needed for so long. */
const IDLE_MS = 1000;
/** A cycle that gains less than this share of the waste is not worth another one, until the waste has grown as much... */
const GAIN_MIN = 0.05;
/** ... or so much time has passed. */
const REST_MS = 10_000;

// What no server needs before it has had a lot to delete.
const choosing = late<{ Evacuation: typeof Evacuation }>(() => require("../memory/evacuation.ts"));
const walking = late<{ CompactionWalk: typeof CompactionWalk }>(() =>
  require("./compaction-walk.ts"),
);

const PLANNING = 1;
const WALKING = 2;
const SETTLING = 3;

export class Defragmentation {
  /** The options of `activedefrag`, as CONFIG has them. */
  active = false;
  ignoreBytes = 100 << 20;
  thresholdLower = 10;
  thresholdUpper = 100;
  cycleMin = 1;
  cycleMax = 25;
  scanFields = 1000;
  /** `maxmemory`, or 0. */
  limit = 0;
  /** Percent of the time that it takes; 0 while nothing is done. */
  effort = 0;
  readonly #store: Store;
  readonly #databases: readonly Database[];
  #evacuation: Evacuation | null = null;
  #walk: CompactionWalk | null = null;
  /** What is done of a cycle, or 0. */
  #phase = 0;
  /** Memory is so far above the limit that commands pay. */
  #isUrgent = false;
  /** Bytes that were written since the effort was looked at. */
  #unseen = 0;
  /** What a byte of a command pays, and what was not paid yet, in blocks that are looked at. */
  #price = 0;
  #debt = 0;
  /** Time that is left to it until the next beat. */
  #leftNs = 0;
  /** When the last slice ended. */
  #pausedNs = 0;
  #nextIdleMs = 0;
  /** Monotonic time in ms at which the cycle began. */
  #startedMs = 0;
  /** Milliseconds of earlier cycles. */
  #pastMs = 0;
  /** Pages of the spans that the cycle has chosen. */
  #chosenPages = 0;
  /** The waste that the last cycle could do little about, or 0, and until when that counts. */
  #wasteLeft = 0;
  #restUntilMs = 0;

  constructor(store: Store, databases: readonly Database[]) {
    this.#store = store;
    this.#databases = databases;
  }

  /** Goes over all keys. */
  get walk(): CompactionWalk {
    return (this.#walk ??= new (walking().CompactionWalk)(this.#store, this.#databases));
  }

  /** Keys of which something was moved. */
  get keyHits(): number {
    return this.#walk?.keyHits ?? 0;
  }

  /** Keys that were looked at in vain. */
  get keyMisses(): number {
    return this.#walk?.keyMisses ?? 0;
  }

  /** Bytes of free blocks in pages that others keep. */
  get waste(): number {
    const { arena } = this.#store;
    return arena.pageBytes() - arena.usedBytes;
  }

  /** Milliseconds that cycles have taken from beginning to end: the one under way, and all. */
  get activeMs(): { readonly now: number; readonly all: number } {
    const { clock } = this.#store;
    const now = this.#phase === 0 ? 0 : clock.monotonicMs - this.#startedMs;
    return { now, all: this.#pastMs + now };
  }

  /** Sets back what INFO shows of it. */
  resetFigures(): void {
    const { arena, clock } = this.#store;
    arena.moves = 0;
    arena.stays = 0;
    if (this.#walk !== null) {
      this.#walk.keyHits = 0;
      this.#walk.keyMisses = 0;
    }
    this.#pastMs = 0;
    this.#startedMs = clock.monotonicMs;
  }

  /** To be called with each beat: decides what is done until the next one. @param periodNs from beat to beat */
  beat(periodNs: number): void {
    const { arena, clock } = this.#store;
    if (clock.monotonicMs >= this.#nextIdleMs) {
      this.#nextIdleMs = clock.monotonicMs + IDLE_MS;
      arena.releaseIdle();
    }
    this.#look();
    this.#leftNs = (periodNs * this.effort) / 100;
  }

  /** Finds what effort is to be made from now on, and begins a cycle if it is time to. */
  #look(): void {
    this.#unseen = 0;
    const effort = this.#effortNow();
    if (this.#phase === 0) {
      this.effort = 0;
      if (effort > 0 && this.#isWorthwhile()) this.begin();
    }
    // A cycle that was begun goes on to its end, if nobody has said otherwise, and not slower than it began.
    const isWanted = this.active || this.limit > 0;
    if (this.#phase !== 0) this.effort = Math.max(effort, isWanted ? this.effort : 0);
  }

  /** Begins a cycle. */
  begin(): void {
    const { clock } = this.#store;
    this.#startedMs = clock.monotonicMs;
    this.#evacuation ??= new (choosing().Evacuation)(this.#store.arena);
    this.#evacuation.begin();
    this.walk.largeFrom = this.scanFields;
    this.walk.begin();
    this.#phase = PLANNING;
    let keys = 0;
    for (const database of this.#databases) keys += database.size;
    this.#price = this.limit > 0 ? (2 * keys + PLANNED) / (this.limit * CYCLE_SHARE) : 0;
    this.#debt = 0;
  }

  /** Works for a slice, if that is left of the time until the next beat. Returns whether there is more to be done in it. */
  step(): boolean {
    if (this.#phase === 0 || this.#leftNs <= 0) return false;
    const startNs = nanoseconds();
    // The share of the time is kept where turns are longer than slices, too.
    const due = ((startNs - this.#pausedNs) * this.effort) / (101 - this.effort);
    const sliceNs = Math.min(Math.max(SLICE_NS, due), SLICE_MAX_NS, this.#leftNs);
    const more = this.run(startNs + sliceNs);
    this.#pausedNs = nanoseconds();
    this.#leftNs -= this.#pausedNs - startNs;
    return more && this.#leftNs > 0;
  }

  /** Works until the time, at least a bit. Returns whether the cycle is to go on. */
  run(untilNs: number): boolean {
    do this.#advance();
    while (this.#phase !== 0 && nanoseconds() < untilNs);
    return this.#phase !== 0;
  }

  /** To be called before a command runs where there is a limit. @param size bytes of the command's arguments */
  pay(size: number): void {
    this.#unseen += size;
    // A tenth of a second is long where the limit is small and clients are quick.
    if (this.#unseen > this.limit * LOOK_SHARE) this.#look();
    if (!this.#isUrgent || this.#phase === 0) return;
    this.#debt += Math.min(size * this.#price, PAID_MAX);
    while (this.#debt > 0 && this.#phase !== 0) this.#debt -= this.#advance();
  }

  /** Does a bit of the cycle. Returns what it comes to, in blocks that are looked at. */
  #advance(): number {
    const { arena } = this.#store;
    switch (this.#phase) {
      case PLANNING:
        if (this.#evacuation!.step()) return PLANNED;
        this.#chosenPages = arena.leavingPages;
        this.#phase = this.#chosenPages > 0 ? WALKING : SETTLING;
        return PLANNED;
      case WALKING:
        if (!this.walk.step(STRIDE) || arena.leavingPages === 0) this.#phase = SETTLING;
        return STRIDE;
      case SETTLING:
        this.#settle();
        return STRIDE;
      default:
        return 0;
    }
  }

  /** Lets some of the spans stay that could not be emptied; without any, the cycle has ended. */
  #settle(): void {
    const { arena, clock } = this.#store;
    this.#chosenPages -= arena.leavingPages;
    const more = arena.stay(STAYING);
    this.#chosenPages += arena.leavingPages;
    if (more) return;
    this.#pastMs = this.activeMs.all;
    this.#phase = 0;
    const gained = this.#chosenPages * PAGE_SIZE;
    const { waste } = this;
    if (gained < waste * GAIN_MIN) {
      this.#wasteLeft = waste;
      this.#restUntilMs = clock.monotonicMs + REST_MS;
    } else {
      this.#wasteLeft = 0;
      if (this.#isUrgent) return this.begin();
    }
    this.effort = 0;
  }

  #isWorthwhile(): boolean {
    if (this.waste > this.#wasteLeft * (1 + GAIN_MIN)) return true;
    return this.#store.clock.monotonicMs >= this.#restUntilMs;
  }

  /** The effort that the waste is worth now, in percent of the time. */
  #effortNow(): number {
    const { arena } = this.#store;
    const pages = arena.pageBytes();
    const waste = pages - arena.usedBytes;
    let effort = 0;
    const percent = (waste / Math.max(1, arena.usedBytes)) * 100;
    if (this.active && waste >= this.ignoreBytes && percent >= this.thresholdLower) {
      const { cycleMin, cycleMax } = this;
      effort = between(percent, this.thresholdLower, this.thresholdUpper, cycleMin, cycleMax);
    }
    this.#isUrgent = false;
    if (this.limit === 0) return effort;
    const share = (pages + arena.heldBytes) / this.limit;
    arena.releaseHeld(share > LIMIT_LOWER ? 0 : this.limit * HELD_SHARE);
    if (share <= LIMIT_LOWER || waste < this.limit * GAIN_MIN) return effort;
    this.#isUrgent = share > LIMIT_UPPER;
    return Math.max(effort, between(share, LIMIT_LOWER, LIMIT_UPPER, 1, LIMIT_EFFORT));
  }
}

/** Where a figure stands from `low` to `high`, as a figure from `min` to `max`. */
function between(value: number, low: number, high: number, min: number, max: number): number {
  if (value >= high) return Math.max(min, max);
  return Math.max(min, min + ((value - low) / (high - low)) * (max - min));
}
