/**
 * Which spans of the arena are to leave: of each size class the emptiest, as many as the blocks of all could do without.
 *
 * All spans are looked at twice, some in each step. First they are counted by how full they are, in 32 levels. Then each class
 * of n spans with b blocks, of which c fit a span, can do without n - b / (c * FILL) of them: the emptiest levels leave, and
 * of the last such level a part. A span that is nearly full never leaves: much would have to be moved for little.
 *
 * What changes between the looks makes the choice a bit worse, no more: the arena takes spans back if a class runs out.
 */
import type { Arena, VisitSpan } from "./arena.ts";
import { CLASS_COUNT } from "./size-classes.ts";

/** Pages that a step looks at: some 50 µs. */
const STEP_PAGES: number = 16 * 1024;
const LEVELS = 32;
/** How full the spans may become that stay: room for what is written meanwhile. */
const FILL = 0.95;
/** Levels from which a span stays whatever the others are: seven eighths. */
const LEVEL_MAX = 28;

export class Evacuation {
  readonly #arena: Arena;
  /** Spans by class and level. */
  readonly #spans: Int32Array = new Int32Array(CLASS_COUNT * LEVELS);
  /** Blocks in use, and blocks of a span, by class. */
  readonly #blocks: Float64Array = new Float64Array(CLASS_COUNT);
  readonly #capacity: Int32Array = new Int32Array(CLASS_COUNT);
  /** By class: below this level all spans leave, and of the level itself so many. */
  readonly #level: Int32Array = new Int32Array(CLASS_COUNT);
  readonly #share: Int32Array = new Int32Array(CLASS_COUNT);
  /** Page at which the look goes on; -1 if none is under way. */
  #page = -1;
  #isCounted = false;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Begins to choose; none may be leaving. */
  begin(): void {
    this.#page = 0;
    this.#isCounted = false;
    this.#spans.fill(0);
    this.#blocks.fill(0);
  }

  /** Looks at some spans. Returns true while there are more; then all are leaving that should. */
  step(): boolean {
    if (this.#page === -1) return false;
    const visit = this.#isCounted ? this.#choose : this.#count;
    this.#page = this.#arena.openSpansFrom(this.#page, STEP_PAGES, visit);
    if (this.#page !== -1) return true;
    if (this.#isCounted) return false;
    this.#isCounted = true;
    this.#page = 0;
    for (let index = 0; index < CLASS_COUNT; index++) this.#decide(index);
    return true;
  }

  readonly #count: VisitSpan = (_span, index, used, capacity) => {
    this.#spans[index * LEVELS + levelOf(used, capacity)]!++;
    this.#blocks[index]! += used;
    this.#capacity[index] = capacity;
  };

  #decide(index: number): void {
    const first = index * LEVELS;
    let count = 0;
    for (let level = 0; level < LEVELS; level++) count += this.#spans[first + level]!;
    this.#level[index] = 0;
    this.#share[index] = 0;
    if (count === 0) return;
    const needed = Math.ceil(this.#blocks[index]! / (this.#capacity[index]! * FILL));
    // One stays: there is always a span to move to.
    let left = count - Math.max(1, needed);
    let level = 0;
    while (level < LEVEL_MAX && left > this.#spans[first + level]!) {
      left -= this.#spans[first + level++]!;
    }
    this.#level[index] = level;
    this.#share[index] = level === LEVEL_MAX ? 0 : Math.max(0, left);
  }

  readonly #choose: VisitSpan = (span, index, used, capacity) => {
    const level = levelOf(used, capacity);
    if (level > this.#level[index]!) return;
    if (level === this.#level[index]) {
      if (this.#share[index] === 0) return;
      this.#share[index]!--;
    }
    this.#arena.leave(span);
  };
}

/** How full a span is that is not full. */
function levelOf(used: number, capacity: number): number {
  return Math.floor((used * LEVELS) / capacity);
}
