/** Consumer groups: reading, acknowledging, claiming; replies and what is left compared with redis-server. */
import type { Random } from "../../../src/base/random.ts";
import type { RespValue } from "../../support/resp-value.ts";
import { show } from "../../support/resp-value.ts";
import { pick, seeded } from "../../support/seed.ts";
import type { Case, Step } from "../case.ts";
import { EDGE_NUMBERS } from "../grammar.ts";

/** Times differ, so do nodes of the tree; consumers have a field more since 7.2. */
function sameButTimes(ours: RespValue, theirs: RespValue): boolean {
  return withoutTimes(ours) === withoutTimes(theirs);
}

function withoutTimes(value: RespValue): string {
  return show(value)
    .replace(/,? "?(inactive|active-time)"?[:,] (:?-?\d+)/g, "")
    .replace(/("?(idle|seen-time|radix-tree-nodes)"?[:,]) :?\d+/g, "$1 0")
    .replace(/\b1\d{12}\b/g, "time")
    .replace(/\[("\d+-\d+"), ("[^"]*"), :?\d+, /g, "[$1, $2, 0, ");
}

const LOOK: readonly Step[] = [
  ...[
    "XPENDING s g",
    "XPENDING s g - + 100",
    "XINFO GROUPS s",
    "XINFO STREAM s",
    "XINFO CONSUMERS s g",
  ],
  ...["XINFO STREAM s FULL", "XINFO STREAM s FULL COUNT 2", "XPENDING s g - + 100 c1"],
].map((run): Step => ({ run, compare: sameButTimes }));

const FILL: readonly Step[] = [
  ...[
    "XADD s 1-1 a 1",
    "XADD s 2-1 a 2",
    "XADD s 3-1 b 3",
    "XADD s 4-1 a 4",
    "XGROUP CREATE s g 0",
  ],
  ...["XREADGROUP GROUP g c1 COUNT 2 STREAMS s >", "XREADGROUP GROUP g c2 COUNT 1 STREAMS s >"],
];

/**
 * Idle times of a few milliseconds are left out: whether so much has passed since an entry was delivered depends on how fast
 * each of the two servers is.
 */
function idleSteps(number: string): readonly Step[] {
  if (Number(number) > 0 && Number(number) < 1000) return [];
  return [
    ["XPENDING", "s", "g", "IDLE", number, "-", "+", "10"],
    ["XCLAIM", "s", "g", "c2", number, "1-1"],
    ["XAUTOCLAIM", "s", "g", "c1", number, "0"],
  ];
}

function eachNumber(number: string): readonly Step[] {
  const steps: Step[] = [
    ...FILL,
    ["XREAD", "COUNT", number, "STREAMS", "s", "0"],
    ["XREADGROUP", "GROUP", "g", "c1", "COUNT", number, "STREAMS", "s", "0"],
    ["XPENDING", "s", "g", "-", "+", number],
    ...idleSteps(number),
    ["XCLAIM", "s", "g", "c2", "0", "1-1", "IDLE", number],
    ["XCLAIM", "s", "g", "c2", "0", "1-1", "TIME", number],
    ["XCLAIM", "s", "g", "c2", "0", "1-1", "RETRYCOUNT", number],
    ["XCLAIM", "s", "g", "c1", "0", "2-1", "LASTID", number],
    ["XAUTOCLAIM", "s", "g", "c1", "0", number],
    ["XINFO", "STREAM", "s", "FULL", "COUNT", number],
    ["XGROUP", "SETID", "s", "g", number],
    ["XGROUP", "CREATE", "s", "h", number],
    ["XGROUP", "CREATE", "s", "i", "0", "ENTRIESREAD", number],
    ["XGROUP", "SETID", "s", "g", "2-1", "ENTRIESREAD", number],
    ["XREADGROUP", "GROUP", "i", "c", "COUNT", "2", "STREAMS", "s", ">"],
    ["XACK", "s", "g", number],
  ];
  const exact =
    number.length < 6 ? [["XAUTOCLAIM", "s", "g", "c1", "0", "0", "COUNT", number]] : [];
  return [
    ...[...steps, ...exact].map((run): Step =>
      typeof run === "string" ? run : { run: run as string[], compare: sameButTimes },
    ),
    ...LOOK,
  ];
}

const SYNTAX: readonly string[] = [
  ...[
    "XREAD",
    "XREAD STREAMS s",
    "XREAD STREAMS s 0 1",
    "XREAD COUNT 1 STREAMS s 0",
    "XREAD STREAMS s t 0 0",
  ],
  ...[
    "XREAD STREAMS s none 0-0 1",
    "XREAD STREAMS s $",
    "XREAD STREAMS s >",
    "XREAD STREAMS s x",
    "XREAD COUNT",
  ],
  ...[
    "XREAD GROUP g c STREAMS s 0",
    "XREAD NOACK STREAMS s 0",
    "XREAD FOO STREAMS s 0",
    "XREAD COUNT -1 STREAMS s 3",
  ],
  ...[
    "XREAD COUNT 2 count 1 streams s 0",
    "XREAD COUNT 1 FOO s",
    "XREAD STREAMS str 0",
    "XREAD BLOCK x STREAMS s 0",
  ],
  ...["XREAD BLOCK -1 STREAMS s 0", "XREAD BLOCK 0 STREAMS s 0", "XREAD BLOCK 1 STREAMS s $"],
  ...[
    "XREADGROUP",
    "XREADGROUP GROUP g c STREAMS s",
    "XREADGROUP GROUP g c STREAMS s $",
    "XREADGROUP GROUP none c STREAMS s >",
  ],
  ...[
    "XREADGROUP GROUP g c STREAMS none >",
    "XREADGROUP GROUP g c1 STREAMS s 0",
    "XREADGROUP GROUP g c1 STREAMS s 1-1",
  ],
  ...[
    "XREADGROUP COUNT 1 NOACK FOO STREAMS s >",
    "XREADGROUP COUNT 1 STREAMS s t > >",
    "XREADGROUP GROUP g c1 STREAMS str >",
  ],
  ...[
    "XREADGROUP GROUP g c1 NOACK STREAMS s >",
    "XREADGROUP GROUP g c1 STREAMS s >",
    "XREADGROUP GROUP g c1 STREAMS s x",
  ],
  ...[
    "XREADGROUP GROUP g c1 BLOCK 1 STREAMS s >",
    "XGROUP",
    "XGROUP FOO",
    "XGROUP CREATE s",
    "XGROUP CREATE s g 0",
  ],
  ...[
    "XGROUP CREATE s g x",
    "XGROUP CREATE none g 0",
    "XGROUP CREATE none g 0 MKSTREAM",
    "XLEN none",
    "TYPE none",
  ],
  ...[
    "XGROUP CREATE made g x MKSTREAM",
    "EXISTS made",
    "XGROUP CREATE s h $ FOO",
    "XGROUP CREATE s h $",
    "XGROUP CREATE str h $",
  ],
  ...[
    "XGROUP CREATE s j 0 ENTRIESREAD",
    "XGROUP CREATE s j 0 ENTRIESREAD 1 MKSTREAM",
    "XGROUP SETID s g 1-1 MKSTREAM",
  ],
  ...[
    "XGROUP SETID s none 0",
    "XGROUP SETID nokey g 0",
    "XGROUP SETID s g $",
    "XGROUP SETID s g",
    "XGROUP DESTROY s none",
  ],
  ...[
    "XGROUP DESTROY nokey g",
    "XGROUP DESTROY s j",
    "XGROUP CREATECONSUMER s g c9",
    "XGROUP CREATECONSUMER s g c9",
  ],
  ...[
    "XGROUP CREATECONSUMER s none c",
    "XGROUP DELCONSUMER s g c9",
    "XGROUP DELCONSUMER s g c9",
    "XGROUP DELCONSUMER s none c",
  ],
  ...[
    "XACK",
    "XACK s g",
    "XACK s none 1-1",
    "XACK none g x",
    "XACK s g x",
    "XACK s g 1-1 x",
    "XACK s g 1-1 1-1 9-9",
    "XACK str g 1",
  ],
  ...[
    "XPENDING",
    "XPENDING s",
    "XPENDING s g -",
    "XPENDING s g - +",
    "XPENDING s g - + x",
    "XPENDING s g - + 10 c1 d",
  ],
  ...[
    "XPENDING s g - + 10 none",
    "XPENDING s none",
    "XPENDING none g",
    "XPENDING none g x + 10",
    "XPENDING s g IDLE 0 - +",
  ],
  ...[
    "XPENDING s g IDLE 0 - + 10 c1 d",
    "XPENDING s g IDLE x - + 10",
    "XPENDING s g (1-1 + 10",
    "XPENDING s g - (2-1 10",
    "XPENDING str g",
  ],
  ...[
    "XCLAIM s g c 0",
    "XCLAIM s g c x 1-1",
    "XCLAIM s g c 0 x",
    "XCLAIM s g c 0 1-1 FOO",
    "XCLAIM s g c 0 1-1 IDLE",
    "XCLAIM s none c 0 1-1",
  ],
  ...[
    "XCLAIM s g c3 0 2-1 JUSTID",
    "XCLAIM s g c3 100000 2-1",
    "XCLAIM s g c3 0 4-1",
    "XCLAIM s g c3 0 4-1 FORCE",
    "XCLAIM s g c3 0 9-9 FORCE",
  ],
  ...[
    "XCLAIM none g c 0 1-1",
    "XCLAIM str g c 0 1-1",
    "XCLAIM s g c3 0 JUSTID",
    "XCLAIM s g c3 -5 2-1 3-1 RETRYCOUNT 7 TIME 5",
  ],
  ...[
    "XAUTOCLAIM s g c 0",
    "XAUTOCLAIM s g c x 0",
    "XAUTOCLAIM s g c 0 x",
    "XAUTOCLAIM s g c 0 0 FOO",
    "XAUTOCLAIM s g c 0 0 COUNT 0",
  ],
  ...[
    "XAUTOCLAIM s none c 0 0",
    "XAUTOCLAIM s g c4 0 (1-1 COUNT 1",
    "XAUTOCLAIM s g c4 0 - JUSTID",
    "XAUTOCLAIM str g c 0 0",
    "XDEL s 2-1 3-1",
  ],
  ...[
    "XREADGROUP GROUP g c4 STREAMS s 0",
    "XAUTOCLAIM s g c5 0 0",
    "XCLAIM s g c5 0 3-1",
    "XINFO",
    "XINFO FOO",
    "XINFO STREAM none",
  ],
  ...[
    "XINFO STREAM s FOO",
    "XINFO stream s FULL COUNT",
    "XINFO GROUPS nokey",
    "XINFO GROUPS str",
    "XINFO CONSUMERS s none",
    "XINFO CONSUMERS s",
  ],
  ...[
    'XGROUP CREATECONSUMER s g ""',
    "COPY s copy",
    "XPENDING copy g",
    "DEL s",
    "XPENDING copy g - + 10",
    "XGROUP DESTROY copy g",
    "DEL copy",
  ],
];

function randomSteps(random: Random): readonly Step[] {
  const steps: Step[] = ["XGROUP CREATE s g $ MKSTREAM", "XGROUP CREATE s h 0"];
  let next = 1;
  const id = () => `${1 + random.below(next + 2)}-1`;
  const consumer = () => pick(random, ["c1", "c2", "c3"]);
  const group = () => pick(random, ["g", "g", "h"]);
  for (let i = 0; i < 500; i++) {
    const words = pick(random, [
      () => ["XADD", "s", `${next++}-1`, "f", `${i}`],
      () => ["XADD", "s", `${next++}-1`, "f", `${i}`, "g", "x"],
      () => [
        "XREADGROUP",
        "GROUP",
        group(),
        consumer(),
        "COUNT",
        `${1 + random.below(4)}`,
        "STREAMS",
        "s",
        ">",
      ],
      () => [
        "XREADGROUP",
        "GROUP",
        group(),
        consumer(),
        "NOACK",
        "COUNT",
        "1",
        "STREAMS",
        "s",
        ">",
      ],
      () => ["XREADGROUP", "GROUP", group(), consumer(), "COUNT", "3", "STREAMS", "s", id()],
      () => ["XACK", "s", group(), id(), id(), id()],
      () => ["XDEL", "s", id()],
      () => [
        "XCLAIM",
        "s",
        group(),
        consumer(),
        "0",
        id(),
        id(),
        ...pick(random, [[], ["JUSTID"], ["FORCE"], ["RETRYCOUNT", "5"]]),
      ],
      () => ["XAUTOCLAIM", "s", group(), consumer(), "0", id(), "COUNT", `${1 + random.below(3)}`],
      () => (random.below(10) === 0 ? ["XGROUP", "SETID", "s", group(), id()] : ["XLEN", "s"]),
      () =>
        random.below(10) === 0
          ? ["XGROUP", "DELCONSUMER", "s", group(), consumer()]
          : ["XLEN", "s"],
      () =>
        random.below(10) === 0
          ? ["XTRIM", "s", "MAXLEN", `${random.below(30)}`]
          : ["XPENDING", "s", group()],
      () => ["XINFO", "GROUPS", "s"],
    ])();
    steps.push({ run: words, compare: words[1] === "GROUPS" ? sameConsumers : sameButTimes });
  }
  return steps;
}

/** A consumer that finds nothing new comes into being since 7.2: their number may be greater here. */
function sameConsumers(ours: RespValue, theirs: RespValue): boolean {
  const bare = (value: RespValue) => withoutTimes(value).replace(/("consumers"[:,]) :?\d/g, "$1");
  return bare(ours) === bare(theirs);
}

const random = seeded("random consumer groups");

export const cases: readonly Case[] = [
  {
    name: "XGROUP takes its options more than once only as far as there are no more arguments than with each once",
    steps: [
      ...["XGROUP CREATE s g $ MKSTREAM MKSTREAM MKSTREAM", "XGROUP CREATE s h 0 ENTRIESREAD 1"],
      ...["XGROUP CREATE s i 0 MKSTREAM ENTRIESREAD 2 MKSTREAM", "XGROUP CREATE s i x A B C D"],
      ...["XGROUP CREATE none g 0 ENTRIESREAD 1 ENTRIESREAD 2", "SET text x"],
      ...["XGROUP CREATE s g x ENTRIESREAD 1 ENTRIESREAD 2", "XGROUP CREATE s j x MKSTREAM"],
      ...["XGROUP CREATE text g 0 ENTRIESREAD 1 ENTRIESREAD 2", "XGROUP SETID s g 0 ENTRIESREAD 3"],
      ...["XGROUP SETID s g 0 ENTRIESREAD 1 ENTRIESREAD 2", "XGROUP SETID s none 0 ENTRIESREAD 1"],
      ...["XGROUP SETID s none 0 ENTRIESREAD 1 ENTRIESREAD 2", "XGROUP SETID none g 0 ENTRIESREAD"],
      ...["XGROUP SETID s g x ENTRIESREAD 1 ENTRIESREAD 2", ...LOOK],
    ],
  },
  {
    name: "a group reads on in another node of the same id, made after the one in which it had stopped was trimmed",
    steps: [
      ...["XADD s 5-1 a 1", "XADD s 5-2 a 2", "XADD s 5-3 a 3", "XGROUP CREATE s g 0"],
      ...["XREADGROUP GROUP g c1 COUNT 1 STREAMS s >", "XTRIM s MAXLEN 0", "XSETID s 4-1"],
      ...["XADD s 5-1 field valuevaluevaluevalue", "XADD s 5-2 b 2", "XADD s 5-3 field 3"],
      ...["XREADGROUP GROUP g c1 COUNT 1 STREAMS s >", "XDEL s 5-3", "XADD s 5-4 field 4"],
      ...["XREADGROUP GROUP g c2 STREAMS s >", "XGROUP SETID s g 5-1"],
      ...["XREADGROUP GROUP g c2 NOACK STREAMS s >", "XREADGROUP GROUP g c1 STREAMS s >", ...LOOK],
    ],
  },
  ...[...EDGE_NUMBERS, "1", "2", "1000"].map((number): Case => ({
    name: `groups with the number ${JSON.stringify(number)}`,
    steps: eachNumber(number),
  })),
  {
    name: "groups: syntax, types, missing keys",
    steps: ["SET str v", ...FILL, ...SYNTAX].map((run): Step => ({
      run: run as string,
      compare: sameButTimes,
    })),
  },
  ...Array.from({ length: 6 }, (_, index): Case => ({
    name: `random groups ${index}`,
    protocols: [index % 2 === 0 ? 2 : 3],
    steps: randomSteps(random),
  })),
];
