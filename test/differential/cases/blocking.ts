/** Commands that wait for keys: their arguments, what they do when they need not wait, and the end of the time. */
import type { Case } from "../case.ts";

const SHORT = "0.001";

/** Lines that end at once or after a moment, on the keys that are there or not. */
const LINES = [
  ...["x y", "x 0", "0 y", "-1 0", "0 -1", "1 -1", "9223372036854775808 1", "0 0", "1 1", "1"].map(
    (words) => `WAIT ${words}`,
  ),
  ...["BLPOP", "BRPOP"].flatMap((name) => [
    `${name} l 0`,
    `${name} none l other 0`,
    `${name} none none ${SHORT}`,
    `${name} text l 0`,
    `${name} l text 0`,
    `${name} none text l 0`,
    `${name} l x`,
    `${name} l -1`,
    `${name} l ""`,
    `${name} l " 1"`,
    `${name} l nan`,
    `${name} l 0x1p-10`,
    `${name} l`,
    `${name}`,
    `${name} 0`,
  ]),
  "BLMOVE l other LEFT RIGHT 0",
  "BLMOVE l l RIGHT LEFT 0",
  `BLMOVE none other LEFT LEFT ${SHORT}`,
  `BLMOVE none text LEFT LEFT ${SHORT}`,
  "BLMOVE text l LEFT LEFT 0",
  "BLMOVE l text LEFT LEFT 0",
  "BLMOVE l other UP LEFT 0",
  "BLMOVE l other LEFT DOWN x",
  "BLMOVE l other LEFT LEFT x",
  "BLMOVE l other LEFT LEFT -1",
  "BLMOVE l other LEFT LEFT",
  "BRPOPLPUSH l other 0",
  `BRPOPLPUSH none other ${SHORT}`,
  "BRPOPLPUSH text other 0",
  "BRPOPLPUSH l text 0",
  "BRPOPLPUSH l other x",
  "BRPOPLPUSH l other",
  ...(
    [
      ["BLMPOP", "l", "LEFT", "RIGHT"],
      ["BZMPOP", "z", "MIN", "MAX"],
    ] as const
  ).flatMap(([name, key, first, other]) => [
    `${name} 0 1 ${key} ${first}`,
    `${name} 0 2 none ${key} ${other} COUNT 2`,
    `${name} 0 1 ${key} ${first} COUNT 100`,
    `${name} ${SHORT} 2 none other2 ${first}`,
    `${name} 0 1 text ${first}`,
    `${name} 0 2 text ${key} ${first}`,
    `${name} x 1 ${key} ${first}`,
    `${name} -1 1 ${key} ${first}`,
    `${name} 0 0 ${key} ${first}`,
    `${name} 0 -1 ${key} ${first}`,
    `${name} 0 x ${key} ${first}`,
    `${name} 0 9223372036854775807 ${key} ${first}`,
    `${name} 0 2 ${key} ${first}`,
    `${name} 0 1 ${key} UP`,
    `${name} 0 1 ${key}`,
    `${name} 0 1 ${key} ${first} COUNT`,
    `${name} 0 1 ${key} ${first} COUNT 0`,
    `${name} 0 1 ${key} ${first} COUNT -1`,
    `${name} 0 1 ${key} ${first} COUNT x`,
    `${name} 0 1 ${key} ${first} COUNT 1 COUNT 1`,
    `${name} 0 1 ${key} ${first} x`,
  ]),
  ...["BZPOPMIN", "BZPOPMAX"].flatMap((name) => [
    `${name} z 0`,
    `${name} none z other2 0`,
    `${name} none none ${SHORT}`,
    `${name} text z 0`,
    `${name} none text 0`,
    `${name} l 0`,
    `${name} z x`,
    `${name} z -1`,
    `${name} z`,
  ]),
];

export const cases: readonly Case[] = [
  {
    name: "what commands that may wait answer at once, or when the time is over",
    steps: LINES.flatMap((line) => [
      "SET text text",
      "DEL l z other other2",
      "RPUSH l a b 3",
      "ZADD z 1 a 2.5 b inf c",
      line,
    ]),
  },
  {
    name: "clients that wait are served in turn",
    steps: [
      { on: "admin", run: "RPUSH l first second third" },
      { on: "a", run: "BLPOP l 0" },
      { on: "b", run: "BLMPOP 0 2 none l RIGHT COUNT 5" },
      { on: "admin", run: "EXISTS l" },
      { on: "a", run: `BLPOP l ${SHORT}` },
      { on: "admin", run: "CLIENT UNBLOCK 999999" },
      { on: "admin", run: "CLIENT UNBLOCK x" },
      { on: "admin", run: "CLIENT UNBLOCK 1 x" },
      { on: "admin", run: "CLIENT UNBLOCK" },
      { on: "admin", run: "CLIENT UNBLOCK 1 ERROR x" },
    ],
  },
];
