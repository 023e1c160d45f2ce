/**
 * A system that takes less than it is given (D11): calls that write a few bytes, or none because a signal came, cost nothing. The
 * log is, byte for byte, what it would have been.
 */
import { afterEach, expect, mock, test } from "bun:test";
import * as fs from "node:fs";
import { createServer } from "../../src/create-server.ts";
import { seeded } from "../support/seed.ts";
import { inFolder, incrementPath } from "./folder.ts";

const COMMANDS = 300;

/** The module as it is; the namespace changes with what takes its place. */
const system = { ...fs };

afterEach(() => mock.module("node:fs", () => system));

/** Lets the system take one to seven bytes of each call that writes, or none. @returns how often it did each */
function cutWrites(): { short: number; interrupted: number } {
  const random = seeded("short writes");
  const counts = { short: 0, interrupted: 0 };
  const writeSync = (
    fd: number,
    bytes: Buffer,
    offset: number,
    length: number,
    at: number | null,
  ) => {
    if (random.below(5) === 0) {
      counts.interrupted++;
      throw Object.assign(new Error("EINTR: interrupted system call, write"), { code: "EINTR" });
    }
    const some = Math.min(length, 1 + random.below(7));
    if (some < length) counts.short++;
    return system.writeSync(fd, bytes, offset, some, at);
  };
  void mock.module("node:fs", () => ({ ...system, writeSync }));
  return counts;
}

/** The log of a server that was told these commands one by one, and has been killed or not. */
async function logOf(lines: readonly string[][], folder: string, policy: string): Promise<Buffer> {
  const server = await createServer({ port: 0, dir: folder, appendfsync: policy });
  for (const [name, ...rest] of lines) await server.call(name!, ...rest);
  const log = system.readFileSync(incrementPath(folder));
  await server.stop();
  return log;
}

test.each(["always", "everysec"])(
  "short and interrupted writes leave the log as it is (%s, D11)",
  async (policy) => {
    const random = seeded(`commands of short writes, ${policy}`);
    const lines = Array.from({ length: COMMANDS }, (_, i) => [
      ...["SET", `k${random.below(50)}`, `${i}`.repeat(random.below(40))],
    ]);
    const wanted = await inFolder((folder) => logOf(lines, folder, policy));
    await inFolder(async (folder) => {
      const counts = cutWrites();
      const log = await logOf(lines, folder, policy);
      void mock.module("node:fs", () => system);
      expect(log.equals(wanted)).toBe(true);
      expect(counts.short).toBeGreaterThan(COMMANDS);
      expect(counts.interrupted).toBeGreaterThan(COMMANDS);
      const again = await createServer({ port: 0, dir: folder });
      const last = new Map(lines.map(([, key, value]) => [key, value]));
      for (const [key, value] of last) expect(await again.call("GET", key!)).toBe(value!);
      await again.stop();
    });
  },
);
