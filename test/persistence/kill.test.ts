/**
 * Servers that are killed while clients write (D1, D2): after each restart everything is there that was acknowledged, nothing that
 * was never sent, and of what was in flight a part that makes sense.
 */
import { describe, expect, test } from "bun:test";
import type { Random } from "../../src/base/random.ts";
import type { HutchProcess } from "../support/hutch-process.ts";
import { startHutch } from "../support/hutch-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { rounds, seeded } from "../support/seed.ts";
import { until } from "../support/until.ts";
import { inFolder } from "./folder.ts";

const KILLS = 25 * rounds;
const CLIENTS = 16;
/** Commands that a client sends before it reads their answers. */
const PIPELINE = 3;

/** A client that appends numbers to a list of its own, each one greater; some by commands and transactions with several effects. */
class Writer {
  readonly key: string;
  sent = 0;
  acknowledged = 0;

  /** @param run a name that no other run has, which may be writing to a server that got the same port */
  constructor(run: string, index: number) {
    this.key = `${run}:${index}`;
  }

  /** Writes until the connection breaks. */
  async write({ port, pid }: HutchProcess): Promise<void> {
    let client: RespClient | null = null;
    try {
      client = await RespClient.connect(port);
      // A connection may come too late even for the kill.
      if (!(await isServedBy(client, pid))) return;
      for (;;) {
        const lines = Array.from({ length: PIPELINE }, () => this.#append(String(++this.sent)));
        await client.pipeline(lines.flat());
        this.acknowledged = this.sent;
      }
    } catch {
      // Killed.
    } finally {
      client?.close();
    }
  }

  #append(n: string): string[][] {
    const { key } = this;
    if (n.endsWith("0")) return [["MSETEX", "2", `${key}:a`, n, `${key}:b`, n]];
    const push = ["RPUSH", key, n];
    return n.endsWith("5") ? [["MULTI"], push, ["SET", `${key}:c`, n], ["EXEC"]] : [push];
  }

  /** What is wrong with the data that the server has, or null; goes on from there. */
  async check(client: RespClient): Promise<string | null> {
    const numbers = (await client.text("LRANGE", this.key, "0", "-1")).match(/\d+/g) ?? [];
    const [a, b] = (await client.text("MGET", `${this.key}:a`, `${this.key}:b`)).match(/\d+/g) ?? [
      "0",
      "0",
    ];
    if (a !== b)
      return `${this.key}: one of two keys that are set together is ${a}, the other ${b}`;
    const c = (await client.text("GET", `${this.key}:c`)).match(/\d+/)?.[0];
    const fifth = numbers.findLast((number) => number.endsWith("5"));
    if (c !== fifth) return `${this.key}: of a transaction ${fifth} was pushed, and ${c} set`;
    const last = Math.max(Number(numbers.at(-1) ?? 0), Number(a));
    if (last < this.acknowledged) {
      return `${this.key}: ${this.acknowledged} was acknowledged, the last one there is ${last}`;
    }
    if (last > this.sent) return `${this.key}: ${last} was never sent`;
    let expected = 0;
    for (const number of numbers) {
      expected += expected % 10 === 9 ? 2 : 1;
      if (Number(number) !== expected) return `${this.key}: ${number} in the place of ${expected}`;
    }
    this.sent = last;
    this.acknowledged = last;
    return null;
  }
}

/** Whether it is this process that answers: when it is killed, another server may get its port at once. */
async function isServedBy(client: RespClient, pid: number): Promise<boolean> {
  const info = await client.text("INFO", "server");
  return info.match(/process_id:(\d+)/)?.[1] === `${pid}`;
}

/** Keys that are not of this run. */
async function strangers(client: RespClient, run: string): Promise<string[]> {
  const keys = await client.call("KEYS", "*");
  if (keys.type !== "array") throw new Error(`KEYS answered ${show(keys)}`);
  return keys.items.map(show).filter((key) => !key.includes(run));
}

async function killOften(policy: string, random: Random): Promise<void> {
  await inFolder(async (folder) => {
    const args = ["--dir", folder, "--appendonly", "yes", "--appendfsync", policy];
    const run = `${policy}:${crypto.randomUUID()}`;
    const writers = Array.from({ length: CLIENTS }, (_, i) => new Writer(run, i));
    let server: HutchProcess = await startHutch({ args });
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        const running = server;
        const before = writers.map(({ acknowledged }) => acknowledged);
        const writing = writers.map((writer) => writer.write(running));
        // However long the server takes for its first commands.
        await until("the first acknowledged writes", () =>
          writers.every(({ acknowledged }, i) => acknowledged > before[i]!),
        );
        await Bun.sleep(20 + random.below(100));
        await server.stop();
        await Promise.all(writing);
        server = await startHutch({ args });
        const client = await RespClient.connect(server.port);
        expect(await isServedBy(client, server.pid)).toBe(true);
        const strange = await strangers(client, run);
        if (strange.length > 0) throw new Error(`another run wrote ${strange.join(", ")}`);
        for (const writer of writers) {
          const problem = await writer.check(client);
          if (problem !== null) throw new Error(`${policy}, after ${kill + 1} kills: ${problem}`);
        }
        client.close();
      }
      // It was no test if hardly anything was written.
      const written = writers.reduce((sum, writer) => sum + writer.acknowledged, 0);
      console.log(`${policy}: ${KILLS} kills, ${written} writes acknowledged, none lost`);
      expect(written).toBeGreaterThan(KILLS * CLIENTS);
    } finally {
      await server.stop();
    }
  });
}

describe("a server that is killed", () => {
  test(
    "has everything that it acknowledged, with any policy (D1, D2)",
    async () => {
      const policies = ["always", "everysec", "no"];
      const random = seeded("kills");
      await Promise.all(policies.map((policy) => killOften(policy, random)));
    },
    { timeout: 120_000 * rounds },
  );
});
