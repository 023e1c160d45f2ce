/** Strings: every command and option, every number at an edge, wrong numbers of arguments. */
import type { Case, Step } from "../case.ts";

/** What may stand where a number should. */
const NUMBERS: readonly string[] = [
  ...["-9223372036854775809", "-9223372036854775808", "-9223372036854775807", "-2147483649"],
  ...["-1", "0", "1", "2147483647", "2147483648", "4294967296", "9007199254740991"],
  ...["9007199254740992", "9007199254740993", "9223372036854775806", "9223372036854775807"],
  ...["9223372036854775808", "18446744073709551615", "12345678901234567890123"],
  ...[
    "1e308",
    "-1e4000",
    "1e5000",
    "1e-5000",
    "3e-4940",
    "0.1",
    "1.5",
    "-1.5e-3",
    ".5",
    "5.",
    "1e3",
  ],
  ...["nan", "inf", "-inf", "infinity", "0x10", "0x1p-5", "0x", "1e", "01", "+1", "-0"],
  ...[" 1", "1 ", "1\0", "", "abc"],
];

/** Times around those whose sum with the clock no longer fits into 64 bits. */
const LARGE_TIMES: readonly string[] = [
  ...["9223370000000000", "9223371000000000", "9223372036854775", "9223372036854776"],
  ...["9223370000000000000", "9223371000000000000", "9223372036854775807"],
];

const TIME_OPTIONS: readonly string[] = ["EX", "PX", "EXAT", "PXAT"];

/** Options as they are written, right and wrong. */
const OPTIONS: readonly (readonly string[])[] = [
  ...[["NX"], ["XX"], ["GET"], ["KEEPTTL"], ["PERSIST"], ["nx"], ["keepttl"], ["foo"], [""]],
  ...[
    ["EX", "100"],
    ["px", "100000"],
    ["EXAT", "99999999999"],
    ["PXAT", "99999999999999"],
  ],
  ...[["EX"], ["PXAT"], ["EXAT", "1"], ["EX", "0"], ["PX", "x"]],
];

const COMMANDS: readonly string[] = [
  ...["GET", "SET", "SETNX", "SETEX", "PSETEX", "GETSET", "GETDEL", "GETEX", "MGET", "MSET"],
  ...["MSETNX", "APPEND", "STRLEN", "GETRANGE", "SUBSTR", "SETRANGE", "INCR", "DECR", "INCRBY"],
  ...["DECRBY", "INCRBYFLOAT", "LCS"],
];

const ARGUMENTS: readonly string[] = ["k", "1", "2", "3", "4", "5"];

function counters(number: string): readonly Step[] {
  const steps: Step[] = [
    ["SET", "k", number],
    ["STRLEN", "k"],
    ...["INCR", "DECR", "INCRBYFLOAT", "GET", "APPEND", "INCR", "GET"].map((command): Step => {
      return command === "INCRBYFLOAT" || command === "APPEND"
        ? [command, "k", "1"]
        : [command, "k"];
    }),
  ];
  for (const command of ["INCRBY", "DECRBY", "INCRBYFLOAT"]) {
    const key = `${command} new`;
    steps.push([command, key, number], ["GET", key]);
    for (const old of [
      "10",
      "-9223372036854775807",
      "9223372036854775807",
      "1.25",
      "abc",
      number,
    ]) {
      const held = `${command} ${old}`;
      steps.push(["SET", held, old, "EX", "1000"], [command, held, number], ["GET", held]);
    }
  }
  return steps;
}

function ranges(number: string): readonly Step[] {
  const steps: Step[] = [];
  for (const [key, value] of [
    ["text", "hello world"],
    ["digits", "12345"],
    ["empty", ""],
  ] as const) {
    steps.push(["SET", key, value]);
    for (const other of ["0", "-1", "3", "-9223372036854775808", "9223372036854775807", "x"]) {
      steps.push(["GETRANGE", key, number, other], ["GETRANGE", key, other, number]);
      steps.push(["SUBSTR", key, number, other]);
    }
    steps.push(["SETRANGE", key, number, ""], ["SETRANGE", key, number, "xy"], ["GET", key]);
  }
  steps.push(["GETRANGE", "none", number, "5"], ["SETRANGE", "none", number, ""]);
  steps.push(["SETRANGE", "none", number, "abc"], ["GET", "none"]);
  return steps;
}

function times(number: string): readonly Step[] {
  const steps: Step[] = [];
  for (const option of TIME_OPTIONS) {
    steps.push(["SET", `new ${option}`, "v", option, number], ["GET", `new ${option}`]);
    steps.push(
      ["SET", `old ${option}`, "v", "EX", "50"],
      ["SET", `old ${option}`, "w", option, number],
    );
    steps.push(["GET", `old ${option}`], ["GETEX", "none", option, number]);
    steps.push(["SET", `read ${option}`, "v"], ["GETEX", `read ${option}`, option, number]);
    steps.push(["GET", `read ${option}`]);
  }
  steps.push(["SETEX", "s", number, "v"], ["PSETEX", "p", number, "v"], ["MGET", "s", "p"]);
  return steps;
}

function optionPairs(first: readonly string[]): readonly Step[] {
  const steps: Step[] = [
    ["SET", "k", "v", ...first],
    ["GETDEL", "k"],
  ];
  for (const second of OPTIONS) {
    for (const third of [[], ["GET"], ["XX"], ["KEEPTTL"], ["EX", "5"]]) {
      const all = [...first, ...second, ...third];
      steps.push(["SET", "k", "1", ...all], ["GET", "k"], ["SET", "k", "2", ...all], ["GET", "k"]);
    }
    steps.push(["SET", "k", "3", "EX", "70"], ["GETEX", "k", ...first, ...second], ["GETDEL", "k"]);
  }
  return steps;
}

function subsequences(a: string, b: string): readonly Step[] {
  const options = [
    ...["", "LEN", "IDX", "IDX LEN", "IDX WITHMATCHLEN", "LEN MINMATCHLEN 2", "IDX MINMATCHLEN"],
    ...["foo", "idx minmatchlen 2 withmatchlen", "WITHMATCHLEN", "IDX MINMATCHLEN x"],
    ...["IDX MINMATCHLEN -3", "IDX MINMATCHLEN 9223372036854775807", "MINMATCHLEN 1.5"],
  ];
  return [
    ["MSET", "a", a, "b", b],
    ...options.map((line): Step => `LCS a b ${line}`),
    "LCS a none",
    "LCS none a IDX",
    "LCS a a IDX WITHMATCHLEN",
    "LCS none none LEN",
  ];
}

const SUBSEQUENCES: readonly (readonly [string, string])[] = [
  ...([
    ["ohmytext", "mynewtext"],
    ["", ""],
    ["a", ""],
    ["aaaa", "aa"],
  ] as const),
  ...([
    ["abcabcabc", "cbacba"],
    ["xyz", "abc"],
    ["12345", "345"],
  ] as const),
  ...([
    ["hello world foo", "foo world hello"],
    ["ab".repeat(300), "ba".repeat(200)],
  ] as const),
];

export const cases: readonly Case[] = [
  ...NUMBERS.flatMap((number): Case[] => [
    { name: `counters by and of ${JSON.stringify(number)}`, steps: counters(number) },
    { name: `ranges at ${JSON.stringify(number)}`, steps: ranges(number) },
    // A key that lives for milliseconds may be gone before it is read.
    ...(Number(number) > 0 && Number(number) < 5000
      ? []
      : [{ name: `times of ${JSON.stringify(number)}`, steps: times(number) }]),
    {
      name: `LCS with matches of ${JSON.stringify(number)} bytes`,
      steps: ["MSET a ohmytext b mynewtext", ["LCS", "a", "b", "IDX", "MINMATCHLEN", number]],
    },
  ]),
  ...LARGE_TIMES.map((time): Case => ({ name: `times of ${time}`, steps: times(time) })),
  ...OPTIONS.map((option): Case => ({
    name: `SET and GETEX with "${option.join(" ")}" and other options`,
    steps: optionPairs(option),
  })),
  ...SUBSEQUENCES.map(([a, b]): Case => ({
    name: `LCS of ${a.slice(0, 20)} and ${b.slice(0, 20)}`,
    steps: subsequences(a, b),
  })),
  {
    name: "LCS refuses a table larger than the largest string",
    steps: [
      ["SET", "a", "x".repeat(12_000)],
      ["SET", "b", "y".repeat(12_000)],
      "LCS a b LEN",
      "LCS a b",
    ],
  },
  {
    name: "wrong numbers of arguments",
    steps: COMMANDS.flatMap((command) =>
      Array.from({ length: 7 }, (_, count): Step => [command, ...ARGUMENTS.slice(0, count)]),
    ),
  },
  {
    name: "SET, MSET, SETEX, PSETEX and GETSET replace the time to live",
    steps: [
      ...[
        "SET l v",
        "EXPIRE l 1000",
        "SET l v",
        "PTTL l",
        "SETEX l 100 v",
        "MSET l v m w",
        "TTL l",
      ],
      ...["SETEX l 100 v", "TTL l", "PSETEX l 200000 v", "TTL l", "SET l w", "TTL l"],
      ...["SETEX l 100 v", "SET l w KEEPTTL", "TTL l", "GETSET l x", "TTL l", "SETEX l 100 7"],
      ...["APPEND l 8", "TTL l", "INCRBYFLOAT l 1", "TTL l", "GETEX l PERSIST", "TTL l"],
    ],
  },
  {
    name: "SETNX, MSETNX and GETSET",
    steps: [
      ...["SETNX k 1", "SETNX k 2", "GET k", "GETSET k 3", "GETSET n 3", "MGET k n none k"],
      ...["MSETNX k 9 z 1", "GET z", "MSETNX y 9 y 1", "GET y", "MSET a 1 b 2 a 3", "MGET a b c"],
      ...["MSET a 1 b", "MSETNX a 1 b", "MSETNX q 1 r", "GETDEL k", "GETDEL k", "GET k"],
    ],
  },
  {
    name: "counting keeps the time to live",
    steps: [
      ...["SET k 5 EX 1000", "INCR k", "DECRBY k 3", "INCRBYFLOAT k 0.5", "INCRBYFLOAT k 0.5"],
      ...["APPEND k 0", "INCR k", "SETRANGE k 1 2", "GET k"],
      { run: "PTTL k", compare: { near: 2000 } },
    ],
  },
  {
    name: "strings that grow",
    steps: [
      ...["APPEND q 5", "APPEND q ''", "INCR q", "APPEND q ''", "GET q", "SET e ''", "APPEND e ''"],
      ["SET", "big", "x".repeat(2000)],
      ["APPEND", "big", "y".repeat(3000)],
      ...["STRLEN big", "GETRANGE big 1990 2010", "SETRANGE big 70000 zz", "STRLEN big"],
      ...["GETRANGE big 69990 -1", "SETRANGE s 1000 ab", "SETRANGE s 1020 cd"],
      ["APPEND", "s", "x".repeat(30)],
      ...[
        "STRLEN s",
        "GETRANGE s 995 -1",
        "SETRANGE i 0 12",
        "INCR i",
        "SETRANGE n 3 12",
        "INCR n",
      ],
      ...["SETRANGE k 536870911 ab", "EXISTS k", "SETRANGE big 536870911 ab", "STRLEN big"],
      ...Array.from({ length: 60 }, (_, size): Step => ["APPEND", "step", "z".repeat(size)]),
      "GET step",
    ],
  },
  {
    name: "strings are bytes",
    steps: [
      ...['SET "\\x00\\xff" "\\x00\\r\\n\\xfe"', 'GET "\\x00\\xff"', 'STRLEN "\\x00\\xff"'],
      ...['APPEND "\\x00\\xff" "\\x80"', 'GETRANGE "\\x00\\xff" 1 -1', 'SET "" ""', 'GET ""'],
      ["SET", "a", "x\0y"],
      ["SET", "b", "y\0x"],
      "LCS a b",
    ],
  },
];
