/** Lists: every command and option, numbers at edges, elements of every form and size, lists of one block and of many nodes. */
import { pick, seeded } from "../../support/seed.ts";
import type { Case, Step } from "../case.ts";

const NUMBERS: readonly string[] = [
  ...["-9223372036854775809", "-9223372036854775807", "-4294967296", "-2147483649", "-100", "-7"],
  ...["-6", "-5", "-3", "-2", "-1", "0", "1", "2", "4", "5", "6", "7", "100", "2147483648"],
  ...["4294967296", "9007199254740993", "9223372036854775807", "9223372036854775808", "1.5", "+1"],
  ...["01", " 1", "", "abc", "inf", "-0"],
];

const random = seeded("lists");

/** Redis 7.0 takes it where later versions refuse it. */
const LEAST = "-9223372036854775808";

const ELEMENTS: readonly string[] = [
  ...[
    "",
    "a",
    "b",
    "0",
    "-1",
    "127",
    "128",
    "4096",
    "-32769",
    "2147483648",
    "-9223372036854775808",
  ],
  ...["9223372036854775808", "00", "-0", "\x00\xff\r\n", "x".repeat(63), "y".repeat(64)],
  ...["z".repeat(300), "w".repeat(5000), "v".repeat(9000), "u".repeat(70000)],
];

const FILL: Step = ["RPUSH", "l", "a", "b", "a", "1", "c", "a"];

const LINES: readonly string[] = [
  ...["LPUSH k a", "RPUSH k a", "LPUSHX k a", "RPUSHX k a", "LPOP k", "RPOP k", "LPOP k 2"],
  ...["RPOP k 0", "LLEN k", "LRANGE k 0 -1", "LINDEX k 0", "LSET k 0 a", "LINSERT k AFTER a b"],
  ...["LREM k 0 a", "LTRIM k 0 1", "LPOS k a", "LPOS k a COUNT 0", "LMOVE k l LEFT RIGHT"],
  ...["LMOVE l k LEFT RIGHT", "RPOPLPUSH k l", "RPOPLPUSH l k", "LMPOP 1 k LEFT"],
  ...["LMPOP 2 k l LEFT", "LMPOP 2 l k RIGHT COUNT 9", "LMPOP 3 none k l LEFT"],
];

const NAMES: readonly string[] = [...new Set(LINES.map((line) => line.split(" ")[0]!))];

function edges(): Step[] {
  const steps: Step[] = [];
  for (const number of [...NUMBERS, LEAST]) {
    for (const key of ["l", "none", "text"]) {
      for (const other of ["0", "-1", "2", "-100", "100", LEAST, "9223372036854775807", "x"]) {
        steps.push(["LRANGE", key, number, other]);
        steps.push(["LTRIM", key, number, other], ["DEL", "l"], FILL);
      }
      steps.push(["LINDEX", key, number], ["LSET", key, number, "new"], ["LRANGE", "l", "0", "-1"]);
      steps.push(["LREM", key, number, "a"], ["LRANGE", "l", "0", "-1"], ["DEL", "l"], FILL);
      steps.push(["LPOP", key, number], ["LLEN", "l"], ["DEL", "l"], FILL);
      steps.push(["RPOP", key, number], ["LLEN", "l"], ["DEL", "l"], FILL);
      steps.push(["LPOS", key, "a", "COUNT", number], ["LPOS", key, "a", "MAXLEN", number]);
      steps.push(["LPOS", key, "a", "RANK", "-1", "COUNT", "0", "MAXLEN", number]);
      steps.push(["LMPOP", number, key, "LEFT"], ["DEL", "l"], FILL);
      steps.push(["LMPOP", "1", key, "RIGHT", "COUNT", number], ["DEL", "l"], FILL);
      if (number === LEAST) continue;
      steps.push(["LPOS", key, "a", "RANK", number]);
      steps.push(["LPOS", key, "a", "rank", number, "count", "2"]);
      steps.push(["LPOS", key, "a", "RANK", number, "COUNT", "0", "MAXLEN", "4"]);
    }
  }
  return steps;
}

function arity(): Step[] {
  return NAMES.flatMap((name) =>
    Array.from({ length: 7 }, (_, count) => [name, ...Array.from({ length: count }, () => "1")]),
  );
}

/** Random commands on two lists, one of them with elements of every size. */
function mixed(length: number, elements: readonly string[]): Step[] {
  const steps: Step[] = [];
  const key = (): string => pick(random, ["l", "l", "l", "m", "none"]);
  const element = (): string => pick(random, elements);
  const index = (): string => String(random.below(60) - 30);
  const side = (): string => pick(random, ["LEFT", "RIGHT", "left", "Right"]);
  for (let i = 0; i < length; i++) {
    const many = Array.from({ length: 1 + random.below(8) }, element);
    const end = pick(random, ["L", "R"]);
    const choices: Step[] = [
      [`${end}PUSH`, pick(random, ["l", "m"]), ...many],
      [`${end}PUSH`, pick(random, ["l", "m"]), ...many],
      [`${end}PUSHX`, key(), ...many],
      [`${end}POP`, key()],
      [`${end}POP`, key(), String(random.below(4))],
      ["LSET", key(), index(), element()],
      ["LINSERT", key(), pick(random, ["BEFORE", "AFTER"]), element(), element()],
      ["LINSERT", key(), pick(random, ["before", "after"]), element(), element()],
      ["LREM", key(), String(random.below(5) - 2), element()],
      ["LPOS", key(), element(), "RANK", pick(random, ["1", "2", "-1", "-2"]), "COUNT", "0"],
      ["LMOVE", key(), key(), side(), side()],
      ["RPOPLPUSH", key(), key()],
      ["LMPOP", "2", key(), key(), side(), "COUNT", String(1 + random.below(3))],
      ["LINDEX", key(), index()],
      ["LRANGE", key(), index(), index()],
      ["LLEN", key()],
    ];
    steps.push(pick(random, choices));
    if (random.below(20) === 0) steps.push(["LTRIM", key(), index(), index()]);
    if (random.below(10) === 0) steps.push(["LRANGE", "l", "0", "-1"]);
  }
  return steps;
}

function longList(): Step[] {
  const values = Array.from({ length: 3000 }, (_, i) => (i % 3 === 0 ? `${i}` : `element:${i}`));
  const steps: Step[] = [["RPUSH", "l", ...values]];
  for (const [first, last] of [
    ["0", "99"],
    ["0", "-1"],
    ["1400", "2000"],
    ["-600", "-1"],
    ["2999", "5000"],
  ] as const) {
    steps.push(["LRANGE", "l", first, last]);
  }
  for (const index of ["0", "1499", "1500", "2999", "3000", "-1", "-1501", "-3000", "-3001"]) {
    steps.push(["LINDEX", "l", index], ["LSET", "l", index, `new:${index}`]);
  }
  for (const pivot of ["element:1", "element:1600", "2997", "none"]) {
    steps.push(["LINSERT", "l", "BEFORE", pivot, "before"]);
    steps.push(["LINSERT", "l", "AFTER", pivot, "after"]);
    steps.push(["LPOS", "l", pivot], ["LPOS", "l", pivot, "RANK", "-1"]);
  }
  steps.push(["LPOS", "l", "after", "COUNT", "0"], ["LPOS", "l", "after", "RANK", "-2"]);
  steps.push(
    ["LPOP", "l", "700"],
    ["RPOP", "l", "700"],
    ["LMPOP", "1", "l", "RIGHT", "COUNT", "5"],
  );
  steps.push(["LREM", "l", "-2", "after"], ["LREM", "l", "0", "before"]);
  steps.push("COPY l copy", "LTRIM l 100 -100", "LLEN l", "LTRIM l 5 20", "LRANGE l 0 -1");
  return steps;
}

export const cases: readonly Case[] = [
  {
    name: "every command on a missing key, a list and a value of another type",
    steps: ["", "SET k text", "RPUSH k x a y"].flatMap((before) =>
      LINES.flatMap((line): Step[] => [
        "FLUSHALL",
        "RPUSH l p q",
        ...(before === "" ? [] : [before]),
        line,
        "TYPE k",
        "LRANGE k 0 -1",
        "LRANGE l 0 -1",
        "OBJECT ENCODING k",
      ]),
    ),
  },
  { name: "wrong numbers of arguments", steps: ["RPUSH 1 a", ...arity()] },
  { name: "numbers at edges", steps: [FILL, "SET text hello", ...edges()] },
  {
    name: "a rank whose opposite is no integer",
    steps: [FILL, `LPOS l a RANK ${LEAST}`, `LPOS none a RANK ${LEAST}`],
  },
  {
    name: "options of LPOS and LMPOP in every order, twice, without their value",
    steps: [
      FILL,
      ...["LPOS l a RANK", "LPOS l a COUNT", "LPOS l a FOO 1", "LPOS l a RANK 1 RANK 2"],
      ...["LPOS l a COUNT 1 COUNT 0", "LPOS l a MAXLEN 2 RANK -1 COUNT 0", "LPOS l a RANK x FOO"],
      ...["LPOS l a COUNT -1 RANK 0", "LPOS l a MAXLEN -1", "LPOS l a MAXLEN 0 COUNT 3 RANK 2"],
      ...["LMPOP 1 l", "LMPOP 1 l UP", "LMPOP 2 l LEFT", "LMPOP 1 l LEFT COUNT"],
      ...["LMPOP 1 l LEFT COUNT 1 COUNT 2", "LMPOP 1 l LEFT FOO 2", "LMPOP 0 l LEFT"],
      ...["LMPOP 1 l LEFT COUNT 0", "LMPOP 1 l COUNT 1 LEFT", "LMPOP 2 none none2 RIGHT"],
      ...["LMOVE l m UP LEFT", "LMOVE l m LEFT UP", "LMOVE none m UP LEFT", "LMOVE l l RIGHT LEFT"],
      ...["LINSERT l FOO a b", "LINSERT none FOO a b", "LINSERT l before nosuch b"],
    ],
  },
  {
    name: "an element of every form goes in and comes out at both ends",
    steps: ELEMENTS.flatMap((element): Step[] => [
      ["RPUSH", "l", element],
      ["LPUSH", "l", element, "between"],
      ["LINDEX", "l", "0"],
      ["LINDEX", "l", "-1"],
      ["LPOS", "l", element, "COUNT", "0"],
      ["LINSERT", "l", "AFTER", element, "1"],
      ["LRANGE", "l", "0", "-1"],
      ["LSET", "l", "2", element],
      ["LMOVE", "l", "m", "LEFT", "RIGHT"],
      ["RPOPLPUSH", "m", "m"],
      ["RPOP", "l"],
      ["LREM", "l", "1", element],
      ["LRANGE", "l", "0", "-1"],
    ]),
  },
  {
    name: "a list that becomes empty goes with its key",
    steps: [
      ...["RPUSH l a", "LPOP l", "EXISTS l", "RPUSH l a b", "RPOP l 5", "EXISTS l", "RPUSH l a a"],
      ...["LREM l 0 a", "EXISTS l", "RPUSH l a b", "LTRIM l 5 9", "EXISTS l", "RPUSH l a"],
      ...["LMOVE l m LEFT LEFT", "EXISTS l m", "LMOVE m m LEFT RIGHT", "LRANGE m 0 -1"],
      ...[
        "LMPOP 2 l m LEFT COUNT 3",
        "EXISTS m",
        "RPUSH l a",
        "EXPIRE l 1000",
        "LMOVE l l LEFT LEFT",
      ],
      ...["TTL l", "RPOPLPUSH l l", "TTL l"],
    ],
  },
  {
    name: "a list is renamed, copied, overwritten and read as something else",
    steps: [
      ...["RPUSH l a b", "RENAME l m", "COPY m n", "RPUSH n c", "LRANGE m 0 -1", "LRANGE n 0 -1"],
      ...[
        "GET m",
        "INCR m",
        "APPEND m x",
        "STRLEN m",
        "SET m text",
        "TYPE m",
        "LPUSH m a",
        "TYPE n",
      ],
      ...[
        "MOVE n 1",
        "EXISTS n",
        "EXPIRE m 100",
        "RPUSH l a",
        "EXPIRE l 100",
        "LPUSH l b",
        "TTL l",
      ],
      ...["PERSIST l", "SCAN 0 TYPE list", "DEL l"],
    ],
  },
  {
    name: "digests of lists",
    steps: [
      ["RPUSH", "l", ...ELEMENTS, ...ELEMENTS],
      ...["RPUSH m a 1", "EXPIRE m 1000", "DEBUG DIGEST-VALUE l m none", "DEBUG DIGEST"],
    ],
  },
  { name: "long lists", steps: longList() },
  ...[0, 1, 2, 3].map((part) => ({
    name: `random commands on short and long lists, part ${part}`,
    steps: mixed(800, part < 2 ? ELEMENTS.slice(0, 12) : ELEMENTS),
  })),
  ...["-1", "3", "0", "-5", "1", "100"].map((size) => ({
    name: `random commands with list-max-listpack-size ${size}`,
    steps: [
      `CONFIG SET list-max-listpack-size ${size}`,
      ...mixed(400, ELEMENTS),
      "CONFIG SET list-max-listpack-size -2",
      ...mixed(100, ELEMENTS),
    ],
    cleanup: ["CONFIG SET list-max-listpack-size -2"],
  })),
];
