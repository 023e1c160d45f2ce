/** Sets: members, moves, random choices, algebra with and without storing, scans; in every encoding. */
import { pick, seeded } from "../../support/seed.ts";
import type { RespValue } from "../../support/resp-value.ts";
import { show } from "../../support/resp-value.ts";
import type { Case, DetailedStep, Step } from "../case.ts";

function unordered(...lines: readonly string[]): DetailedStep[] {
  return lines.map((run) => ({ run, compare: "unordered" }));
}

/** Replies of SSCAN: the same cursor, the same members in any order. */
function sameScan(ours: RespValue, theirs: RespValue): boolean {
  if (ours.type !== "array" || theirs.type !== "array") return show(ours) === show(theirs);
  const flat = (value: RespValue): string => {
    if (value.type !== "array") return "";
    const [cursor, members] = value.items;
    const shown = members?.type === "array" ? members.items.map(show).toSorted() : [];
    return `${show(cursor!)} ${shown.join()}`;
  };
  return flat(ours) === flat(theirs);
}

function scans(...lines: readonly string[]): DetailedStep[] {
  return lines.map((run) => ({ run, compare: sameScan }));
}

const INTEGERS = [
  ...["0", "1", "-1", "5", "100", "32767", "32768", "-32768", "-32769", "2147483647", "2147483648"],
  ...["-2147483648", "-2147483649", "9223372036854775807", "-9223372036854775808"],
];
const WORDS = [
  ...["", "a", "b", "c", "abc", "\x00\xff\r\n", "01", "+1", "-0", "1.0", "9223372036854775808"],
  ...["x".repeat(7), "x".repeat(8), "x".repeat(23), "x".repeat(24), "y".repeat(64)],
];
const LONG = [
  "y".repeat(65),
  "z".repeat(254),
  "z".repeat(255),
  "z".repeat(256),
  "z".repeat(70_000),
];

/** Sets that a case begins with: one in each encoding, and some that share members with them. */
const FIXTURE: readonly Step[] = [
  "SADD ints 1 2 3 4 5 100000 -7",
  "SADD more 2 4 6 8 100000",
  "SADD words a b c 1 2 3",
  "SADD other b c d 3 4",
  ["SADD", "long", "a", "1", "z".repeat(100), "2"],
  ["SADD", "big", ...Array.from({ length: 300 }, (_, i) => `m${i}`), "1", "2", "a"],
  ["SADD", "many", ...Array.from({ length: 600 }, (_, i) => `${i * 3}`)],
  "SET string x",
];
const KEYS = ["ints", "more", "words", "other", "long", "big", "many", "none"];

/** Every pair and some triples of the sets of the fixture. */
function algebra(): Step[] {
  const steps: Step[] = [...FIXTURE];
  const lists: string[][] = KEYS.map((key) => [key]);
  for (const a of KEYS) for (const b of KEYS) lists.push([a, b]);
  lists.push(["ints", "many", "big"], ["big", "ints", "words", "other"], ["many", "none", "ints"]);
  for (const list of lists) {
    const keys = list.join(" ");
    steps.push(...unordered(`SINTER ${keys}`, `SUNION ${keys}`, `SDIFF ${keys}`));
    steps.push(`SINTERCARD ${list.length} ${keys}`, `SINTERCARD ${list.length} ${keys} LIMIT 2`);
    for (const name of ["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"]) {
      steps.push(`${name} to ${keys}`, { run: "SMEMBERS to", compare: "unordered" });
      steps.push("OBJECT ENCODING to", "TTL to", "EXPIRE to 100");
    }
  }
  return steps;
}

/** The destination is one of the sets, in every place. */
function aliases(): Step[] {
  const steps: Step[] = [];
  for (const name of ["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"]) {
    for (const keys of [
      ...["ints ints", "ints ints more", "more ints more", "big big words", "words big words"],
      ...["many ints many", "ints ints ints", "big big none", "none none big", "words none words"],
      ...["string ints more", "string none", "long words big long", "string words string"],
    ]) {
      steps.push("FLUSHALL", ...FIXTURE, `${name} ${keys}`);
      steps.push({ run: `SMEMBERS ${keys.split(" ")[0]}`, compare: "unordered" }, "EXISTS string");
    }
  }
  return steps;
}

/** Two SDIFFs that Redis computes by taking away, and one by looking up. */
const DIFFERENCES: readonly Step[] = [
  ["SADD", "a", ...Array.from({ length: 1000 }, (_, i) => `${i}`)],
  ["SADD", "a2", ...Array.from({ length: 1000 }, (_, i) => `m${i}`)],
  ["SADD", "b", "1", "2", "3", "m5"],
  ["SADD", "c", "4", "x", "m6", "m7"],
  ["SADD", "d", "5"],
  ...unordered("SDIFF a b c d", "SDIFF a2 b c d", "SDIFF b a c", "SDIFF b a a2", "SDIFF b c d"),
  ...[
    "SDIFFSTORE t a b c d",
    "SDIFFSTORE u a2 b c d",
    "SDIFFSTORE b b a a2",
    "SDIFFSTORE a a d b c",
  ],
  ...["SCARD a", "SDIFFSTORE a a a", "EXISTS a"],
];

const random = seeded("random set commands");

function randomSteps(length: number): Step[] {
  const keys = ["a", "b", "c", "d"];
  const steps: Step[] = [];
  const member = (): string => {
    const kind = random.below(6);
    if (kind === 0) return pick(random, WORDS);
    if (kind === 1) return pick(random, INTEGERS);
    if (kind === 2 && random.below(20) === 0) return pick(random, LONG);
    if (kind === 3) return `w${random.below(300)}`;
    return `${random.below(800)}`;
  };
  const members = (): string[] =>
    Array.from({ length: 1 + random.below(random.below(8) === 0 ? 200 : 6) }, member);
  for (let i = 0; i < length; i++) {
    const key = pick(random, keys);
    const others = Array.from({ length: 1 + random.below(3) }, () => pick(random, keys));
    switch (random.below(14)) {
      case 0:
        steps.push({ run: ["SMEMBERS", key], compare: "unordered" });
        break;
      case 1:
        steps.push(["SREM", key, ...members()]);
        break;
      case 2:
        steps.push(["SMOVE", key, pick(random, keys), member()]);
        break;
      case 3:
        steps.push(["SMISMEMBER", key, ...members()], ["SCARD", key]);
        break;
      case 4: {
        const run = [pick(random, ["SINTER", "SUNION", "SDIFF"]), ...others];
        steps.push({ run, compare: "unordered" });
        break;
      }
      case 5:
        if (random.below(3) === 0) {
          const name = pick(random, ["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"]);
          steps.push([name, key, ...others]);
        }
        break;
      case 6:
        steps.push(["SINTERCARD", `${others.length}`, ...others, "LIMIT", `${random.below(9)}`]);
        break;
      case 7:
        steps.push({
          run: ["SRANDMEMBER", key, `${random.below(400) - 200}`],
          compare: sameLength,
        });
        break;
      case 8:
        if (random.below(6) === 0) steps.push(["DEL", key]);
        else if (random.below(3) === 0) steps.push(["COPY", key, pick(random, keys), "REPLACE"]);
        break;
      default:
        steps.push(["SADD", key, ...members()]);
    }
  }
  return steps;
}

/** Arrays of as many elements. */
function sameLength(ours: RespValue, theirs: RespValue): boolean {
  if (ours.type !== "array" || theirs.type !== "array") return show(ours) === show(theirs);
  return ours.items.length === theirs.items.length;
}

export const cases: readonly Case[] = [
  {
    name: "members of every kind are added, found and removed",
    steps: [
      ...[...INTEGERS, ...WORDS, ...LONG].flatMap((member): Step[] => [
        ["SADD", "k", member],
        ["SADD", "k", member],
        ["SISMEMBER", "k", member],
        ["SADD", "alone", member],
        ["OBJECT", "ENCODING", "alone"],
        { run: ["SMEMBERS", "alone"], compare: "unordered" },
        ["SADD", "alone", "1"],
        ["OBJECT", "ENCODING", "alone"],
        ["SREM", "alone", member, "1"],
        ["EXISTS", "alone"],
      ]),
      ["SMISMEMBER", "k", ...INTEGERS, ...WORDS, ...LONG, "absent"],
      { run: "SMEMBERS k", compare: "unordered" },
      ...[...LONG, ...WORDS, ...INTEGERS].flatMap((member): Step[] => [
        ["SREM", "k", member],
        ["SREM", "k", member, "absent"],
        "SCARD k",
      ]),
      "EXISTS k",
    ],
  },
  {
    name: "integers of every width",
    steps: [
      ...INTEGERS.flatMap((member): Step[] => [["SADD", "k", member], "OBJECT ENCODING k"]),
      { run: "SMEMBERS k", compare: "exact" },
      ...INTEGERS.flatMap((member): Step[] => [["SREM", "k", member], "SMEMBERS k"]),
    ],
  },
  {
    name: "at the limits of intsets",
    steps: [
      ["SADD", "k", ...Array.from({ length: 511 }, (_, i) => `${i}`)],
      ...["OBJECT ENCODING k", "SADD k 1000", "OBJECT ENCODING k", "SADD k 5", "OBJECT ENCODING k"],
      ...["SADD k 1001", "OBJECT ENCODING k", "SREM k 1001 1 2 3", "OBJECT ENCODING k"],
      { run: "SMEMBERS k", compare: "unordered" },
      ...["CONFIG SET set-max-intset-entries 3", "SADD j 1 2 3", "OBJECT ENCODING j", "SADD j 4"],
      ...[
        "OBJECT ENCODING j",
        "CONFIG SET set-max-intset-entries 0",
        "SADD i 1",
        "OBJECT ENCODING i",
      ],
    ],
    cleanup: ["CONFIG SET set-max-intset-entries 512"],
  },
  {
    name: "missing keys, wrong types, wrong numbers of arguments",
    steps: [
      ...FIXTURE,
      ...[
        "SADD",
        "SADD k",
        "SREM k",
        "SISMEMBER k",
        "SMISMEMBER k",
        "SCARD",
        "SMEMBERS",
        "SMOVE a b",
      ],
      ...[
        "SPOP",
        "SRANDMEMBER",
        "SINTER",
        "SINTERSTORE k",
        "SINTERCARD 1",
        "SUNION",
        "SUNIONSTORE k",
      ],
      ...["SDIFF", "SDIFFSTORE k", "SSCAN k", "SCARD k x", "SISMEMBER k a b", "SMEMBERS k x"],
      ...["SADD string a", "SREM string a", "SISMEMBER string a", "SMISMEMBER string a b"],
      ...["SCARD string", "SMEMBERS string", "SMOVE string words a", "SMOVE words string a"],
      ...["SMOVE none string a", "SMOVE string string a", "SPOP string", "SPOP string 1"],
      ...["SPOP string -1", "SRANDMEMBER string", "SRANDMEMBER string 1", "SRANDMEMBER string x"],
      ...["SINTER string", "SINTER none string", "SINTER words string", "SINTERSTORE t string"],
      ...[
        "SINTERSTORE string none",
        "SET string x",
        "SINTERCARD 1 string",
        "SINTERCARD 2 none string",
      ],
      ...["SUNION words string", "SUNIONSTORE t words string", "SDIFF words string"],
      ...["SDIFF none string", "SDIFFSTORE t none string", "SSCAN string 0", "SSCAN string x"],
      ...["SREM none a", "SISMEMBER none a", "SMISMEMBER none a b", "SCARD none", "SMEMBERS none"],
      ...["SMOVE none words a", "SMOVE none none a", "SPOP none", "SPOP none 2", "SPOP none 0"],
      ...["SRANDMEMBER none", "SRANDMEMBER none 2", "SRANDMEMBER none -2", "SINTER none"],
      ...["SUNION none", "SUNION none none", "SDIFF none", "SDIFF none words", "SSCAN none 0"],
      ...["SSCAN none 0 FOO", "SSCAN none x", "SINTERSTORE t none", "SUNIONSTORE t none"],
      ...["SDIFFSTORE t none", "SINTERCARD 1 none", "SINTERCARD 2 none words"],
    ],
  },
  {
    name: "counts and cursors at the edges",
    steps: [
      ...FIXTURE,
      ...[
        "-9223372036854775808",
        "-9223372036854775809",
        "9223372036854775808",
        "x",
        "",
        "1.5",
        "nan",
      ].flatMap((number): Step[] => [
        ["SPOP", "words", number],
        ["SRANDMEMBER", "words", number],
        ["SRANDMEMBER", "none", number],
        ["SINTERCARD", number, "words"],
        ["SINTERCARD", "1", "words", "LIMIT", number],
        ["SSCAN", "words", "0", "COUNT", number],
      ]),
      ...[
        "SPOP words 0",
        "SPOP words -1",
        "SPOP words 1 1",
        "SRANDMEMBER words 0",
        "SRANDMEMBER words 1 1",
      ],
      ...[
        "SINTERCARD 0 words",
        "SINTERCARD -1 words",
        "SINTERCARD 2 words",
        "SINTERCARD 1 words LIMIT",
      ],
      ...[
        "SINTERCARD 1 words LIMIT 0",
        "SINTERCARD 1 words LIMIT 2 LIMIT 1",
        "SINTERCARD 1 words FOO 1",
      ],
      ...[
        "SINTERCARD 1 words limit 4",
        "SINTERCARD 1 words other",
        "SINTERCARD 2 words words LIMIT 100",
      ],
      ...[
        "SSCAN words 0 COUNT 0",
        "SSCAN words 0 COUNT -1",
        "SSCAN words 0 COUNT",
        "SSCAN words 0 MATCH",
      ],
      ...["SSCAN words 0 TYPE set", "SSCAN words 0 NOVALUES", "SSCAN words -x", "SSCAN words 1.0"],
      ...scans("SSCAN ints 0", "SSCAN ints 5", "SSCAN ints -1", "SSCAN ints 0 MATCH *0*"),
      ...scans(
        "SSCAN ints 18446744073709551615",
        "SSCAN ints 0 COUNT 1",
        "SSCAN words 0 COUNT 100",
      ),
      ...scans("SSCAN words 0 MATCH [ab] COUNT 100", "SSCAN words 0 MATCH * COUNT 100"),
      ...scans(
        'SSCAN words 0 MATCH "" COUNT 100',
        "SSCAN big 0 COUNT 10000",
        "SSCAN many 0 COUNT 9999",
      ),
      ...scans("SSCAN big 0 MATCH m1? COUNT 10000", "SSCAN words 0 count 100 match c match a"),
    ],
  },
  {
    name: "members move between sets",
    steps: [
      ...FIXTURE,
      ...[
        "SMOVE words other a",
        "SMOVE words other a",
        "SMOVE words other b",
        "SMOVE words words c",
      ],
      ...[
        "SMOVE words words zz",
        "SMOVE words fresh c",
        "SMOVE ints fresh 100000",
        "SMOVE ints more x",
      ],
      ...[
        "SMOVE ints more 1",
        "SMOVE big ints m7",
        "SMOVE many ints 9",
        "SADD one x",
        "SMOVE one two x",
      ],
      ...[
        "EXISTS one two",
        "SMOVE two two x",
        "EXISTS two",
        "EXPIRE two 100",
        "SMOVE words two 1",
        "TTL two",
      ],
      ...unordered("SMEMBERS fresh", "SMEMBERS two", "SMEMBERS ints", "SMEMBERS words"),
    ],
  },
  {
    name: "popping all, choosing all",
    steps: [
      ...FIXTURE,
      ...KEYS.flatMap((key): Step[] => [
        { run: `SRANDMEMBER ${key} 5000`, compare: "unordered" },
        { run: `SRANDMEMBER ${key} 1`, compare: sameLength },
        { run: `SRANDMEMBER ${key} -50`, compare: sameLength },
        { run: `SRANDMEMBER ${key}`, compare: "type" },
        { run: `SPOP ${key} 5000`, compare: "unordered" },
        `EXISTS ${key}`,
      ]),
      ...["SADD k a", "SPOP k", "EXISTS k", "SADD k 1", "SPOP k 1", "EXISTS k", "SADD k a b c"],
      ...[{ run: "SPOP k", compare: "type" } as const, "SCARD k", "DEL k"],
    ],
  },
  { name: "algebra of two and three sets in all encodings", steps: algebra() },
  { name: "the destination is one of the sets", steps: aliases() },
  { name: "differences by taking away and by looking up", steps: DIFFERENCES },
  ...[0, 1, 2].map((round): Case => ({
    name: `random commands, round ${round}`,
    steps: randomSteps(600),
  })),
];
