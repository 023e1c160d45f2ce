/** Every edge number in every numeric argument of every command that both servers have. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { redisMissing } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import type { Compare, Step } from "./case.ts";
import { compareOf, EDGE_NUMBERS, lineWith, numericPaths, readDocs } from "./grammar.ts";
import { Differential } from "./runner.ts";

/** What the key "a" holds when the command comes: nothing, an integer, a text, the largest integer. */
const VALUES: readonly (string | null)[] = [null, "10", "hello", "9223372036854775807"];

/** Lines of commands that generated sequences leave out because of what they do; # is the number. */
const OTHER_LINES: readonly (readonly [line: string, compare: Compare])[] = [
  ["HELLO #", "exact"],
  ["CLIENT KILL ID #", "exact"],
  ["CLIENT LIST ID #", "exact"],
  ["CLIENT PAUSE # WRITE", "exact"],
  ["LOLWUT VERSION #", "type"],
];

describe.skipIf(redisMissing !== null)("numeric arguments", () => {
  let differential: Differential;
  beforeAll(async () => {
    differential = await Differential.start();
  });
  afterAll(async () => {
    await differential.stop();
  });

  test("take or refuse edge numbers as redis-server does", async () => {
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
          for (const value of VALUES) {
            steps.push(value === null ? "DEL a" : ["SET", "a", value]);
            steps.push({ run: line, compare: compareOf(command.name) });
            steps.push("GET a", { run: "PTTL a", compare: { near: 5000 } });
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
