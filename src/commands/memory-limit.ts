/**
 * The limit of memory, `maxmemory`: what counts towards it, and how room is made.
 *
 * What counts is known exactly and at any time: blocks of the arena, buffers of clients, scripts. Not what is written to files
 * (effects that wait for the log), and not the JavaScript heap, which does not grow with the data.
 *
 * Before a command runs while more is in use than may be, keys are evicted, by the policy, until it is no longer so. That has a
 * bound: the time that `maxmemory-eviction-tenacity` grants, which here is for all commands of a turn together (in Redis, for each).
 * What is left is done in further slices between the turns, and meanwhile commands run. Yet each command frees at least twice the
 * bytes of its own arguments first, however long that takes: so memory does not run away from eviction, whatever clients send. If no
 * key may go, a command that could need memory is refused.
 *
 * What was deleted and is freed in slices (`Reclaimer`) comes first: no key is evicted for memory that is free soon.
 */
import { nanoseconds } from "../base/clock.ts";
import type { Evicted } from "../keyspace/eviction.ts";
import { KEY_AWAITED, KEY_GONE } from "../keyspace/eviction.ts";
import type { Engine } from "./engine.ts";
import { PAUSE_NONE } from "./pause.ts";

/** The refusal, in Redis's words. */
export const OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'.";

/** The bit of `engine.special` that says that there is a limit. */
export const LIMIT_BIT = 512;

/** Keys, or parts of deleted values, after which the time is looked at. */
const STRIDE = 16;
/** Elements of a deleted value that are freed for one of these. */
const RECLAIMED = 32;
/** Above this share of the limit a key is evicted even if a snapshot has to see a large value first, which takes long. */
const PATIENCE = 1.05;

/** No more is in use than may be. */
const HAS_ROOM = 0;
/** There is more to evict, or to free. */
const AT_WORK = 1;
/** A snapshot has to write a large value first. */
const AWAITS = 2;
/** No key may go. */
const IS_FULL = 3;
type State = typeof HAS_ROOM | typeof AT_WORK | typeof AWAITS | typeof IS_FULL;

export class MemoryLimit {
  /** Bytes that may be in use; Infinity if there is no limit. */
  bytes = Infinity;
  /** Told that slices between turns have something to do. */
  onWork: () => void = () => {};
  readonly #engine: Engine;
  #state: State = HAS_ROOM;
  /** Nanoseconds of a slice: what a turn may take. */
  #sliceNs = 0;
  /** The turn has taken as much. */
  #isSpent = false;
  /** Bytes of scripts and functions, as of the last beat. */
  scriptBytes = 0;
  /** Monotonic time in ms at which more came to be in use than may be, or -1; and for how long it was so before that. */
  #exceededSinceMs = -1;
  #exceededMs = 0;

  /** @param changed called when there is a limit, or none any more */
  constructor(engine: Engine, changed: (isLimited: boolean) => void) {
    this.#engine = engine;
    const { options, keyspace } = engine;
    const { dict } = keyspace.store;
    options.onChange("maxmemory-policy", (policy) => keyspace.eviction.setPolicy(policy));
    options.onChange("maxmemory-samples", (text) => (keyspace.eviction.samples = Number(text)));
    options.onChange("maxmemory-eviction-tenacity", (text) => {
      this.#sliceNs = sliceNs(Number(text));
    });
    options.onChange("maxmemory", (text) => {
      this.bytes = Number(text) > 0 ? Number(text) : Infinity;
      const isLimited = this.bytes < Infinity;
      dict.mayTake = isLimited ? (size) => this.counted + size <= this.bytes : null;
      changed(isLimited);
      if (isLimited) this.#warnIfBelowUse();
      this.#enter(this.counted > this.bytes ? AT_WORK : HAS_ROOM);
    });
    engine.beatTasks.push(() => this.#countScripts());
  }

  /** Bytes in use that count. */
  get counted(): number {
    const { clientMemory, keyspace } = this.#engine;
    return keyspace.store.arena.usedBytes + clientMemory.total + this.scriptBytes;
  }

  /** The last command, or the last slice, found too much in use and no key that may go: nothing may take more memory. */
  get isFull(): boolean {
    return this.#state === IS_FULL;
  }

  /** Milliseconds for which more has been in use than may be: this time, and all times. */
  get exceededMs(): { readonly now: number; readonly all: number } {
    const since = this.#exceededSinceMs;
    const now = since === -1 ? 0 : this.#engine.clock.monotonicMs - since;
    return { now, all: this.#exceededMs + now };
  }

  resetExceeded(): void {
    this.#exceededMs = 0;
    if (this.#exceededSinceMs !== -1) this.#exceededSinceMs = this.#engine.clock.monotonicMs;
  }

  /**
   * Makes room for the command that runs next, where too much is in use.
   * @param size bytes of its arguments
   * @returns false if there is none, and a command that could need memory is to be refused
   */
  prepare(size: number): boolean {
    this.#engine.keyspace.defragmentation.pay(size);
    if (this.counted > this.bytes || this.#state !== HAS_ROOM) this.#makeRoom(size);
    return this.#state !== IS_FULL;
  }

  #makeRoom(size: number): void {
    const engine = this.#engine;
    // What a script has found when it began holds until it ends.
    if (engine.busyScript !== null) return;
    // As in Redis nothing is evicted then, and nothing refused.
    if (engine.loading !== null || engine.pauseMode !== PAUSE_NONE) {
      this.#enter(HAS_ROOM);
      return;
    }
    const { latency } = engine;
    if (!latency.active) {
      this.#enter(this.#work(size));
      return;
    }
    const startNs = nanoseconds();
    this.#enter(this.#work(size));
    latency.note("eviction-cycle", nanoseconds() - startNs);
  }

  /** A turn begins. */
  beginTurn(): void {
    this.#isSpent = false;
  }

  /** A slice between turns. Returns true while there is more to do. */
  step(): boolean {
    this.#isSpent = false;
    if (this.#state === AT_WORK || this.#state === AWAITS) this.#makeRoom(0);
    return this.#state === AT_WORK;
  }

  #work(size: number): State {
    const { reclaimer } = this.#engine.keyspace;
    const before = this.counted;
    let deadlineNs = 0;
    for (let steps = 1; this.counted > this.bytes; steps++) {
      if (reclaimer.isBusy) reclaimer.step(RECLAIMED);
      else {
        const done = this.#evict();
        if (done !== KEY_GONE) return done === KEY_AWAITED ? AWAITS : IS_FULL;
      }
      if (!this.#isSpent && steps % STRIDE === 0) {
        const now = nanoseconds();
        if (deadlineNs === 0) deadlineNs = now + this.#sliceNs;
        this.#isSpent = now >= deadlineNs;
      }
      if (this.#isSpent && before - this.counted >= 2 * size) return AT_WORK;
    }
    return HAS_ROOM;
  }

  #evict(): Evicted {
    const { latency, keyspace } = this.#engine;
    const force = this.counted > this.bytes * PATIENCE;
    if (!latency.active) return keyspace.eviction.evict(force);
    const startNs = nanoseconds();
    const done = keyspace.eviction.evict(force);
    latency.note("eviction-del", nanoseconds() - startNs);
    return done;
  }

  #enter(state: State): void {
    const before = this.#state;
    this.#state = state;
    if (state === HAS_ROOM) {
      if (this.#exceededSinceMs === -1) return;
      this.#exceededMs += this.#engine.clock.monotonicMs - this.#exceededSinceMs;
      this.#exceededSinceMs = -1;
      return;
    }
    if (this.#exceededSinceMs === -1) this.#exceededSinceMs = this.#engine.clock.monotonicMs;
    if (state === AT_WORK && before !== AT_WORK) this.onWork();
  }

  #countScripts(): void {
    const { scriptCache, functions } = this.#engine;
    this.scriptBytes = (scriptCache?.memory ?? 0) + functions.memory;
  }

  #warnIfBelowUse(): void {
    const { counted } = this;
    if (counted <= this.bytes) return;
    this.#engine.logger.warning(
      `The new limit of memory, ${this.bytes} bytes, is below what is in use, ${counted}. Keys will be evicted, or commands that ` +
        "need memory refused, depending on maxmemory-policy.",
    );
  }
}

/** Nanoseconds that a tenacity of 0 to 100 grants a slice: up to 10 half a millisecond at most, above it 15 % more each, at 100 any time. */
function sliceNs(tenacity: number): number {
  if (tenacity <= 10) return tenacity * 50_000;
  return tenacity < 100 ? 500_000 * 1.15 ** (tenacity - 10) : Infinity;
}
