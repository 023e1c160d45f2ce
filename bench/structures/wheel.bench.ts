/** The timing wheel with 100 thousand nodes that are due within an hour. */
import { bench, group } from "mitata";
import { Arena } from "../../src/memory/arena.ts";
import { Wheel, WHEEL_NODE_SIZE } from "../../src/structures/wheel.ts";
import { INPUTS, INPUTS_MASK, seeded } from "../rig/inputs.ts";

const NODES = 100_000;
const NOW_MS = 1.7e12;
const HOUR_MS = 3_600_000;

let at = 0;

function next(): number {
  at = (at + 1) & INPUTS_MASK;
  return at;
}

group("wheel of 100 thousand nodes", () => {
  bench("remove a node, insert it with another time", function* () {
    const random = seeded();
    const arena = new Arena();
    const wheel = new Wheel(arena, NOW_MS);
    const nodes = Array.from({ length: NODES }, () => arena.allocate(WHEEL_NODE_SIZE));
    for (const node of nodes) wheel.insert(node, NOW_MS + random.below(HOUR_MS));
    const order = Array.from({ length: INPUTS }, () => random.below(NODES));
    const times = Array.from({ length: INPUTS }, () => NOW_MS + random.below(HOUR_MS));
    yield () => {
      const step = next();
      const node = nodes[order[step]!]!;
      wheel.remove(node);
      wheel.insert(node, times[step]!);
    };
  });
  bench("1000 nodes in, all of them out as they fall due", function* () {
    const random = seeded();
    const arena = new Arena();
    let nowMs = NOW_MS;
    const wheel = new Wheel(arena, nowMs);
    const nodes = Array.from({ length: 1000 }, () => arena.allocate(WHEEL_NODE_SIZE));
    const delays = Array.from({ length: INPUTS }, () => random.below(60_000));
    yield () => {
      for (const node of nodes) wheel.insert(node, nowMs + delays[next()]!);
      nowMs += 61_000;
      while (wheel.count > 0) wheel.pop(nowMs, nodes.length);
    };
  });
});
