/** Random sequences of all commands that both servers have, on few keys, so that every command meets every state. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { redisMissing } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import { rounds, seeded } from "../support/seed.ts";
import type { Random } from "../../src/base/random.ts";
import type { RespValue } from "../support/resp-value.ts";
import { show } from "../support/resp-value.ts";
import { isAllowed } from "./allow-list.ts";
import type { Case, Step } from "./case.ts";
import { isEqual, showLine } from "./case.ts";
import type { DocCommand, RandomCommand } from "./grammar.ts";
import { KEYS, randomCommand, readDocs } from "./grammar.ts";
import { Differential } from "./runner.ts";

/**
 * What one of the servers refuses to queue leaves nothing to compare, and 7.2 allows two of these more arguments. The queue of
 * redis-server refers to the value that a command has stored.
 */
const NOT_IN_TRANSACTIONS: ReadonlySet<string> = new Set(["zrank", "zrevrank", "object|refcount"]);

/**
 * Events that are not compared. Whether a command that fails has looked for its key first is nobody's business; a consumer comes
 * into being for less since 7.2; when a key that is due goes depends on who looks at it.
 */
const EVENTS_EXCEPTED = / (keymiss|xgroup-createconsumer|expired) /;

const SEQUENCES = 60 * rounds;
const SEQUENCE_LENGTH = 50;
/** Attempts at making a failing sequence shorter. */
const SHRINK_MAX = 150;

describe.skipIf(redisMissing !== null)("generated commands", () => {
  let differential: Differential;
  let docs: DocCommand[];
  beforeAll(async () => {
    differential = await Differential.start();
    await differential.compareEvents();
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
        const differences = await differential.run(sequence(commands, protocol), EVENTS_EXCEPTED);
        if (differences.length === 0) continue;
        const shortest = await shrink(differential, commands, protocol);
        const lines = shortest.map((command) => showLine(command.line)).join("\n");
        const report = await differential.run(sequence(shortest, protocol), EVENTS_EXCEPTED);
        // What differed only once has its own report to be found by.
        throw new Error(`\n${lines}\n\n${(report.length > 0 ? report : differences).join("\n")}`);
      }
    },
    { timeout: 60_000 * rounds },
  );

  test(
    "are answered alike within transactions",
    async () => {
      const random = seeded("generated transactions");
      const alike = docs.filter(({ name }) => !NOT_IN_TRANSACTIONS.has(name));
      for (let i = 0; i < SEQUENCES / 4; i++) {
        const commands = Array.from({ length: SEQUENCE_LENGTH }, () =>
          randomCommand(random, alike),
        );
        const differences = await differential.run(
          transactions(random, commands, i),
          EVENTS_EXCEPTED,
        );
        if (differences.length === 0) continue;
        const lines = commands.map((command) => showLine(command.line)).join("\n");
        throw new Error(`\n${lines}\n\n${differences.join("\n")}`);
      }
    },
    { timeout: 60_000 * rounds },
  );

  test(
    "touch the same watched keys",
    async () => {
      const random = seeded("generated commands, watched");
      for (let i = 0; i < SEQUENCES / 4; i++) {
        const commands = Array.from({ length: SEQUENCE_LENGTH }, () => randomCommand(random, docs));
        const steps = commands.flatMap((command): Step[] => [
          { run: ["WATCH", ...KEYS], on: "watcher" },
          { run: command.line, compare: command.compare },
          { run: "MULTI", on: "watcher" },
          { run: "EXEC", on: "watcher" },
        ]);
        const watched: Case = { name: "a generated sequence, watched", protocols: [2], steps };
        await differential.check(watched, EVENTS_EXCEPTED);
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

/** The commands in transactions of a few each; each element of EXEC's answer is compared as its command's answer is. */
function transactions(random: Random, commands: readonly RandomCommand[], turn: number): Case {
  const steps: Step[] = [];
  for (let at = 0; at < commands.length;) {
    const queued = commands.slice(at, at + 1 + random.below(8));
    at += queued.length;
    const compare = (ours: RespValue, theirs: RespValue): boolean => {
      if (ours.type !== "array" || theirs.type !== "array") return show(ours) === show(theirs);
      return (
        ours.items.length === theirs.items.length &&
        queued.every(({ line, compare: how }, index) => {
          const our = ours.items[index]!;
          const their = theirs.items[index]!;
          return isEqual(our, their, how) || isAllowed(showLine(line), show(our), show(their));
        })
      );
    };
    const end: Step = random.below(8) === 0 ? "DISCARD" : { run: "EXEC", compare };
    steps.push("MULTI", ...queued.map(({ line }) => line), end);
  }
  return { name: "generated transactions", protocols: [turn % 2 === 0 ? 2 : 3], steps };
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
      const differences = await differential.run(sequence(shorter, protocol), EVENTS_EXCEPTED);
      if (differences.length > 0) shortest = shorter;
      else at += size;
    }
  }
  return shortest;
}
