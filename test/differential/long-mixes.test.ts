/**
 * Long random mixes of all commands over few keys, without a flush between: what a thousand commands have left is what the
 * next thousand begin with. The full data set is compared after each thousand.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { redisMissing } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import { rounds, seeded } from "../support/seed.ts";
import { isEqual, showLine } from "./case.ts";
import { isAllowed } from "./allow-list.ts";
import { compareData } from "./data-set.ts";
import { randomCommand, readDocs } from "./grammar.ts";
import { Differential } from "./runner.ts";
import { show } from "../support/resp-value.ts";

const THOUSANDS: number = 4 * rounds;
const COMMANDS = 1000;
/** Sent in one write. */
const BATCH = 50;

/**
 * Ends the mix: nothing is left for the commands that follow. Or takes another database, which nobody looks into. Idle times
 * depend on how fast each of the servers is, and the number of keys on when it removes those whose time has come.
 */
const LEFT_OUT: ReadonlySet<string> = new Set([
  ...["flushall", "flushdb", "swapdb", "select", "dbsize", "object|idletime"],
]);

describe.skipIf(redisMissing !== null)("long mixes of commands", () => {
  let differential: Differential;
  beforeAll(async () => {
    differential = await Differential.start();
  });
  afterAll(async () => {
    await differential.stop();
  });

  test(
    "give the same replies, and the same data after each thousand",
    async () => {
      const random = seeded("long mixes");
      const { hutch, redis } = differential;
      const { table } = hutch.engine;
      const ours = await RespClient.connect(hutch.port, 3);
      const theirs = await RespClient.connect(redis.port, 3);
      const all = await readDocs(theirs, (name) => table.byName(name) !== null);
      const docs = all.filter(({ name }) => !LEFT_OUT.has(name));
      const recent: string[] = [];
      for (let thousand = 0; thousand < THOUSANDS; thousand++) {
        for (let sent = 0; sent < COMMANDS; sent += BATCH) {
          const commands = Array.from({ length: BATCH }, () => randomCommand(random, docs));
          const lines = commands.map((command) => command.line);
          const [our, their] = await Promise.all([ours.pipeline(lines), theirs.pipeline(lines)]);
          for (const [i, { line, compare }] of commands.entries()) {
            recent.push(showLine(line));
            if (isEqual(our![i]!, their![i]!, compare)) continue;
            const [a, b] = [show(our![i]!), show(their![i]!)];
            if (isAllowed(showLine(line), a, b)) continue;
            const before = recent.slice(-200).join("\n");
            throw new Error(`${before}\n  hutch ${a.slice(0, 500)}\n  redis ${b.slice(0, 500)}`);
          }
        }
        const differences = await compareData(hutch.port, redis.port);
        const before = differences.length === 0 ? "" : `${recent.slice(-COMMANDS).join("\n")}\n\n`;
        expect(before + differences.join("\n")).toBe("");
      }
      ours.close();
      theirs.close();
    },
    { timeout: 60_000 * rounds },
  );
});
