/** The commit gate: when replies may leave. */
import { describe, expect, test } from "bun:test";
import { CommitGate } from "../../src/effects/commit-gate.ts";
import { EffectStream } from "../../src/effects/effect-stream.ts";

function setUp(): {
  effects: EffectStream;
  gate: CommitGate;
  effect: () => void;
  waiter: (offset: number, reads?: boolean) => { released: boolean };
} {
  const effects = new EffectStream();
  const gate = new CommitGate(effects);
  effects.active = true;
  return {
    effects,
    gate,
    effect: () => effects.delete(0, Buffer.from("key"), 0, 3),
    waiter: (offset, reads = false) => {
      const state = { released: false };
      gate.add({
        waits: false,
        release(safe, readers) {
          if (safe < offset && !(readers && reads)) return true;
          state.released = true;
          return false;
        },
      });
      return state;
    },
  };
}

describe("the commit gate", () => {
  test("lets everything through while there is nothing unsafe", () => {
    const { gate, effect } = setUp();
    expect(gate.mustWait).toBe(false);
    effect();
    expect(gate.mustWait).toBe(true);
  });

  test("hands the effects of a turn to the log in one piece, and then lets replies leave", async () => {
    const { gate, effect, waiter, effects } = setUp();
    const writes: number[] = [];
    gate.setLog({
      write(_bytes, size, offset) {
        writes.push(size);
        gate.advance(offset);
        return true;
      },
    });
    effect();
    effect();
    const reply = waiter(gate.offset);
    expect(reply.released).toBe(false);
    await new Promise((resolve) => setImmediate(resolve));
    expect(writes).toEqual([effects.offset]);
    expect(reply.released).toBe(true);
    expect(gate.mustWait).toBe(false);
  });

  test("lets a reply leave when what preceded it is safe, not what came later", () => {
    const { gate, effect, waiter } = setUp();
    gate.setLog({ write: () => true });
    effect();
    const first = waiter(gate.offset);
    const middle = gate.offset;
    effect();
    const second = waiter(gate.offset);
    gate.commit();
    expect([first.released, second.released]).toEqual([false, false]);
    gate.advance(middle);
    expect([first.released, second.released]).toEqual([true, false]);
    gate.advance(gate.offset);
    expect(second.released).toBe(true);
  });

  test("keeps what the log can't take and offers it again, and lets only readers through meanwhile", () => {
    const { gate, effect, waiter, effects } = setUp();
    let takes = false;
    let offered = 0;
    gate.setLog({
      write(_bytes, size, offset) {
        offered = size;
        if (takes) gate.advance(offset);
        return takes;
      },
    });
    effect();
    const writer = waiter(gate.offset);
    const reader = waiter(gate.offset, true);
    expect(gate.commit()).toBe(false);
    expect([writer.released, reader.released]).toEqual([false, true]);
    effect();
    takes = true;
    expect(gate.commit()).toBe(true);
    expect(offered).toBe(effects.offset);
    expect(writer.released).toBe(true);
    expect(gate.failing).toBe(false);
  });

  test("lets everybody go on when the log is switched off", async () => {
    const { gate, effect, waiter } = setUp();
    gate.setLog({ write: () => true });
    effect();
    const reply = waiter(gate.offset);
    const safe = gate.whenSafe();
    gate.setLog(null);
    expect(reply.released).toBe(true);
    await safe;
  });
});
