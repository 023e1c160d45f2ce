/**
 * The fuzzer of loaders: snapshots with some bytes changed, whose checksum is right again, and logs of commands without
 * checksums. Either the file is refused, or its keys are sound: then commands are tried on them. Whatever happens, nothing is
 * left in memory when all keys are deleted, in an arena that checks every block.
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../../src/base/random.ts";
import { AofDamaged, AofReader } from "../../src/persistence/aof-reader.ts";
import { Crc64 } from "../../src/persistence/crc64.ts";
import { EffectReplay } from "../../src/persistence/effect-replay.ts";
import { HEADER_SIZE } from "../../src/persistence/rdb-dialect.ts";
import { startSnapshot } from "../../src/persistence/snapshot.ts";
import { show } from "../support/resp-value.ts";
import { pick } from "../support/seed.ts";
import { TestEngine } from "../support/test-engine.ts";
import { damage } from "./damage.ts";
import { loadBytes, MemorySink } from "./memory-file.ts";
import { useValue } from "./use-value.ts";
import { everyKind } from "./values.ts";

export interface FileFuzzResult {
  readonly loaded: number;
  readonly refused: number;
  /** The longest that one file took, in ms. */
  readonly slowestMs: number;
}

const CHECKSUM_SIZE = 8;
/** Keys of a file that was loaded that commands are tried on. */
const TRIED_MAX = 3;

/** @param onFile called with the number of files so far */
export function fuzzFiles(
  seed: number,
  count: number,
  onFile: (done: number) => void = () => {},
): FileFuzzResult {
  const random = new Random(seed);
  const server = new TestEngine({ "maxmemory-policy": "allkeys-lfu" });
  const folder = mkdtempSync(join(tmpdir(), "hutch-fuzz-"));
  const snapshot = written(random, false);
  const log = withoutMarks(written(random, true));
  const empty = server.blocksWhenEmpty();
  let loaded = 0;
  let slowestMs = 0;
  try {
    for (let done = 1; done <= count; done++) {
      const isSnapshot = random.below(2) === 0;
      const bytes = isSnapshot ? resealed(random, snapshot) : damage(random, log);
      const start = performance.now();
      try {
        const isLoaded = isSnapshot
          ? loadBytes(server, bytes, pick(random, [50, 4096, Infinity])).error === null
          : loadLog(server, join(folder, "log.aof"), bytes);
        if (isLoaded) loaded++;
        tryKeys(random, server);
        const left = server.blocksWhenEmpty() - empty;
        if (left !== 0) throw new Error(`${left} blocks are left`);
      } catch (error) {
        const path = join(tmpdir(), `hutch-fuzz-${seed}-${done}`);
        writeFileSync(path, bytes);
        throw new Error(`seed ${seed}, file ${done}: ${path}`, { cause: error });
      }
      slowestMs = Math.max(slowestMs, performance.now() - start);
      onFile(done);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return { loaded, refused: count - loaded, slowestMs };
}

/** A file of values of every kind, in two databases, some of which expire, as do members. */
function written(random: Random, asCommands: boolean): Buffer {
  const server = new TestEngine({ "maxmemory-policy": "allkeys-lfu" });
  for (const [database, prefix] of [
    ["0", ""],
    ["9", "other "],
  ] as const) {
    server.run("SELECT", database);
    for (const line of everyKind(random, prefix)) {
      // Of large ones nearly every change is one of a member.
      if (!/large|giant|blob/.test(line[1]!)) server.run(...line);
    }
    server.run("PEXPIREAT", `${prefix}short`, "4000000000000");
    server.run("SADD", `${prefix}timed`, "a", "b", "c");
    server.run("SPEXPIREAT", `${prefix}timed`, "4000000000000", "MEMBERS", "2", "a", "b");
    server.run("HSET", `${prefix}timed hash`, "a", "1", "b", "2");
    server.run("HPEXPIREAT", `${prefix}timed hash`, "4000000000000", "FIELDS", "1", "a");
  }
  const sink = new MemorySink();
  startSnapshot(server.engine, sink, () => {}, { asCommands }).step(Infinity);
  return sink.bytes;
}

/** As another server writes a log. */
function withoutMarks(log: Buffer): Buffer {
  return Buffer.from(log.toString("latin1").replace(/#CRC:[0-9a-f]{8}\r\n/g, ""), "latin1");
}

function resealed(random: Random, snapshot: Buffer): Buffer {
  const content = damage(random, snapshot.subarray(0, -CHECKSUM_SIZE), HEADER_SIZE);
  const bytes = Buffer.concat([content, Buffer.alloc(CHECKSUM_SIZE)]);
  const crc = new Crc64();
  crc.add(bytes, 0, content.length);
  crc.write(bytes, content.length);
  return bytes;
}

/** @returns whether all of it was a log */
function loadLog(server: TestEngine, path: string, bytes: Buffer): boolean {
  writeFileSync(path, bytes);
  const fd = openSync(path, "r");
  const replay = new EffectReplay(server.engine);
  try {
    const reader = new AofReader(fd, replay);
    while (reader.step(Infinity));
    return !reader.torn;
  } catch (error) {
    if (error instanceof AofDamaged) return false;
    throw error;
  } finally {
    replay.end();
    closeSync(fd);
  }
}

function tryKeys(random: Random, server: TestEngine): void {
  for (const database of ["0", "9"]) {
    server.run("SELECT", database);
    const size = server.engine.keyspace.databases[Number(database)]!.size;
    if (show(server.run("DBSIZE")) !== `:${size}`) throw new Error("DBSIZE is wrong");
    const keys = server.run("KEYS", "*");
    if (keys.type !== "array") throw new Error(show(keys));
    for (let left = Math.min(TRIED_MAX, keys.items.length); left > 0; left--) {
      const key = pick(random, keys.items);
      if ("text" in key) useValue(random, server, key.text, 4);
    }
  }
}
