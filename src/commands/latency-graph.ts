/** A series of the latency monitor, drawn with characters: a column a sample, as high as it took long, below it how long ago. */
import type { LatencySeries } from "./latency-monitor.ts";

const ROWS = 4;
/** What fills a cell of a column, from a little to all. */
const FILLS = "_o#";

const UNITS: readonly (readonly [seconds: number, letter: string])[] = [
  [86_400, "d"],
  [3600, "h"],
  [60, "m"],
  [1, "s"],
];

export function latencyGraph(
  name: string,
  { samples, maxMs }: LatencySeries,
  nowMs: number,
): string {
  const times = samples.map(({ ms }) => ms);
  const [low, high] = [Math.min(...times), Math.max(...times)];
  const lines = [`${name} - high ${high} ms, low ${low} ms (all time high ${maxMs} ms)`];
  lines.push("-".repeat(80));
  const parts = ROWS * FILLS.length;
  const heights = times.map((ms) =>
    high === low ? 1 : 1 + Math.round(((ms - low) / (high - low)) * (parts - 1)),
  );
  for (let row = ROWS - 1; row >= 0; row--) {
    const cells = heights.map((height) => {
      const filled = Math.min(FILLS.length, height - row * FILLS.length);
      return filled > 0 ? FILLS[filled - 1]! : " ";
    });
    lines.push(cells.join("").trimEnd());
  }
  lines.push("");
  const ages = samples.map(({ time }) => age(Math.max(0, Math.floor(nowMs / 1000) - time)));
  const longest = Math.max(...ages.map(({ length }) => length));
  for (let i = 0; i < longest; i++) {
    lines.push(
      ages
        .map((text) => text[i] ?? " ")
        .join("")
        .trimEnd(),
    );
  }
  return `${lines.join("\n")}\n`;
}

/** Seconds in the largest unit of which there is a whole one. */
function age(seconds: number): string {
  const [size, letter] = UNITS.find(([unit]) => seconds >= unit) ?? [1, "s"];
  return `${Math.floor(seconds / size)}${letter}`;
}
