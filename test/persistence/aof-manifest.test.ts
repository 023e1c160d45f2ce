/** The manifest of an append-only file: what is read, what is written, what is refused and why. */
import { describe, expect, test } from "bun:test";
import { formatManifest, parseManifest } from "../../src/persistence/aof-manifest.ts";

const BASE = "file appendonly.aof.1.base.aof seq 1 type b\n";
const INCREMENT = "file appendonly.aof.1.incr.aof seq 1 type i\n";

/** What Redis's own tests of manifests (aof-multi-part.tcl) hold to be damaged, and why. */
const REFUSED: readonly (readonly [name: string, text: string, reason: string])[] = [
  ["is empty", "", "Found an empty AOF manifest"],
  [
    "counts backwards",
    "file a.2.incr.aof seq 2 type i\nfile a.1.incr.aof seq 1 type i\n",
    "Found a non-monotonic sequence number: line 2",
  ],
  ["has a blank line", `${BASE}\n${INCREMENT}`, "Invalid AOF manifest file format: line 2"],
  [
    "names two bases",
    `${BASE}file appendonly.aof.2.base.aof seq 2 type b\n`,
    "Found duplicate base file information",
  ],
  ["has an unknown type", "file a seq 1 type x\n", "Unknown AOF file type"],
  ["lacks a key", "filx a seq 1 type b\n", "Mismatched manifest key"],
  ["has too short a line", "file a type i\n", "Invalid AOF manifest file format"],
  ["has an odd word", "file a seq 1 type i newkey\n", "Invalid AOF manifest file format"],
  [
    "has too long a line",
    `${"file a seq 1 type b ".repeat(60)}\n`,
    "The AOF manifest file contains too long line",
  ],
  ["ends in a line", BASE + INCREMENT.trim(), "The AOF manifest file contains too long line"],
  ["names a path", "file ../a seq 1 type b\n", "File can't be a path, just a filename"],
  ["has quotes that do not end", 'file "a seq 1 type b\n', "Invalid AOF manifest file format"],
];

describe("a manifest", () => {
  for (const [name, text, reason] of REFUSED) {
    test(`that ${name} is refused`, () => {
      expect(() => parseManifest(text)).toThrow(reason);
    });
  }

  test("may leave out numbers, know more keys than we do, and hold comments", () => {
    const text = `# written by hand\n${BASE.trim()} newkey newvalue\n${INCREMENT}file a.3.incr.aof seq 3 type i\n`;
    expect(parseManifest(text)).toEqual({
      base: { name: "appendonly.aof.1.base.aof", seq: 1, type: "b" },
      increments: [
        { name: "appendonly.aof.1.incr.aof", seq: 1, type: "i" },
        { name: "a.3.incr.aof", seq: 3, type: "i" },
      ],
      history: [],
    });
  });

  test("is written as it is read", () => {
    const text =
      'file "my log.2.base.rdb" seq 2 type b\n' +
      "file a.1.incr.aof seq 1 type h\n" +
      'file "\\"q\\".2.incr.aof" seq 2 type i\n';
    expect(formatManifest(parseManifest(text))).toBe(text);
  });
});
