/** Random sequences of all commands that both servers have, on few keys, so that every command meets every state. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { redisMissing } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import { rounds, seeded } from "../support/seed.ts";
import type { Case } from "./case.ts";
import { showLine } from "./case.ts";
import type { DocCommand, RandomCommand } from "./grammar.ts";
import { randomCommand, readDocs } from "./grammar.ts";
import { Differential } from "./runner.ts";

const SEQUENCES = 60 * rounds;
const SEQUENCE_LENGTH = 50;
/** Attempts at making a failing sequence shorter. */
const SHRINK_MAX = 150;

describe.skipIf(redisMissing !== null)("generated commands", () => {
  let differential: Differential;
  let docs: DocCommand[];
  beforeAll(async () => {
    differential = await Differential.start();
    const client = await RespClient.connect(differential.redis.port, 3);
    const { table } = differential.hutch.engine;
    docs = await readDocs(client, (name) => table.byName(name) !== null);
    client.close();
  });
  afterAll(async () => {
    await differential.stop();
  });

  test(
    "are answered as redis-server answers them, and leave the same data",
    async () => {
      const random = seeded("generated commands");
      for (let i = 0; i < SEQUENCES; i++) {
        const commands = Array.from({ length: SEQUENCE_LENGTH }, () => randomCommand(random, docs));
        const protocol = i % 2 === 0 ? 2 : 3;
        const differences = await differential.run(sequence(commands, protocol));
        if (differences.length === 0) continue;
        const shortest = await shrink(differential, commands, protocol);
        const lines = shortest.map((command) => showLine(command.line)).join("\n");
        const report = await differential.run(sequence(shortest, protocol));
        // What differed only once has its own report to be found by.
        throw new Error(`\n${lines}\n\n${(report.length > 0 ? report : differences).join("\n")}`);
      }
    },
    { timeout: 60_000 * rounds },
  );

  test("come from the commands of the families that both servers have", () => {
    const names = docs.map((command) => command.name);
    expect(names).toEqual(expect.arrayContaining(["get", "set", "incrbyfloat", "lcs", "expire"]));
  });
});

function sequence(commands: readonly RandomCommand[], protocol: 2 | 3): Case {
  return {
    name: "a generated sequence",
    protocols: [protocol],
    steps: commands.map((command) => ({ run: command.line, compare: command.compare })),
  };
}

/** Leaves out commands, many at a time at first, as long as there still is a difference. */
async function shrink(
  differential: Differential,
  commands: readonly RandomCommand[],
  protocol: 2 | 3,
): Promise<readonly RandomCommand[]> {
  let shortest = commands;
  let attempts = 0;
  for (let size = commands.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at < shortest.length && attempts < SHRINK_MAX; attempts++) {
      const shorter = shortest.toSpliced(at, size);
      const differences = await differential.run(sequence(shorter, protocol));
      if (differences.length > 0) shortest = shorter;
      else at += size;
    }
  }
  return shortest;
}
