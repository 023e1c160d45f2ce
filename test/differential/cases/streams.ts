/** Streams: ids, ranges, trimming, deleting; replies and what is left compared with redis-server. */
import type { Random } from "../../../src/base/random.ts";
import { pick, seeded } from "../../support/seed.ts";
import type { RespValue } from "../../support/resp-value.ts";
import { show } from "../../support/resp-value.ts";
import type { Case, Step } from "../case.ts";
import { EDGE_NUMBERS } from "../grammar.ts";

const IDS: readonly string[] = [
  ...[
    "0",
    "0-0",
    "1",
    "1-1",
    "1-2",
    "5-*",
    "0-*",
    "*",
    "-",
    "+",
    "(",
    "(1",
    "(1-1",
    "(-",
    "(+",
    "$",
    ">",
  ],
  ...[
    "((1",
    "(1-*",
    "1-",
    "-1",
    "1--1",
    "1--01",
    "1-1-1",
    "a",
    "1-a",
    "a-1",
    "1-**",
    "1-1-*",
    "*-1",
  ],
  ...[" 1-1", "1 -1", "1- 1", "1-1 ", "+1-+1", "01-02", "-01-1", "-0-0", "0x10", "1.5", "1e3"],
  ...["18446744073709551615", "18446744073709551615-18446744073709551615", "18446744073709551616"],
  ...["18446744073709551614-18446744073709551615", "(18446744073709551615-18446744073709551615"],
  ...[
    "9223372036854775807-9223372036854775808",
    "9223372036854775808",
    "(0",
    "(0-0",
    "1-1\0x",
    "1\0-1",
    "",
  ],
  ...[`${"0".repeat(60)}1-${"0".repeat(60)}1`, `${"0".repeat(70)}1-${"0".repeat(70)}1`],
];

const FILL: readonly Step[] = [
  ...["XADD s 1-1 a 1 b 2", "XADD s 1-2 a 3 b 4", "XADD s 2-0 c 5", "XADD s 3-7 a xyz b 1.5"],
  ...["XADD s 3-8 a 00 b -7", "XADD s 900-1 b 1 a 2", "XADD s 18446744073709551615-3 z 1"],
];

/** An id below the greatest deleted one is refused since 7.2, with an error that 7.0 does not know. */
function sameButDeleted(ours: RespValue, theirs: RespValue): boolean {
  if (/smaller than current max_deleted_entry_id/.test(show(ours))) return true;
  return show(ours) === show(theirs);
}

function eachId(id: string): readonly Step[] {
  return [
    ["XADD", "new", id, "f", "v"],
    "XLEN new",
    ...FILL,
    ["XRANGE", "s", id, "+"],
    ["XRANGE", "s", "-", id],
    ["XREVRANGE", "s", id, "-"],
    ["XREVRANGE", "s", "+", id, "COUNT", "2"],
    ["XRANGE", "s", id, id],
    ["XADD", "s", id, "f", "v"],
    ["XTRIM", "s", "MINID", id],
    "XLEN s",
    ["XDEL", "s", "1-1", id],
    ["XDEL", "s", id],
    ["XADD", "s", "MINID", id, "18446744073709551615-9", "x", "y"],
    { run: ["XSETID", "s", id], compare: sameButDeleted },
    ["XSETID", "s", id, "ENTRIESADDED", "100", "MAXDELETEDID", "2-1"],
    ["XSETID", "s", "18446744073709551615-4", "MAXDELETEDID", id],
    ["XADD", "s", "18446744073709551615-*", "x", "y"],
    ["XADD", "t", "5-5", "x", "y"],
    ["XADD", "t", id, "x", "y"],
    ["XRANGE", "none", id, id],
  ].map((step): Step =>
    // Ids made from the clock differ.
    Array.isArray(step) && step[0] === "XADD" && step.includes("*") && !step.includes("MINID")
      ? { run: ["XADD", "s", "18446744073709551615-0", "f", "v"] }
      : (step as Step),
  );
}

function eachNumber(number: string): readonly Step[] {
  return [
    ...FILL,
    ["XRANGE", "s", "-", "+", "COUNT", number],
    ["XREVRANGE", "s", "+", "-", "COUNT", "3", "COUNT", number],
    ["XTRIM", "s", "MAXLEN", "~", "1", "LIMIT", number],
    ["XTRIM", "s", "MAXLEN", "1", "LIMIT", number],
    ["XTRIM", "s", "MAXLEN", "~", number],
    ["XADD", "s", "MAXLEN", "~", "5", "LIMIT", number, "18446744073709551615-4", "f", "v"],
    ["XADD", "s", "LIMIT", number, "18446744073709551615-5", "f", "v"],
    ["XSETID", "s", "18446744073709551615-9", "ENTRIESADDED", number],
    ["XTRIM", "s", "MAXLEN", "=", number],
    ["XADD", "s", "MAXLEN", number, "18446744073709551615-11", "f", "v"],
    ["XADD", "n", "MAXLEN", number, "1-1", "f", number],
    "XRANGE n - +",
    "EXISTS n",
  ];
}

const SYNTAX: readonly string[] = [
  ...[
    "XADD",
    "XADD s",
    "XADD s *",
    "XADD s 1-1 f",
    "XADD s 1-1 f v g",
    "XADD s 1-1 f v",
    "XADD s f v 1 1",
  ],
  ...[
    "XADD s NOMKSTREAM 2-1 f v",
    "XADD n NOMKSTREAM 2-1 f v",
    "EXISTS n",
    "XADD n nomkstream * f v",
  ],
  ...[
    "XADD s MAXLEN 5 MINID 1 3-1 f v",
    "XADD s MAXLEN 5 MAXLEN 6 3-1 f v",
    "XADD s MAXLEN = ~ 3-1 f v",
  ],
  ...[
    "XADD s MAXLEN ~ 3-1 f v",
    "XADD s MAXLEN 5 3-1",
    "XADD s LIMIT 5 3-1 f v",
    "XADD s LIMIT 0 3-1 f v",
  ],
  ...[
    "XADD s MAXLEN 5 LIMIT 0 4-1 f v",
    "XADD s MAXLEN ~ 5 LIMIT 0 4-1 f v",
    "XADD s MAXLEN -1 5-1 f v",
  ],
  ...[
    "XADD s 0-0 f v",
    "XADD n 0-0 f v",
    "XADD n 0-* f v",
    "XADD n 0-* f v",
    "XADD s MINID ~ 0 = f v",
  ],
  ...[
    "XLEN",
    "XLEN s t",
    "XLEN s",
    "XLEN none",
    "XRANGE s -",
    "XRANGE s - + COUNT",
    "XRANGE s - + FOO 1",
  ],
  ...[
    "XRANGE s - + COUNT 1 COUNT 2",
    "XRANGE s - + COUNT 0",
    "XRANGE none - + COUNT 0",
    "XRANGE s + -",
  ],
  ...["XREVRANGE s - +", "XREVRANGE s + - count 1", "XREVRANGE s + - COUNT x", "XRANGE s 5 4"],
  ...[
    "XDEL s",
    "XDEL none 1-1",
    "XDEL none x",
    "XDEL s x",
    "XDEL s 1-1 x",
    "XDEL s 1-1 1-1",
    "XLEN s",
  ],
  ...[
    "XTRIM s",
    "XTRIM s MAXLEN",
    "XTRIM s FOO 1",
    "XTRIM s MAXLEN 1 FOO",
    "XTRIM s LIMIT 5 MAXLEN 1",
  ],
  ...[
    "XTRIM s MAXLEN ~ 1 LIMIT 5",
    "XTRIM none MAXLEN 1",
    "XTRIM none MAXLEN x",
    "XTRIM s MINID",
    "XTRIM s LIMIT 0",
  ],
  ...[
    "XTRIM s MAXLEN 1 MAXLEN ~ 2",
    "XTRIM s NOMKSTREAM MAXLEN 1",
    "XTRIM s MAXLEN = 0",
    "EXISTS s",
    "XLEN s",
  ],
  ...[
    "XADD s 1-1 f v",
    "XADD s 900-1 f v",
    "XSETID s",
    "XSETID s 1-1",
    "XSETID s 1000",
    "XSETID none 1-1",
  ],
  ...[
    "XSETID s 1000 ENTRIESADDED",
    "XSETID s 1000 ENTRIESADDED 0",
    "XSETID s 1000 MAXDELETEDID 2000",
  ],
  ...["XSETID s 1000 MAXDELETEDID 999 ENTRIESADDED 7", "XSETID s 1000 FOO 1", "XADD s 1000-* f v"],
  ...[
    "TYPE s",
    "OBJECT ENCODING s",
    "COPY s c",
    "XRANGE c - +",
    "XADD c 1001 f v",
    "RENAME c d",
    "XLEN d",
  ],
  ...[
    "EXPIRE s 1000",
    "XADD s 1002 f v",
    "TTL s",
    "GET s",
    "APPEND s x",
    "SET str v",
    "XADD str 1-1 f v",
  ],
  ...[
    "XADD str x f v",
    "XADD str 1-1 f",
    "XLEN str",
    "XRANGE str - +",
    "XRANGE str x +",
    "XDEL str 1-1",
    "XDEL str x",
  ],
  ...[
    "XTRIM str MAXLEN 1",
    "XTRIM str FOO",
    "XSETID str 1-1",
    "XSETID str x",
    "SET s v",
    "TYPE s",
    "DEL d s",
  ],
];

function randomSteps(random: Random, fields: number): readonly Step[] {
  const steps: Step[] = [];
  const known: string[] = [];
  let ms = 1;
  const id = () =>
    random.below(3) > 0 && known.length > 0
      ? pick(random, known)
      : `${random.below(ms + 9)}-${random.below(3)}`;
  const key = () => pick(random, ["a", "a", "a", "b"]);
  for (let i = 0; i < 400; i++) {
    const choice = random.below(20);
    const count = 1 + random.below(fields);
    if (choice < 11) {
      ms += random.below(5) === 0 ? random.below(100_000) : random.below(3);
      const fresh = `${ms}-${i}`;
      known.push(fresh);
      const names = Array.from({ length: count }, (_, j) => [
        random.below(9) === 0 ? `odd${j}` : `field${j}`,
        pick(random, ["", "1", "-70000", "x".repeat(random.below(200)), `${random.int32()}`]),
      ]);
      steps.push(["XADD", key(), fresh, ...names.flat()]);
    } else if (choice < 14) {
      steps.push(["XDEL", key(), id(), id(), id()]);
    } else if (choice < 16) {
      const exact = random.below(2) === 0;
      const strategy =
        random.below(2) === 0
          ? ["MAXLEN", exact ? "=" : "~", `${random.below(250)}`]
          : ["MINID", exact ? "=" : "~", id()];
      const limit = !exact && random.below(2) === 0 ? ["LIMIT", `${random.below(200)}`] : [];
      steps.push(
        random.below(2) === 0
          ? ["XTRIM", key(), ...strategy, ...limit]
          : ["XADD", "a", ...strategy, ...limit, `${(ms += 1)}-${i}`, "f", "v"],
      );
    } else {
      const from = pick(random, ["", "("]) + id();
      const to = pick(random, ["", "("]) + id();
      const limit = random.below(2) === 0 ? [] : ["COUNT", `${random.below(20)}`];
      steps.push(["XRANGE", key(), from, to, ...limit], ["XREVRANGE", key(), to, from, ...limit]);
      steps.push(["XREVRANGE", key(), "+", from, ...limit], ["XLEN", "a"]);
    }
  }
  return [...steps, "XRANGE a - +", "XREVRANGE a + -", "COPY a copy", "XREVRANGE copy + -"];
}

const random = seeded("random streams");

export const cases: readonly Case[] = [
  ...IDS.map((id): Case => ({ name: `the id ${JSON.stringify(id)}`, steps: eachId(id) })),
  ...[...EDGE_NUMBERS, "1", "3", "100"].map((number): Case => ({
    name: `the number ${JSON.stringify(number)}`,
    steps: eachNumber(number),
  })),
  { name: "syntax, types, missing keys", steps: SYNTAX },
  ...[1, 1, 3, 40].flatMap((fields, index) =>
    [
      [4096, 100],
      [200, 100],
      [0, 7],
      [1000, 0],
    ].map(([bytes, entries]): Case => ({
      name: `random entries ${index}, nodes of ${bytes} bytes and ${entries} entries`,
      protocols: [index % 2 === 0 ? 2 : 3],
      steps: [
        [
          "CONFIG",
          "SET",
          "stream-node-max-bytes",
          `${bytes}`,
          "stream-node-max-entries",
          `${entries}`,
        ],
        ...randomSteps(random, fields),
      ],
      cleanup: ["CONFIG SET stream-node-max-bytes 4096 stream-node-max-entries 100"],
    })),
  ),
];
