/** Hashes: every command with every option in both encodings, on keys that are missing or hold something else, numbers at edges. */
import type { Random } from "../../../src/base/random.ts";
import { pick, seeded } from "../../support/seed.ts";
import { show } from "../../support/resp-value.ts";
import type { Case, Step } from "../case.ts";

const NUMBERS: readonly string[] = [
  ...["-9223372036854775809", "-9223372036854775808", "-9223372036854775807", "-129", "-128", "-1"],
  ...["0", "1", "12", "127", "128", "4095", "4096", "32767", "32768", "8388608", "2147483647"],
  ...["2147483648", "4294967296", "9007199254740993", "9223372036854775807", "9223372036854775808"],
  ...[
    "1.5",
    "+1",
    "01",
    "-0",
    " 1",
    "1 ",
    "",
    "abc",
    "inf",
    "-inf",
    "nan",
    "0x10",
    "1e3",
    "1e4931",
  ],
];

/** Of every length around which a layout changes. */
const LENGTHS = [0, 1, 5, 63, 64, 65, 253, 254, 255, 256, 300, 1023, 1024, 1025, 4000, 20_000];

const COMMANDS: readonly string[] = [
  ...["HSET k f v", "HMSET k f v", "HSETNX k f v", "HGET k f", "HMGET k f g", "HGETALL k"],
  ...["HDEL k f", "HEXISTS k f", "HLEN k", "HKEYS k", "HVALS k", "HSTRLEN k f", "HINCRBY k f 5"],
  ...["HINCRBYFLOAT k f 1.5", "HRANDFIELD k", "HRANDFIELD k 1", "HRANDFIELD k 0", "HSCAN k 0"],
  ...["HRANDFIELD k 3 WITHVALUES", "HSCAN k 0 COUNT 5 MATCH *", "HSCAN k x", "HSCAN k 0 COUNT 0"],
  ...["HSCAN k 0 FOO", "HINCRBY k f x", "HINCRBYFLOAT k f x", "HRANDFIELD k x", "HSET k f v g"],
  ...["HMSET k f v g", "HRANDFIELD k 1 FOO", "HRANDFIELD k 1 WITHVALUES x", "HINCRBYFLOAT k f inf"],
];

const NAMES: readonly string[] = [
  ...["HSET", "HMSET", "HSETNX", "HGET", "HMGET", "HGETALL", "HDEL", "HEXISTS", "HLEN", "HKEYS"],
  ...["HVALS", "HSTRLEN", "HINCRBY", "HINCRBYFLOAT", "HRANDFIELD", "HSCAN"],
];

const TABLE_FROM_THE_START = "CONFIG SET hash-max-listpack-entries 0";
const cleanup: readonly string[] = [
  "CONFIG SET hash-max-listpack-entries 512 hash-max-listpack-value 64",
];

/** The case for small hashes, and again with hashes that are never listpacks. */
function inBothEncodings(name: string, steps: readonly Step[]): Case[] {
  const checked: Step[] = [...steps, "OBJECT ENCODING k"];
  return [
    { name: `${name} (listpack)`, steps: checked },
    { name: `${name} (hashtable)`, steps: [TABLE_FROM_THE_START, ...checked], cleanup },
  ];
}

/** Random commands on two hashes of few fields. */
function mixed(random: Random, length: number): Step[] {
  const names = ["a", "b", "c", "1", "-5", "300", "x".repeat(64), "y".repeat(70), ""];
  const field = (): string => pick(random, names);
  const content = (): string =>
    random.below(2) === 0 ? pick(random, NUMBERS) : "v".repeat(pick(random, LENGTHS.slice(0, 10)));
  const steps: Step[] = [];
  for (let i = 0; i < length; i++) {
    const key = pick(random, ["k", "l"]);
    switch (random.below(12)) {
      case 0:
      case 1:
        steps.push(["HSET", key, field(), content(), field(), content()]);
        break;
      case 2:
        steps.push(["HSETNX", key, field(), content()]);
        break;
      case 3:
        steps.push(["HINCRBY", key, field(), pick(random, NUMBERS)]);
        break;
      case 4:
        steps.push(["HINCRBYFLOAT", key, field(), pick(random, NUMBERS)]);
        break;
      case 5:
      case 6:
        steps.push(["HDEL", key, field(), field()]);
        break;
      case 7:
        steps.push(["HMGET", key, field(), field(), field()], ["HSTRLEN", key, field()]);
        break;
      case 8:
        steps.push({ run: ["HGETALL", key], compare: "unordered" }, ["HLEN", key]);
        break;
      case 9:
        steps.push({ run: ["HKEYS", key], compare: "unordered" });
        steps.push({ run: ["HVALS", key], compare: "unordered" });
        break;
      case 10:
        steps.push(["OBJECT", "ENCODING", key], ["TYPE", key], ["HEXISTS", key, field()]);
        break;
      default:
        steps.push(pick(random, ["DEL l", "COPY k l REPLACE", "RENAME l k", "EXPIRE k 1000"]));
    }
  }
  return steps;
}

const random = seeded("hashes");

export const cases: readonly Case[] = [
  {
    name: "commands meet a missing key",
    steps: COMMANDS.flatMap((line) => ["DEL k", line, "TYPE k"]),
  },
  {
    name: "commands meet a key of another type",
    steps: ["SET k v", ...COMMANDS, "GET k"],
  },
  ...inBothEncodings("commands meet a hash of one field", [
    ...COMMANDS.flatMap((line): Step[] => ["DEL k", "HSET k f 10", line, "TYPE k", "HGETALL k"]),
    "HSET k f 1",
  ]),
  {
    name: "commands refuse a wrong number of arguments",
    steps: NAMES.flatMap((name) => [name, `${name} k`, `${name} k a`, `${name} k a b c d e`]),
    data: false,
    compare: (ours, theirs) =>
      ours.type === theirs.type && (ours.type !== "error" || show(ours) === show(theirs)),
  },
  ...inBothEncodings("HSET adds and overwrites, and counts what is new", [
    "HSET k a 1 b 2 c 3",
    "HSET k a 9 d 4",
    "HSET k a 1 a 2 a 3",
    "HMSET k e 5 a x",
    "HSETNX k e 6",
    "HSETNX k f 6",
    "HMGET k a b c d e f g a",
    { run: "HGETALL k", compare: "unordered" },
    "HDEL k a a b nothing",
    "HLEN k",
    "HDEL k c d e f",
    "EXISTS k",
    "HSET k 1 one -1 minus 0x1 hex 01 padded",
    "HMGET k 1 -1 0x1 01 +1",
  ]),
  ...inBothEncodings("whatever works on keys works on hashes", [
    "HSET k a 1 b two c 3",
    ...["DEBUG DIGEST", "DEBUG DIGEST-VALUE k", "SCAN 0 TYPE hash COUNT 100", "EXPIRE k 1000"],
    ...["HSET k d 4", "TTL k", "COPY k l", "HSET l a other", "HGET k a", "DEBUG DIGEST"],
    ...["RENAME l m", "MOVE m 3", "SELECT 3", "HMGET m a b c d", "OBJECT ENCODING m", "SELECT 0"],
    ...["GET k", "APPEND k x", "GETSET k x", "INCR k", "SETRANGE k 0 x", "SET m x", "HGET m a"],
    ...["SET l x", "SET l y GET", "HSET l a 1", "DEL l", "UNLINK m", "DBSIZE", "PERSIST k"],
  ]),
  ...inBothEncodings("fields and values of every length are kept", [
    ...LENGTHS.flatMap((length): Step[] => {
      const text = "t".repeat(length);
      return [
        ["HSET", "k", text, "short"],
        ["HGET", "k", text],
        ["HSET", "k", `v${length}`, text],
        ["HGET", "k", `v${length}`],
        ["HSTRLEN", "k", `v${length}`],
        ["HSET", "k", text, text],
        "OBJECT ENCODING k",
      ];
    }),
    ...LENGTHS.flatMap((from) =>
      LENGTHS.flatMap((to): Step[] => [
        ["HSET", "k", "changing", "x".repeat(from)],
        ["HSET", "k", "changing", "y".repeat(to)],
        ["HGET", "k", "changing"],
      ]),
    ),
  ]),
  ...inBothEncodings("HINCRBY takes and refuses numbers", [
    ...NUMBERS.flatMap((held) =>
      NUMBERS.flatMap((by): Step[] => [
        ["HSET", "k", "n", held],
        ["HINCRBY", "k", "n", by],
      ]),
    ),
    ...NUMBERS.flatMap((by): Step[] => [["HINCRBY", "k", `new${by}`, by]]),
  ]),
  ...inBothEncodings("HINCRBYFLOAT takes and refuses numbers", [
    ...NUMBERS.flatMap((held) =>
      NUMBERS.flatMap((by): Step[] => [
        ["HSET", "k", "n", held],
        ["HINCRBYFLOAT", "k", "n", by],
        ["HGET", "k", "n"],
      ]),
    ),
    ...NUMBERS.flatMap((by): Step[] => [["HINCRBYFLOAT", "k", `new${by}`, by]]),
    ["HINCRBYFLOAT", "k", "f".repeat(65), "1.5"],
  ]),
  ...inBothEncodings("HRANDFIELD takes and refuses counts", [
    "HSET k a 1 b 2 c 3",
    { run: "HRANDFIELD k", compare: "type" },
    ...["3", "4", "100", "9223372036854775807", "4611686018427387903"].flatMap((count): Step[] => [
      { run: ["HRANDFIELD", "k", count], compare: "unordered" },
    ]),
    ...["3", "4", "4611686018427387903"].map((count): Step => ({
      run: ["HRANDFIELD", "k", count, "withvalues"],
      compare: "unordered",
    })),
    ...["0", "1x", "", "1.5", "-9223372036854775808", "9223372036854775808"].flatMap(
      (count): Step[] => [
        ["HRANDFIELD", "k", count],
        ["HRANDFIELD", "k", count, "WITHVALUES"],
        ["HRANDFIELD", "k", count, "WITHVALUE"],
      ],
    ),
    "HRANDFIELD k 4611686018427387904 WITHVALUES",
    "HRANDFIELD k -4611686018427387904 WITHVALUES",
    "HRANDFIELD k 9223372036854775807 WITHVALUES",
    ...["1", "2", "-1", "-2", "-10"].flatMap((count): Step[] => [
      { run: ["HRANDFIELD", "k", count], compare: sameLength },
      { run: ["HRANDFIELD", "k", count, "WITHVALUES"], compare: sameLength },
    ]),
  ]),
  ...inBothEncodings("HSCAN returns all fields of a small hash", [
    "HSET k a 1",
    "HSCAN k 0",
    "HSCAN k 0 MATCH a",
    "HSCAN k 0 MATCH b",
    "HSCAN k 0 MATCH * COUNT 100",
    "HSCAN k 0 COUNT 9223372036854775807",
    ...NUMBERS.map((number): Step => ({
      run: ["HSCAN", "k", "0", "COUNT", number],
      compare: number === "1" ? "type" : "exact",
    })),
    "HSCAN k 0 COUNT",
    "HSCAN k 0 MATCH",
    "HSCAN k 0 TYPE hash",
    "HSCAN k 0 a b",
    "HSCAN k -1x",
    "HSCAN nothing 0 FOO",
    "HSCAN nothing x",
  ]),
  {
    name: "a hash turns into a hashtable one field after the limit",
    steps: [
      ...Array.from({ length: 514 }, (_, i): Step[] => [
        ["HSET", "k", `field:${i}`, `${i}`],
        ["OBJECT", "ENCODING", "k"],
      ]).flat(),
      "HLEN k",
      { run: "HGETALL k", compare: "unordered" },
      ...Array.from({ length: 510 }, (_, i): Step => ["HDEL", "k", `field:${i}`]),
      "OBJECT ENCODING k",
      { run: "HGETALL k", compare: "unordered" },
    ],
  },
  {
    name: "a listpack of long and short values and integers of every size is answered in its order",
    steps: [
      "CONFIG SET hash-max-listpack-value 100000",
      ...[...LENGTHS, 62, 127, 4095, 4096, 9, 10, 24, 25].map((length): Step => [
        "HSET",
        "k",
        `f${length}`,
        "x".repeat(length),
      ]),
      ...NUMBERS.map((number): Step => ["HSET", "k", number, number]),
      ...["HGETALL k", "HKEYS k", "HVALS k", "HSCAN k 0", "OBJECT ENCODING k", "HLEN k"],
      ["HSET", "k", "last", "x".repeat(70)],
      ...["HGETALL k", "HKEYS k", "HVALS k"],
    ],
    cleanup,
  },
  {
    name: "the limits of small hashes can be set, by both of their names",
    steps: [
      "CONFIG SET hash-max-ziplist-entries 2",
      "CONFIG SET hash-max-listpack-value 5",
      { run: "CONFIG GET hash-max-*", compare: "unordered" },
      "HSET a 1 12345 2 12345",
      "OBJECT ENCODING a",
      "HSET a 3 1",
      "OBJECT ENCODING a",
      "HSET b 1 123456",
      "OBJECT ENCODING b",
      "HSET c 123456 1",
      "OBJECT ENCODING c",
      "HINCRBY d f 123456",
      "OBJECT ENCODING d",
      "HSETNX e f 123456",
      "OBJECT ENCODING e",
      ...["CONFIG SET hash-max-listpack-entries 512", "HSET f 1 1 2 2 3 3", "HSET g 1 1 2 2 3 3"],
      ...["HSET h 1 1 2 2 3 3", "HSET i 1 1 2 2 3 3", "CONFIG SET hash-max-listpack-entries 2"],
      ...["HSET f 1 1", "HINCRBY g 1 1", "HDEL h 1", "HSETNX i 1 1", "HINCRBY h 2 1"],
      ...["OBJECT ENCODING f", "OBJECT ENCODING g", "OBJECT ENCODING h", "OBJECT ENCODING i"],
      ...["CONFIG SET hash-max-listpack-value 2", "HINCRBY h 2 1000", "OBJECT ENCODING h"],
      ...["HINCRBYFLOAT b 1 1.5", "HINCRBYFLOAT j 1 1.5", "OBJECT ENCODING j"],
    ],
    cleanup,
  },
  ...Array.from({ length: 6 }, (_, i) =>
    inBothEncodings(`random commands ${i}`, mixed(random, 250)).map((one) => ({
      ...one,
      steps: one.steps.slice(0, -1),
    })),
  ).flat(),
];

/** Whether two arrays have the same number of elements, and so have the arrays in them. */
function sameLength(
  ours: { readonly type: string; readonly items?: unknown },
  theirs: { readonly type: string; readonly items?: unknown },
): boolean {
  if (ours.type !== theirs.type) return false;
  if (!Array.isArray(ours.items) || !Array.isArray(theirs.items)) return true;
  const others = theirs.items;
  return (
    ours.items.length === others.length &&
    ours.items.every((item, index) => sameLength(item, others[index]))
  );
}
