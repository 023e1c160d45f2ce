/** Bits, bit fields and operations on whole strings: every option, numbers at edges, strings of every form and length. */
import type { Random } from "../../../src/base/random.ts";
import { pick, seeded } from "../../support/seed.ts";
import type { Case, Step } from "../case.ts";

const NUMBERS: readonly string[] = [
  ...[
    "-9223372036854775809",
    "-9223372036854775808",
    "-9223372036854775807",
    "-4611686018427387905",
  ],
  ...["-4503599627370497", "-2251799813685249", "-4294967297", "-129", "-128", "-17", "-9", "-8"],
  ...["-7", "-1", "0", "1", "2", "7", "8", "9", "100", "127", "128", "255", "256", "65535"],
  ...["2147483647", "2147483648", "4294967288", "4294967295", "4294967296", "2251799813685248"],
  ...["4503599627370495", "9007199254740993", "4611686018427387904", "9223372036854775807"],
  ...["9223372036854775808", "1.5", "+1", "01", " 1", "", "abc", "inf"],
];

/** Numbers that make no string of half a gigabyte as an offset. */
const OFFSETS: readonly string[] = NUMBERS.filter((number) => !/^[24]\d{9}$/.test(number));

const TYPES: readonly string[] = [
  ...["i1", "u1", "i2", "u7", "i8", "u8", "i9", "u16", "i17", "i31", "u31", "i32", "u32", "i33"],
  ...["u33", "i50", "i51", "u51", "i52", "u52", "i53", "u53", "i54", "u62", "i63", "u63", "i64"],
];

const BAD_TYPES: readonly string[] = [
  ...["u64", "i65", "i0", "u0", "i", "u", "", "x8", "U8", "I8", "i08", "i+8", "i8 ", "i123", "i-1"],
];

const VALUES: readonly string[] = [
  ...["", "\x00", "\xff", "foobar", "12345", "-1", "\xff\xf0\x00", "\x00\x00\x80", "\x00\xff\xff"],
  ...["\xff".repeat(40), "\x00".repeat(41), `${"\x00".repeat(70)}\x10${"\xff".repeat(9)}`],
  ...[`${"\xff".repeat(100)}\xfe`, "abc".repeat(700)],
];

const RANGES: readonly (readonly string[])[] = [
  ...[
    ["0", "-1"],
    ["0", "0"],
    ["1", "1"],
    ["1", "-2"],
    ["-2", "-1"],
    ["-1", "-2"],
    ["5", "2"],
  ],
  ...[
    ["2", "100000"],
    ["100000", "200000"],
    ["-100000", "-1"],
    ["-100000", "3"],
    ["3", "-100000"],
  ],
  ...[
    ["7", "8"],
    ["9", "17"],
    ["37", "640"],
    ["64", "66"],
    ["0", "7"],
    ["8", "-9"],
    ["13", "-5"],
  ],
];

const COMMANDS: readonly string[] = [
  ...["SETBIT", "GETBIT", "BITCOUNT", "BITPOS", "BITOP", "BITFIELD", "BITFIELD_RO"],
];

function positions(number: string): readonly Step[] {
  const steps: Step[] = [];
  for (const [key, value] of [
    ["text", "foobar"],
    ["digits", "12345"],
    ["empty", ""],
  ] as const) {
    steps.push(["SET", key, value], ["GETBIT", key, number]);
    for (const other of ["0", "-1", "13", "-9223372036854775808", "9223372036854775807", "x"]) {
      for (const unit of [[], ["BIT"], ["byte"], ["foo"]]) {
        steps.push(["BITCOUNT", key, number, other, ...unit]);
        steps.push(["BITCOUNT", key, other, number, ...unit]);
        for (const bit of ["0", "1"]) {
          steps.push(["BITPOS", key, bit, number, other, ...unit]);
          steps.push(["BITPOS", key, bit, other, number, ...unit]);
        }
      }
    }
    steps.push(["BITPOS", key, "0", number], ["BITPOS", key, "1", number], ["BITPOS", key, number]);
    steps.push(["SETBIT", key, "3", number], ["SETBIT", key, "4", number]);
  }
  return steps;
}

function offsets(number: string): readonly Step[] {
  const steps: Step[] = [
    ["SETBIT", "new", number, "1"],
    ["SETBIT", "new zero", number, "0"],
    ["STRLEN", "new zero"],
    ["SETBIT", "new", number, "2"],
    ["GETBIT", "new", number],
    ["BITFIELD", "f", "GET", "u8", number, "GET", "i64", number],
    ["BITFIELD", "f", "SET", "u5", number, "21"],
    ["BITFIELD", "f", "INCRBY", "i13", number, "-3", "GET", "i13", number],
    ["BITFIELD", "g", "GET", "u7", `##${number}`],
  ];
  // A product that does not fit into 64 bits wraps around in redis-server, into valid positions too.
  if (/\d{19}/.test(number)) return steps;
  steps.push(["BITFIELD", "g", "SET", "i64", `#${number}`, "-2"]);
  return [...steps, ["BITFIELD_RO", "g", "GET", "u7", `#${number}`]];
}

/** Sets and adds the number in each type with each way to overflow. */
function fields(number: string): readonly Step[] {
  const steps: Step[] = [];
  for (const type of TYPES) {
    for (const overflow of ["WRAP", "SAT", "FAIL"]) {
      const base = ["OVERFLOW", overflow];
      steps.push(
        ["BITFIELD", "k", ...base, "SET", type, "3", number, "GET", type, "3"],
        ["BITFIELD", "k", ...base, "INCRBY", type, "3", number, "INCRBY", type, "3", number],
        ["BITFIELD", "k", ...base, "SET", type, "#2", "-1", "INCRBY", type, "#2", number],
        ["BITFIELD", "k", ...base, "SET", type, "#2", "9223372036854775807"],
        ["BITFIELD", "k", ...base, "INCRBY", type, "#2", number, "GET", "u8", "0"],
        ["BITFIELD", "k", ...base, "SET", type, "#1", "-9223372036854775808"],
        ["BITFIELD", "k", ...base, "INCRBY", type, "#1", number, "GET", type, "1000"],
      );
    }
  }
  return steps;
}

function ranges(value: string): readonly Step[] {
  const steps: Step[] = [["SET", "k", value], "BITCOUNT k", "BITPOS k 0", "BITPOS k 1"];
  for (const range of RANGES) {
    for (const unit of [[], ["BIT"], ["BYTE"]]) {
      steps.push(["BITCOUNT", "k", ...range, ...unit]);
      steps.push(["BITPOS", "k", "0", ...range, ...unit], ["BITPOS", "k", "1", ...range, ...unit]);
    }
    steps.push(["BITPOS", "k", "0", range[0]!], ["BITPOS", "k", "1", range[0]!]);
  }
  for (const bit of ["0", "7", "9", "40", "41", "600"]) {
    steps.push(["SET", "s", value], ["GETBIT", "s", bit], ["SETBIT", "s", bit, "1"]);
    steps.push("OBJECT ENCODING s", ["SETBIT", "s", bit, "0"], "GET s", "BITCOUNT s");
  }
  return steps;
}

function randomBytes(random: Random, length: number): string {
  // Long runs of one byte as well as noise.
  const noise = random.below(3) > 0;
  const same = pick(random, ["\x00", "\xff", "\x55"]);
  let text = "";
  while (text.length < length) text += noise ? String.fromCharCode(random.below(256)) : same;
  return text;
}

/** Strings of some length, and bit operations of them into each other. */
function operations(random: Random, lengthMax: number): readonly Step[] {
  const keys = ["a", "b", "c", "d", "none"];
  const steps: Step[] = [];
  for (let round = 0; round < 12; round++) {
    for (const key of ["a", "b", "c"]) {
      if (random.below(2) === 0) continue;
      steps.push(["SET", key, randomBytes(random, random.below(lengthMax)), "EX", "1000"]);
    }
    if (random.below(3) === 0) steps.push(["SET", "d", `${random.int32()}`]);
    for (let i = 0; i < 6; i++) {
      const operation = pick(random, ["AND", "or", "XOR", "NOT", "AND", "OR"]);
      const count = operation === "NOT" ? 1 : 1 + random.below(4);
      const sources = Array.from({ length: count }, () => pick(random, keys));
      const target = pick(random, keys.slice(0, 4));
      steps.push(["BITOP", operation, target, ...sources], ["GET", target], ["TTL", target]);
      steps.push(["BITCOUNT", target], ["BITPOS", target, "1"], ["BITPOS", target, "0"]);
      const range = [`${random.below(lengthMax * 8)}`, `${random.below(lengthMax * 8)}`];
      steps.push(["BITCOUNT", target, ...range, "BIT"], ["BITPOS", target, "0", ...range, "BIT"]);
      steps.push(["BITPOS", target, "1", ...range, "BIT"], ["BITCOUNT", target, "1", range[1]!]);
    }
  }
  return steps;
}

function randomFields(random: Random): readonly Step[] {
  return Array.from({ length: 200 }, (): Step => {
    const words: string[] = [];
    for (let i = 1 + random.below(4); i > 0; i--) {
      if (random.below(2) === 0) words.push("OVERFLOW", pick(random, ["WRAP", "SAT", "FAIL"]));
      const type = `${pick(random, ["i", "u"])}${1 + random.below(63)}`;
      const offset = `${pick(random, ["", "#"])}${random.below(40)}`;
      const value =
        random.below(2) === 0 ? pick(random, NUMBERS.slice(1, 30)) : `${random.int32()}`;
      words.push(
        ...pick(random, [
          ["GET", type, offset],
          ["SET", type, offset, value],
        ]),
      );
      words.push("INCRBY", type, offset, value);
    }
    return ["BITFIELD", pick(random, ["a", "b"]), ...words];
  });
}

const random = seeded("random bitmaps");

export const cases: readonly Case[] = [
  ...NUMBERS.map((number): Case => ({
    name: `bits from and to ${JSON.stringify(number)}`,
    steps: positions(number),
  })),
  ...OFFSETS.map((number): Case => ({
    name: `bits at ${JSON.stringify(number)}`,
    steps: offsets(number),
  })),
  ...NUMBERS.map((number): Case => ({
    name: `fields of ${JSON.stringify(number)}`,
    protocols: [3],
    steps: fields(number),
  })),
  ...VALUES.map((value, index): Case => ({
    name: `counting and finding bits, value ${index}`,
    steps: ranges(value),
  })),
  ...[1, 3, 20, 45, 1100, 30_000].map((lengthMax): Case => ({
    name: `operations on strings of up to ${lengthMax} bytes`,
    protocols: [2],
    steps: operations(random, lengthMax),
  })),
  ...Array.from({ length: 5 }, (_, index): Case => ({
    name: `random fields ${index}`,
    protocols: [2],
    steps: randomFields(random),
  })),
  {
    name: "types of fields that do not exist",
    steps: [...BAD_TYPES, ...TYPES].flatMap((type): Step[] => [
      ["BITFIELD", "k", "GET", type, "0"],
      ["BITFIELD", "k", "SET", type, "0", "1"],
      ["BITFIELD_RO", "k", "GET", type, "5"],
    ]),
  },
  {
    name: "what is refused changes nothing",
    steps: [
      ...["SET k abc", "BITFIELD k SET u8 0 1 FOO", "BITFIELD k SET u8 0 1 SET u8 0", "GET k"],
      ...["BITFIELD k SET u8 0 1 OVERFLOW", "BITFIELD k SET u8 0 1 OVERFLOW FOO", "GET k"],
      ...["BITFIELD k SET u8 0 1 GET u8 -1", "BITFIELD_RO k SET u8 0 1", "BITFIELD_RO k FOO"],
      ...["BITFIELD_RO k INCRBY u8 0 1", "BITFIELD_RO k OVERFLOW SAT GET u8 0", "GET k"],
      ...[
        "BITFIELD k",
        "BITFIELD_RO k",
        "BITFIELD none",
        "BITFIELD none OVERFLOW SAT",
        "EXISTS none",
      ],
      ...["BITFIELD none GET u8 0", "BITFIELD none OVERFLOW FAIL SET u8 100 300", "STRLEN none"],
      ...["BITOP FOO d k", "BITOP NOT d k k", "BITOP AND d", "BITOP", "GET k"],
      ...["BITCOUNT k 0", "BITCOUNT k 0 1 BIT x", "BITPOS k", "BITPOS k 1 0 1 BIT x", "BITPOS k 2"],
    ],
  },
  {
    name: "encodings and times to live",
    steps: [
      ...["SET i 123 EX 1000", "BITFIELD i GET u8 0", "OBJECT ENCODING i", "BITCOUNT i", "TTL i"],
      ...["BITFIELD i SET u8 0 49", "OBJECT ENCODING i", "INCR i", "TTL i", "SET j 7"],
      ...["SETBIT j 7 1", "OBJECT ENCODING j", "SET e text", "SETBIT e 0 0", "OBJECT ENCODING e"],
      ...["SET e text EX 1000", "BITOP OR e e", "TTL e", "OBJECT ENCODING e", "SET n 5 EX 1000"],
      ...["BITOP OR n n", "OBJECT ENCODING n", "TTL n", "INCR n", 'SET z ""', "BITOP OR z z"],
      ...["EXISTS z", "BITOP AND e none", "EXISTS e", "BITOP AND none none", "SETBIT new 5 0"],
      ...["STRLEN new", "OBJECT ENCODING new"],
    ],
  },
  {
    name: "wrong numbers of arguments",
    steps: COMMANDS.flatMap((command) =>
      Array.from({ length: 8 }, (_, count): Step => [
        command,
        ...["k", "1", "2", "3", "4", "5", "6"].slice(0, count),
      ]),
    ),
  },
];
