/**
 * A defect inside a command (S26): at each allocation of each command that writes, something is thrown that nobody expects.
 * It must come out of `execute`, whatever runs the command, so that the program ends instead of going on with half a change.
 */
import { describe, expect, test } from "bun:test";
import { BrokenInvariant } from "../../src/base/assert.ts";
import { TestEngine } from "../support/test-engine.ts";
import { toBytes } from "../support/resp-client.ts";

/** What is there before each command. */
const BEFORE: readonly string[] = [
  "SET s hello",
  "RPUSH l a b c",
  "SADD t a b c",
  "HSET h a 1 b 2",
  "ZADD z 1 a 2 b 3 c",
  "XADD x 1-1 a 1",
  "XGROUP CREATE x g 0",
  "PFADD p a b",
  "GEOADD g 13.36 38.11 a 15.08 37.5 b",
];

const LONG = "v".repeat(300);

/** Commands that allocate, one of every kind at least. */
const COMMANDS: readonly string[] = [
  ...[`SET new ${LONG}`, `APPEND s ${LONG}`, `SETRANGE s 500 x`, `MSET m1 ${LONG} m2 ${LONG} m3 x`],
  ...["GETSET s other", `SET s ${LONG} EX 100`, "INCR n", "INCRBYFLOAT f 1.5", "SETBIT b 5000 1"],
  ...["BITFIELD b SET u8 4000 7", "BITOP NOT d s", "COPY l l2", "RENAME l l3", "EXPIRE s 1000"],
  ...[`RPUSH l ${LONG} d e`, "LPUSH new a b c", "LMOVE l other LEFT RIGHT", "LINSERT l BEFORE b x"],
  ...["SADD t d e f", "SADD new 1 2 3", "SUNIONSTORE u t t", "SMOVE t v a", "SINTERSTORE w t t"],
  ...[`HSET h c ${LONG} d 4`, "HINCRBY h a 5", "HINCRBYFLOAT h b 1.5", "HSETNX h n v"],
  ...["ZADD z 4 d 5 e", "ZINCRBY z 2 new", "ZUNIONSTORE y 2 z z", "ZRANGESTORE q z 0 -1"],
  ...["XADD x 2-1 a 2 b 3", "XGROUP CREATE x g2 0", "XREADGROUP GROUP g c STREAMS x >"],
  ...[
    "PFADD p c d e",
    "PFMERGE p2 p",
    "GEOADD g 1 1 c",
    "GEOSEARCHSTORE gs g FROMMEMBER a BYRADIUS 500 km",
  ],
  ...[
    "SORT t ALPHA STORE sorted",
    "HEXPIRE h 100 FIELDS 1 a",
    "SEXPIRE t 100 MEMBERS 1 a",
    "MOVE s 1",
  ],
];

/** How a command may be run: what its words become. */
const WAYS: Readonly<Record<string, (words: readonly string[]) => readonly (readonly string[])[]>> =
  {
    "by itself": (words) => [words],
    "in a transaction": (words) => [["MULTI"], ["SET", "first", "1"], words, ["EXEC"]],
    "in a script that catches errors": (words) => [
      ["EVAL", "return pcall(redis.pcall, unpack(ARGV))", "0", ...words],
    ],
  };

/** Runs lines on a new server whose allocation of this number, counted from the first line on, throws. */
function runWith(
  lines: readonly (readonly string[])[],
  failing: number,
): { readonly fired: boolean; readonly thrown: unknown } {
  const server = new TestEngine();
  for (const line of BEFORE) server.run(...line.split(" "));
  const { arena } = server.engine.keyspace.store;
  const original = arena.allocate.bind(arena);
  let count = 0;
  let fired = false;
  arena.allocate = (size: number) => {
    if (count++ === failing) {
      fired = true;
      throw new BrokenInvariant("a test's own defect");
    }
    return original(size);
  };
  try {
    for (const line of lines) server.run(...line.map(toBytes));
  } catch (error) {
    return { fired, thrown: error };
  }
  return { fired, thrown: null };
}

describe.each(Object.entries(WAYS))("a defect inside a command that runs %s", (_name, linesOf) => {
  test("comes out and is not taken for an answer, whatever it interrupts (S26)", () => {
    let defects = 0;
    for (const command of COMMANDS) {
      const lines = linesOf(command.split(" "));
      for (let failing = 0; ; failing++) {
        const { fired, thrown } = runWith(lines, failing);
        if (!fired) break;
        defects++;
        if (!(thrown instanceof BrokenInvariant)) {
          throw new Error(`${command} goes on after allocation ${failing} has failed: ${thrown}`);
        }
      }
    }
    expect(defects).toBeGreaterThan(COMMANDS.length);
  }, 120_000);
});
