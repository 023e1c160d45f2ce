/**
 * Memory under a load that would need three times as much as there may be (L6), for each policy: writes of all sizes and types, with
 * and without a time to live, transactions and scripts, clients that do not read their replies, a snapshot in the middle. Used and
 * resident memory stay within their bounds, only keys go that may, and reads are answered.
 *
 * CI has a share of it; HUTCH_ROUNDS=20 bun test test/keyspace/maxmemory-churn.test.ts all.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Random } from "../../src/base/random.ts";
import type { HutchProcess } from "../support/hutch-process.ts";
import { startHutch } from "../support/hutch-process.ts";
import { RespClient, encodeCommand } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { rounds, seeded } from "../support/seed.ts";

const MIB = 1024 * 1024;
const IS_LONG = rounds > 1;
const LIMIT: number = (IS_LONG ? 1024 : 6) * MIB;
/** Values are so much larger in the long run. */
const SCALE = IS_LONG ? 8 : 1;
/** Of the limit: what may be used, and what may be resident. */
const USED_MAX = 1.05;
const RESIDENT_MAX = 1.3;
/**
 * What the pages that hold data may take. A small limit is much exceeded by them alone: each size class has a page open, and some a span of
 * sixteen (1.5 to 2.0 times 6 MiB).
 */
const PAGES_MAX = IS_LONG ? 1.3 : 2.5;
/** What a process has resident without data, compiled code and garbage of the load included; counts only where the limit is small. */
const PROCESS_SIZE = IS_LONG ? 0 : 160 * MIB;
/** Bytes that are written, of the limit. */
const WRITTEN = 3;
/** Keys without a time to live, where these must stay, take so much of the limit at most. */
const KEPT_SHARE = 0.3;
/** The value that slow clients ask for: a reply is there before room can be made for it. */
const LARGE_SHARE = 0.04;
const BATCH = 100;
/** Longer than a test takes: none of these keys expires. */
const TTL_MIN_MS = 3_600_000;
const OOM = "-OOM command not allowed when used memory > 'maxmemory'.";

const POLICIES = [
  ...["noeviction", "allkeys-random", "allkeys-lru", "allkeys-lfu"],
  ...["volatile-random", "volatile-lru", "volatile-lfu", "volatile-ttl"],
];

let hutch: HutchProcess | null = null;
let folder = "";
const clients: RespClient[] = [];

async function connect(): Promise<RespClient> {
  const client = await RespClient.connect(hutch!.port);
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await hutch?.stop();
  hutch = null;
  if (folder !== "") rmSync(folder, { recursive: true });
});

/** Mostly small, some of kilobytes, few of a hundred: so that each of the three has about a third of the bytes. */
function someSize(random: Random): number {
  const kind = random.below(1000);
  if (kind < 900) return 10 + random.below(200 * SCALE);
  return kind < 997 ? 200 + random.below(3000 * SCALE) : (30_000 + random.below(60_000)) * SCALE;
}

interface Write {
  readonly key: string;
  readonly lines: readonly (readonly string[])[];
  readonly size: number;
}

/** What makes a key with about `size` bytes, of any type. */
function someWrite(random: Random, key: string, expires: boolean): Write {
  const size = someSize(random);
  const text = random.int32().toString(36).padEnd(size, "x");
  const expire = expires ? [["PEXPIRE", key, `${TTL_MIN_MS + random.below(1e8)}`]] : [];
  const write = (...lines: string[][]): Write => ({ key, lines: [...lines, ...expire], size });
  switch (random.below(8)) {
    case 0:
      return write(["RPUSH", key, text.slice(0, size / 2), text.slice(size / 2)]);
    case 1:
      return write(["HSET", key, "field", text, "other", "value"]);
    case 2:
      return write(["ZADD", key, `${size}`, text, "1", "least"]);
    case 3:
      return write(["SADD", key, text, "a", "b"]);
    case 4:
      return write(["EVAL", "return redis.call('set', KEYS[1], ARGV[1])", "1", key, text]);
    case 5:
      return write(["MULTI"], ["SET", key, text.slice(0, 10)], ["APPEND", key, text], ["EXEC"]);
    default:
      return write(["SET", key, text]);
  }
}

interface Memory {
  /** Bytes that count towards the limit, at most so far. */
  readonly used: number;
  readonly resident: number;
  /** Pages of the arena that hold data, with free ones that hold memory, the JavaScript heap. */
  readonly pages: number;
  readonly arena: number;
  readonly heap: number;
  readonly evicted: number;
}

/** Bytes in terms of the limit. */
function share(bytes: number): string {
  return (bytes / LIMIT).toFixed(3);
}

async function memoryOf(client: RespClient): Promise<Memory> {
  const text = await client.text("INFO", "everything");
  const field = (name: string): number => Number(new RegExp(`${name}:(\\d+)`).exec(text)![1]);
  return {
    used: field("used_memory_peak") - field("mem_aof_buffer"),
    resident: field("used_memory_rss"),
    pages: field("allocator_active"),
    arena: field("allocator_resident"),
    heap: field("used_memory_javascript"),
    evicted: field("evicted_keys"),
  };
}

/** A client that asks for a large value again and again, and reads nothing. */
async function neverRead(): Promise<void> {
  const client = await connect();
  client.pause();
  client.write(Buffer.concat(Array.from({ length: 4 }, () => encodeCommand(["GET", "large"]))));
}

describe.each(POLICIES)("%s", (policy) => {
  test("keeps memory below its limit under three times as many writes (L6)", async () => {
    const random = seeded(`maxmemory churn, ${policy}`);
    folder = mkdtempSync(join(tmpdir(), "hutch-churn-"));
    // Clients may take what they like: room has to be made for their replies.
    const more = ["--dir", folder, "--maxmemory-clients", "0"];
    hutch = await startHutch({
      args: ["--maxmemory", `${LIMIT}`, "--maxmemory-policy", policy, ...more],
    });
    const client = await connect();
    const probe = await connect();
    const mayLoseAll = policy.startsWith("allkeys");
    const kept: string[] = [];
    let keptBytes = 0;
    let refused = 0;
    let written = 0;
    let usedMax = 0;
    let residentMax = 0;
    let pagesMax = 0;
    let details = "";
    let batches = 0;
    const large = Math.floor(LIMIT * LARGE_SHARE);
    // What the slow clients ask for must stay where nobody else's keys may.
    await client.call("SET", "large", "v".repeat(large));
    while (written < WRITTEN * LIMIT) {
      const writes: Write[] = [];
      const keeps: boolean[] = [];
      for (let i = 0; i < BATCH; i++) {
        const isKept = random.below(2) === 0 && (mayLoseAll || keptBytes < KEPT_SHARE * LIMIT);
        const expires = policy === "noeviction" ? random.below(2) === 0 : !isKept;
        const write = someWrite(random, `${expires ? "goes" : "stays"}:${batches}:${i}`, expires);
        writes.push(write);
        keeps.push(!mayLoseAll && (policy === "noeviction" || !expires));
        written += write.size;
        if (!expires) keptBytes += write.size * 1.5;
      }
      const replies = await client.pipeline(writes.flatMap(({ lines }) => lines));
      let at = 0;
      writes.forEach(({ key, lines }, i) => {
        const answers = replies.slice(at, at + lines.length).map(show);
        at += lines.length;
        const wasRefused = answers.some((answer) => answer.includes(OOM.slice(1)));
        if (wasRefused) refused++;
        else if (keeps[i] === true) kept.push(key);
        if (!wasRefused && answers.some((answer) => answer.startsWith("-"))) {
          throw new Error(`${JSON.stringify(lines[0]!.slice(0, 2))}: ${answers.join(" ")}`);
        }
      });
      batches++;
      if (batches % 20 === 0) {
        const { used, resident, pages, arena, heap } = await memoryOf(probe);
        usedMax = Math.max(usedMax, used);
        pagesMax = Math.max(pagesMax, pages);
        if (resident > residentMax) {
          residentMax = resident;
          details = `arena ${share(arena)}, its pages ${share(pages)}, heap ${share(heap)}`;
        }
      }
      // One after another: for each room is made. Without eviction nothing makes room, and replies are not refused, as in Redis.
      const slowClients = clients.length - 2;
      const isTime = slowClients < 3 && written > (1.5 + 0.2 * slowClients) * LIMIT;
      if (isTime && policy !== "noeviction") await neverRead();
      if (written > 2 * LIMIT && batches % 200 === 0) await probe.text("BGSAVE");
    }
    const { evicted } = await memoryOf(probe);
    console.log(
      `${policy}: used ${share(usedMax)}, pages ${share(pagesMax)}, resident ${share(residentMax)} (${details}) of ${LIMIT / MIB} MiB, ` +
        `${evicted} keys evicted, ${refused} writes refused`,
    );
    expect(usedMax / LIMIT).toBeLessThanOrEqual(USED_MAX);
    expect(pagesMax / LIMIT).toBeLessThanOrEqual(PAGES_MAX);
    expect((residentMax - PROCESS_SIZE) / LIMIT).toBeLessThanOrEqual(RESIDENT_MAX);
    expect(refused > 0).toBe(policy === "noeviction");
    expect(evicted > 0).toBe(policy !== "noeviction");
    for (let from = 0; from < kept.length; from += 1000) {
      const keys = kept.slice(from, from + 1000);
      expect(await client.text("EXISTS", ...keys)).toBe(`:${keys.length}`);
    }
    if (policy === "noeviction") expect(await client.text("SET", "one", "more")).toBe(OOM);
    expect(await client.text("PING")).toBe("+PONG");
  }, 900_000);
});
