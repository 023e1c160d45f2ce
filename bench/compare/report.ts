/** How the benchmarks print: aligned tables, figures with their range. */
import type { Spread } from "../rig/statistics.ts";

/** Prints text and a line break. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Prints what is under way, to standard error, so that the output stays a clean report. */
export function progress(text: string): void {
  process.stderr.write(`... ${text}\n`);
}

/** Rows under a header, columns aligned: the first to the left, the others to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join("  ")
      .trimEnd();
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join(
    "\n",
  );
}

/** "0.512 (0.508-0.530)". */
export function spreadText(spread: Spread, digits: number): string {
  const [median, min, max] = [spread.median, spread.min, spread.max].map((value) =>
    value.toFixed(digits),
  );
  return `${median} (${min}-${max})`;
}
