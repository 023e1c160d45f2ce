/** The table of test/README.md: every number is there, and the files that a row names have it, tests in a title of theirs. */
import { posix } from "node:path";
import type { SourceFile } from "./source.ts";
import { withoutComments } from "./source.ts";

const README = "test/README.md";
/** How many numbers each letter has. */
const LAST: Readonly<Record<string, number>> = { D: 15, L: 11, S: 27 };

const ROW = /^\|[^|]*\| *([DLS]\d+(?:(?: to |, )[DLS]\d+)*) *\|([^|]*)\|/gm;
/** A file, and the numbers it is for if these are not all of the row. */
const FILE = /\]\(([^)]+)\)(?: \(([^)]+)\))?/g;

/** "S1, S3" or "S1 to S3" as numbers. */
function numbersOf(text: string): string[] {
  const [first, last] = text.split(" to ");
  if (last === undefined) return text.split(", ");
  const from = Number(first!.slice(1));
  return Array.from(
    { length: Number(last.slice(1)) - from + 1 },
    (_, i) => first![0]! + (from + i),
  );
}

export function checkNumbers(files: readonly SourceFile[]): string[] {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  const complaints: string[] = [];
  const missing = new Set(
    Object.entries(LAST).flatMap(([letter, last]) => numbersOf(`${letter}1 to ${letter}${last}`)),
  );
  for (const [, numbers, tests] of (texts.get(README) ?? "").matchAll(ROW)) {
    const named = new Set<string>();
    for (const [, link, only] of tests!.matchAll(FILE)) {
      const path = posix.join(posix.dirname(README), link!);
      const text = texts.get(path) ?? "";
      // Elsewhere than in tests a comment says what the file is for.
      const searched = path.endsWith(".test.ts") ? withoutComments(text) : text;
      for (const number of numbersOf(only ?? numbers!)) {
        if (new RegExp(`\\b${number}\\b`).test(searched)) named.add(number);
        else if (only !== undefined || !numbers!.includes(" to ")) {
          complaints.push(`${path} does not say that it tests ${number}`);
        }
      }
    }
    for (const number of numbersOf(numbers!)) {
      if (!named.has(number)) complaints.push(`no file of its row names ${number}`);
      missing.delete(number);
    }
  }
  for (const number of missing) complaints.push(`${README} has no row for ${number}`);
  return complaints;
}
