/** Every edge number in every numeric argument of every command that both servers have. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { redisMissing } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import type { RespValue } from "../support/resp-value.ts";
import { show } from "../support/resp-value.ts";
import type { CommandLine, Compare, Step } from "./case.ts";
import { compareOf, EDGE_NUMBERS, lineWith, numericPaths, readDocs } from "./grammar.ts";
import { Differential } from "./runner.ts";

/** What the key "a" holds when a command comes, as the commands that make it: nothing, ... */
const STRINGS: readonly (readonly CommandLine[])[] = [
  [],
  ["SET a 10"],
  ["SET a hello"],
  ["SET a 9223372036854775807"],
];

/** ... or a value of the command's own type, small and with what numbers may meet: counts, scores, indexes, ids. */
const VALUES: Readonly<Record<string, readonly (readonly CommandLine[])[]>> = {
  string: STRINGS,
  bitmap: STRINGS,
  hyperloglog: [...STRINGS, ["PFADD a x y z"]],
  list: [[], ["SET a text"], ["RPUSH a 1 b 1 c 1 d"]],
  set: [[], ["SET a text"], ["SADD a 1 2 3"], ["SADD a 1 x y"]],
  hash: [[], ["SET a text"], ["HSET a 1 10 f text g 9223372036854775807 h 1.5"]],
  "sorted-set": [[], ["SET a text"], ["ZADD a 1 1 2 b -inf c inf d 1e300 e"]],
  geo: [[], ["SET a text"], ["GEOADD a 13.36 38.11 1 15.08 37.50 b -179.9 -85 c"]],
  stream: [
    [],
    ["SET a text"],
    [
      ...["XADD a 1-1 f v", "XADD a 1-2 f v", "XADD a 5-0 g w", "XADD a 9223372036854775807-1 f v"],
      ...["XGROUP CREATE a 1 0", "XREADGROUP GROUP 1 1 COUNT 2 STREAMS a >"],
    ],
  ],
};

/** Of other groups: a value of every type. */
const OTHER_VALUES: readonly (readonly CommandLine[])[] = [
  ...STRINGS.slice(0, 2),
  ...["list", "set", "hash", "sorted-set", "stream"].map((type) => VALUES[type]!.at(-1)!),
];

/** Lines of commands that generated sequences leave out because of what they do; # is the number. */
const OTHER_LINES: readonly (readonly [line: string, compare: Compare])[] = [
  ["HELLO #", "exact"],
  ["CLIENT KILL ID #", "exact"],
  ["CLIENT LIST ID #", "exact"],
  ["CLIENT PAUSE # WRITE", "exact"],
  ["LOLWUT VERSION #", "type"],
];

/** Lines of commands that would wait, if the key did not hold a value, or that choose by chance; # is the number. */
const LINES_ON_VALUES: readonly (readonly [group: string, line: string, compare: Compare])[] = [
  ...["BLPOP a #", "BRPOP a #", "BLMOVE a b LEFT LEFT #", "BRPOPLPUSH a b #"].map(onList),
  ...["BLMPOP # 1 a LEFT", "BLMPOP 1 # a LEFT", "BLMPOP 1 1 a LEFT COUNT #"].map(onList),
  ...["SORT a LIMIT # 2", "SORT a LIMIT 1 #", "SORT_RO a LIMIT # #", "SORT a ALPHA LIMIT # #"].map(
    onList,
  ),
  ["sorted-set", "BZPOPMIN a #", "doubles"],
  ["sorted-set", "BZPOPMAX a #", "doubles"],
  ["sorted-set", "BZMPOP # 1 a MIN", "doubles"],
  ["sorted-set", "BZMPOP 1 # a MIN", "doubles"],
  ["sorted-set", "BZMPOP 1 1 a MAX COUNT #", "doubles"],
  ["sorted-set", "ZRANDMEMBER a #", sameLength],
  ["sorted-set", "ZRANDMEMBER a # WITHSCORES", sameLength],
  ["set", "SPOP a #", sameLength],
  ["set", "SRANDMEMBER a #", sameLength],
  ["hash", "HRANDFIELD a #", sameLength],
  ["hash", "HRANDFIELD a # WITHVALUES", sameLength],
  ["stream", "XREAD COUNT # STREAMS a 0", "exact"],
  ["stream", "XREAD BLOCK # STREAMS a 0", "exact"],
  ["stream", "XREADGROUP GROUP 1 1 COUNT # STREAMS a >", "exact"],
  ["stream", "XREADGROUP GROUP 1 1 BLOCK # STREAMS a >", "exact"],
];

/** Asks for so many elements that the answer does not end. */
const ENDLESS = "-9223372036854775807";

function onList(line: string): readonly [string, string, Compare] {
  return ["list", line, "exact"];
}

/** Whether two answers that were chosen by chance have as many elements, or are the same error. */
function sameLength(ours: RespValue, theirs: RespValue): boolean {
  const [a, b] = [ours, theirs].map((value) =>
    "items" in value ? value.items.length : show(value),
  );
  return a === b;
}

describe.skipIf(redisMissing !== null)("numeric arguments", () => {
  let differential: Differential;
  beforeAll(async () => {
    differential = await Differential.start();
  });
  afterAll(async () => {
    await differential.stop();
  });

  test("take or refuse edge numbers as redis-server does (S8)", async () => {
    const client = await RespClient.connect(differential.redis.port, 3);
    const { table } = differential.hutch.engine;
    const docs = await readDocs(client, (name) => table.byName(name) !== null);
    client.close();
    const differences: string[] = [];
    let lines = 0;
    for (const command of docs) {
      for (const path of numericPaths(command)) {
        const steps: Step[] = [];
        for (const number of EDGE_NUMBERS) {
          const line = lineWith(command, path, number);
          for (const value of VALUES[command.group] ?? OTHER_VALUES) {
            steps.push("DEL a", ...value, { run: line, compare: compareOf(command.name) });
            // TYPE takes a key away whose time has come; the digest does not.
            steps.push("TYPE a", "DEBUG DIGEST-VALUE a", {
              run: "PTTL a",
              compare: { near: 5000 },
            });
            lines++;
          }
        }
        const name = `${command.name} ${path.map((argument) => argument.name).join(" ")}`;
        differences.push(...(await differential.run({ name, steps })));
      }
    }
    expect(lines).toBeGreaterThan(1000);
    expect(differences.slice(0, 30).join("\n")).toBe("");
  }, 120_000);

  for (const [group, line, compare] of LINES_ON_VALUES) {
    test(`of ${line} take or refuse edge numbers as redis-server does`, async () => {
      const steps: Step[] = [];
      const held = VALUES[group]!.filter((value) => value.length > 0);
      for (const value of held) {
        for (const number of EDGE_NUMBERS) {
          if (number === ENDLESS && line.includes("RAND")) continue;
          const run = line.split(" ").map((word) => (word === "#" ? number : word));
          steps.push("DEL a b", ...value, { run, compare });
          // What is left after a choice differs.
          if (compare !== sameLength) steps.push("DEBUG DIGEST-VALUE a b");
        }
      }
      await differential.check({ name: line, steps, data: compare !== sameLength });
    });
  }

  for (const [line, compare] of OTHER_LINES) {
    test(`of ${line} take or refuse edge numbers as redis-server does`, async () => {
      const steps = EDGE_NUMBERS.flatMap((number): Step[] => [
        { run: line.split(" ").map((word) => (word === "#" ? number : word)), compare },
        "CLIENT UNPAUSE",
      ]);
      await differential.check({ name: line, steps });
    });
  }
});
