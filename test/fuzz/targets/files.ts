/**
 * The loaders of files: snapshots with some bytes changed, whose checksum is right again, and logs of commands without checksums.
 * Either the file is refused, or its keys are sound: then commands are tried on them. Whatever happens, nothing is left in memory
 * when all keys are deleted, in an arena that checks every block. The checksum of a snapshot is no part of a case.
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Random } from "../../../src/base/random.ts";
import { AofDamaged, AofReader } from "../../../src/persistence/aof-reader.ts";
import { Crc64 } from "../../../src/persistence/crc64.ts";
import { EffectReplay } from "../../../src/persistence/effect-replay.ts";
import { HEADER_SIZE } from "../../../src/persistence/rdb-dialect.ts";
import { startSnapshot } from "../../../src/persistence/snapshot.ts";
import { damage } from "../../persistence/damage.ts";
import { loadBytes, MemorySink } from "../../persistence/memory-file.ts";
import { useValue } from "../../persistence/use-value.ts";
import { everyKind } from "../../persistence/values.ts";
import { show } from "../../support/resp-value.ts";
import { pick } from "../../support/seed.ts";
import { TestEngine } from "../../support/test-engine.ts";
import { BlockWatch } from "../block-watch.ts";
import type { Run, Target } from "../target.ts";
import { randomOf } from "../target.ts";

const CHECKSUM_SIZE = 8;
/** Keys of a file that was loaded that commands are tried on. */
const TRIED_MAX = 3;
/** A file that is loaded whole holds a few hundred values, on which commands are tried. */
const HANG_MS = 500;

export const snapshots: Target = {
  name: "snapshots",
  what: "damaged files of RDB, and commands on their keys (S6)",
  hangMs: HANG_MS,
  start: (random) => new SnapshotRun(random),
};

export const logs: Target = {
  name: "logs",
  what: "damaged append-only files, and commands on their keys (S6)",
  hangMs: HANG_MS,
  start: (random) => new LogRun(random),
};

/** What both have in common: a whole file, and a server that is empty between two cases. */
abstract class FileRun implements Run {
  protected readonly server: TestEngine = new TestEngine({ "maxmemory-policy": "allkeys-lfu" });
  readonly #blocks: BlockWatch = new BlockWatch(this.server);

  abstract make(random: Random): Buffer;

  check(bytes: Buffer): string {
    const isLoaded = this.#try(bytes);
    this.#blocks.check(() => this.#try(bytes));
    return isLoaded ? "loaded" : "refused";
  }

  #try(bytes: Buffer): boolean {
    const random = randomOf(bytes);
    const isLoaded = this.load(bytes, random);
    tryKeys(random, this.server);
    return isLoaded;
  }

  /** @returns whether all of it was right */
  protected abstract load(bytes: Buffer, random: Random): boolean;
}

class SnapshotRun extends FileRun {
  readonly #whole: Buffer;

  constructor(random: Random) {
    super();
    this.#whole = written(random, false).subarray(0, -CHECKSUM_SIZE);
  }

  make(random: Random): Buffer {
    return damage(random, this.#whole, HEADER_SIZE);
  }

  protected load(content: Buffer, random: Random): boolean {
    const bytes = Buffer.concat([content, Buffer.alloc(CHECKSUM_SIZE)]);
    const crc = new Crc64();
    crc.add(bytes, 0, content.length);
    crc.write(bytes, content.length);
    return loadBytes(this.server, bytes, pick(random, [50, 4096, Infinity])).error === null;
  }
}

class LogRun extends FileRun {
  readonly #whole: Buffer;
  readonly #folder: string = mkdtempSync(join(tmpdir(), "hutch-fuzz-"));

  constructor(random: Random) {
    super();
    this.#whole = withoutMarks(written(random, true));
  }

  make(random: Random): Buffer {
    return damage(random, this.#whole);
  }

  stop(): void {
    rmSync(this.#folder, { recursive: true });
  }

  protected load(bytes: Buffer): boolean {
    return loadLog(this.server, join(this.#folder, "log.aof"), bytes);
  }
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
