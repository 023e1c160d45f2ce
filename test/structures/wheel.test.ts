import { describe, expect, test } from "bun:test";
import type { Random } from "../../src/base/random.ts";
import type { Ref } from "../../src/memory/arena.ts";
import { Arena, NULL_REF } from "../../src/memory/arena.ts";
import { Wheel, WHEEL_NODE_SIZE } from "../../src/structures/wheel.ts";
import { pick, rounds, seeded } from "../support/seed.ts";

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
/** A tick is 16 ms long, and a node comes out when its tick is over. */
const LATE_MAX = 16;
/** The levels of a wheel reach to 2^46 ms, the year 4199. */
const END_MS = 2 ** 46 - DAY;
const UNBOUNDED = 1_000_000_000;

/** A wheel beside a Map of nodes and the times at which they are due. */
class Model {
  readonly arena = new Arena(true);
  readonly wheel: Wheel;
  readonly due = new Map<Ref, number>();
  /** From when on a node is late: what was due already when it came in has a tick from then on. */
  readonly #lateFrom = new Map<Ref, number>();
  #nowMs: number;
  /** The latest time that the wheel has seen: after a step back nothing comes out before it is reached again. */
  latestMs: number;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
    this.latestMs = nowMs;
    this.wheel = new Wheel(this.arena, nowMs);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Time goes no further than the wheel's levels reach. */
  set nowMs(value: number) {
    this.#nowMs = Math.min(value, END_MS);
  }

  insert(dueMs: number): Ref {
    const node = this.arena.allocate(WHEEL_NODE_SIZE);
    this.wheel.insert(node, dueMs);
    this.due.set(node, dueMs);
    this.#lateFrom.set(node, Math.max(dueMs, this.latestMs) + LATE_MAX);
    return node;
  }

  remove(node: Ref): void {
    this.wheel.remove(node);
    this.arena.free(node);
    this.due.delete(node);
  }

  replace(node: Ref): void {
    const fresh = this.arena.allocate(WHEEL_NODE_SIZE);
    this.wheel.replace(node, fresh);
    this.arena.free(node);
    this.due.set(fresh, this.due.get(node)!);
    this.#lateFrom.set(fresh, this.#lateFrom.get(node)!);
    this.due.delete(node);
  }

  /** Takes out everything that is due, and checks that it is what should be. @param moves bound of one `pop` */
  popAll(moves = UNBOUNDED): number {
    const { wheel, nowMs } = this;
    this.latestMs = Math.max(this.latestMs, nowMs);
    let popped = 0;
    let calls = 0;
    for (;;) {
      const node = wheel.pop(nowMs, moves);
      expect(wheel.moved).toBeLessThanOrEqual(moves);
      if (++calls > 10_000_000) throw new Error("popping does not end");
      if (node === NULL_REF) {
        if (!wheel.exhausted) break;
        continue;
      }
      const dueMs = this.due.get(node);
      if (dueMs === undefined) throw new Error("a node came out that is not in the wheel");
      if (dueMs > nowMs) throw new Error(`a node came out ${dueMs - nowMs} ms early`);
      if (wheel.dueMs(node) !== dueMs) throw new Error("the due time of a node changed");
      this.arena.free(node);
      this.due.delete(node);
      popped++;
    }
    this.checkNoneLate();
    return popped;
  }

  checkNoneLate(): void {
    expect(this.wheel.count).toBe(this.due.size);
    if (this.nowMs < this.latestMs) return;
    for (const [node, dueMs] of this.due) {
      if (this.nowMs >= this.#lateFrom.get(node)!) {
        throw new Error(`a node that was due ${this.nowMs - dueMs} ms ago is still in the wheel`);
      }
    }
  }

  /** Draws nodes, and those that are due next: all must be in the wheel, and nothing about it changes. */
  checkSamples(random: Random): void {
    const { wheel } = this;
    const drawn: Ref[] = [];
    wheel.sample(() => random.int32(), 3, drawn);
    expect(drawn.length).toBe(this.due.size === 0 ? 0 : 3);
    const soonest: Ref[] = [];
    wheel.soonest(1 + random.below(4), soonest);
    expect(soonest.length > 0).toBe(this.due.size > 0);
    expect([...drawn, ...soonest].every((node) => this.due.has(node))).toBe(true);
    expect(wheel.count).toBe(this.due.size);
  }

  checkNext(): void {
    const next = this.wheel.nextMs();
    if (this.due.size === 0) {
      expect(next).toBe(Infinity);
      return;
    }
    // Nothing comes out before that time; what was due when it went in counts from then on.
    expect(next).toBeLessThanOrEqual(Math.max(Math.min(...this.due.values()), this.latestMs));
  }
}

function someDelay(random: Random): number {
  const unit = pick(random, [1, 16, 100, SECOND, 64 * SECOND, HOUR, DAY, YEAR, 100 * YEAR]);
  return Math.floor(random.fraction() * unit * 5) - (random.below(4) === 0 ? unit : 0);
}

function someDue(random: Random, nowMs: number): number {
  return Math.min(Math.max(0, nowMs + someDelay(random)), END_MS - DAY);
}

describe("a timing wheel", () => {
  test("hands out what is due, never early and at most a tick late, under random use", () => {
    const random = seeded("wheel");
    for (let round = 0; round < 30 * rounds; round++) {
      const model = new Model(random.below(2) === 0 ? 1_800_000_000_000 : random.below(100_000));
      const moves = random.below(2) === 0 ? UNBOUNDED : 1 + random.below(5);
      for (let step = 0; step < 300; step++) {
        const nodes = [...model.due.keys()];
        const action = random.below(10);
        if (action < 5 || nodes.length === 0) {
          for (let i = random.below(10); i >= 0; i--) model.insert(someDue(random, model.nowMs));
        } else if (action < 6) model.remove(pick(random, nodes));
        else if (action < 7) model.replace(pick(random, nodes));
        else {
          model.nowMs += Math.max(0, someDelay(random));
          model.popAll(moves);
        }
        model.checkNext();
        model.checkSamples(random);
      }
      model.nowMs = END_MS;
      model.popAll();
      expect(model.due.size).toBe(0);
      expect(model.wheel.nextMs()).toBe(Infinity);
    }
  });

  test("hands out in order of time, to a tick", () => {
    const random = seeded("wheel order");
    const model = new Model(1_800_000_000_000);
    for (let i = 0; i < 5000; i++) model.insert(model.nowMs + random.below(2 * DAY));
    let last = 0;
    for (;;) {
      const node = model.wheel.pop(model.nowMs + 3 * DAY, UNBOUNDED);
      if (node === NULL_REF) break;
      const dueMs = model.wheel.dueMs(node);
      expect(dueMs).toBeGreaterThan(last - LATE_MAX);
      last = Math.max(last, dueMs);
    }
    expect(model.wheel.count).toBe(0);
  });

  test("is exact at every millisecond around a tick, a group of ticks and each level", () => {
    for (const span of [16, 16 * 64, 16 * 64 ** 2, 16 * 64 ** 3, 16 * 64 ** 4, 16 * 64 ** 5]) {
      for (const offset of [-17, -16, -15, -1, 0, 1, 15, 16, 17]) {
        const start = Math.ceil(1_800_000_000_000 / span) * span - 5;
        const model = new Model(start);
        const dueMs = start + span + offset;
        model.insert(dueMs);
        for (let nowMs = Math.max(start, dueMs - 40); nowMs < dueMs + 40; nowMs++) {
          model.nowMs = nowMs;
          model.popAll();
        }
        expect(model.due.size).toBe(0);
      }
    }
  });

  test("stays right however small the steps and the bounds are", () => {
    const random = seeded("wheel steps");
    const model = new Model(1_800_000_000_000);
    for (let i = 0; i < 2000; i++) model.insert(model.nowMs + random.below(20 * SECOND));
    while (model.due.size > 0) {
      model.nowMs += 1 + random.below(10);
      model.popAll(1);
    }
    expect(model.nowMs).toBeLessThan(1_800_000_000_000 + 20 * SECOND + 2 * LATE_MAX);
  });

  test("moves a node at most six times and never more nodes in one call than it is told", () => {
    const random = seeded("wheel moves");
    const model = new Model(1_800_000_000_000);
    const count = 3000;
    for (let i = 0; i < count; i++)
      model.insert(model.nowMs + Math.floor(random.fraction() * 200 * YEAR));
    model.nowMs += 201 * YEAR;
    let moved = 0;
    let popped = 0;
    while (popped < count) {
      const node = model.wheel.pop(model.nowMs, 7);
      moved += model.wheel.moved;
      expect(model.wheel.moved).toBeLessThanOrEqual(7);
      if (node === NULL_REF) expect(model.wheel.exhausted).toBe(true);
      else popped++;
    }
    expect(moved).toBeLessThanOrEqual(6 * count);
  });

  test("a call that stops at its bound is told apart from one that finds nothing", () => {
    const model = new Model(1_800_000_000_000);
    for (let i = 0; i < 100; i++) model.insert(model.nowMs + 10 * HOUR);
    expect(model.wheel.pop(model.nowMs, 5)).toBe(NULL_REF);
    expect(model.wheel.exhausted).toBe(false);
    expect(model.wheel.pop(model.nowMs + 11 * HOUR, 5)).toBe(NULL_REF);
    expect(model.wheel.exhausted).toBe(true);
  });

  test("nodes may come, go and move while their slot is being handed out", () => {
    const random = seeded("wheel draining");
    const model = new Model(1_800_000_000_000);
    for (let i = 0; i < 3000; i++) model.insert(model.nowMs + HOUR + random.below(5 * SECOND));
    model.nowMs += 2 * HOUR;
    while (model.due.size > 0) {
      const node = model.wheel.pop(model.nowMs, 3);
      if (node !== NULL_REF) {
        expect(model.due.get(node)!).toBeLessThanOrEqual(model.nowMs);
        model.due.delete(node);
        model.arena.free(node);
      }
      const nodes = [...model.due.keys()];
      if (nodes.length === 0) break;
      const action = random.below(20);
      if (action < 2) model.remove(pick(random, nodes));
      else if (action < 6) model.replace(pick(random, nodes));
      else if (action < 8) model.insert(model.nowMs + random.below(1000) - 500);
      expect(model.wheel.count).toBe(model.due.size);
      if (random.below(3) === 0) model.nowMs += random.below(20);
    }
  });

  test("takes a flood of nodes in one tick", () => {
    const model = new Model(1_800_000_000_000);
    for (let i = 0; i < 20_000; i++) model.insert(model.nowMs + HOUR);
    model.nowMs += HOUR + LATE_MAX;
    expect(model.popAll(256)).toBe(20_000);
  });

  test("hands out nothing early when the clock is set back", () => {
    const random = seeded("wheel back");
    for (let round = 0; round < 50 * rounds; round++) {
      const model = new Model(1_800_000_000_000);
      for (let step = 0; step < 60; step++) {
        for (let i = random.below(8); i > 0; i--) model.insert(someDue(random, model.nowMs));
        model.nowMs = Math.max(
          0,
          model.nowMs + (random.below(3) === 0 ? -1 : 1) * Math.max(0, someDelay(random)),
        );
        model.popAll(1 + random.below(50));
      }
    }
  });

  test("a slot that was half handed out waits when the clock is set back", () => {
    const model = new Model(1_800_000_000_000);
    const dueMs = model.nowMs + 160;
    for (let i = 0; i < 3; i++) model.insert(dueMs);
    expect(model.wheel.pop(dueMs + LATE_MAX, 10)).not.toBe(NULL_REF);
    expect(model.wheel.pop(dueMs - 50, 10)).toBe(NULL_REF);
    expect(model.wheel.exhausted).toBe(false);
    expect(model.wheel.pop(dueMs + LATE_MAX, 10)).not.toBe(NULL_REF);
    expect(model.wheel.pop(dueMs + LATE_MAX, 10)).not.toBe(NULL_REF);
    expect(model.wheel.count).toBe(0);
  });

  test("keeps times up to 2^63 - 1 ms and never finds them due", () => {
    const model = new Model(1_800_000_000_000);
    const far = [
      2 ** 44,
      2 ** 46 - 1,
      2 ** 46,
      2 ** 50,
      2 ** 53 - 1,
      2 ** 53,
      2 ** 60,
      2 ** 63 - 1024,
    ];
    for (const dueMs of far) {
      const node = model.insert(dueMs);
      expect(model.wheel.dueMs(node)).toBe(dueMs);
      model.replace(node);
    }
    const exact = model.arena.allocate(WHEEL_NODE_SIZE);
    model.wheel.insertInt64(exact, -1, 0x7fffffff);
    expect([model.wheel.dueLow(exact), model.wheel.dueHigh(exact)]).toEqual([-1, 0x7fffffff]);
    model.due.set(exact, 2 ** 63);
    for (let year = 0; year < 200; year++) {
      model.nowMs += YEAR;
      expect(model.popAll()).toBe(0);
    }
    expect(model.wheel.nextMs()).toBeLessThanOrEqual(2 ** 44);
    for (const node of [...model.due.keys()]) model.remove(node);
    expect(model.wheel.nextMs()).toBe(Infinity);
  });

  test("says what is due next, slot by slot", () => {
    const random = seeded("wheel soonest");
    for (const spanMs of [SECOND, 60 * SECOND, HOUR, YEAR]) {
      const model = new Model(1_800_000_000_000);
      for (let i = 0; i < 500; i++) model.insert(model.nowMs + random.below(spanMs));
      while (model.due.size > 0) {
        const nodes: Ref[] = [];
        model.wheel.soonest(UNBOUNDED, nodes);
        expect(new Set(nodes).size).toBe(nodes.length);
        const inSlot = nodes.map((node) => model.due.get(node)!);
        const others = [...model.due].filter(([node]) => !nodes.includes(node));
        const latest = Math.max(...inSlot);
        expect(others.every(([, dueMs]) => dueMs >= latest - LATE_MAX)).toBe(true);
        for (const node of nodes) model.remove(node);
      }
    }
  });

  test("has every node of a slot drawn sooner or later", () => {
    const random = seeded("wheel sample");
    const model = new Model(1_800_000_000_000);
    for (let i = 0; i < 1000; i++) model.insert(model.nowMs + HOUR + random.below(8));
    const seen = new Set<Ref>();
    const drawn: Ref[] = [];
    model.wheel.sample(() => random.int32(), 20_000, drawn);
    for (const node of drawn) seen.add(node);
    expect(seen.size).toBe(1000);
  });

  test("gives its memory back", () => {
    const model = new Model(0);
    model.wheel.destroy();
    expect(model.arena.usedBytes).toBe(0);
  });
});
