/**
 * RESTORE: payloads of every kind with one to three bytes changed, the checksum being right again. Either the payload is refused,
 * or the value is one: then commands of its type are tried on it. Whatever happens, nothing is left in memory when all keys are
 * deleted, in an arena that checks every block. A case is type, value and version; the checksum follows from them.
 */
import type { Random } from "../../../src/base/random.ts";
import * as format from "../../../src/persistence/rdb-format.ts";
import { damage } from "../../persistence/damage.ts";
import {
  double,
  join,
  payload,
  sealed,
  streamId,
  text,
  uint64,
  ziplist,
  zipmap,
} from "../../persistence/payload.ts";
import { useValue } from "../../persistence/use-value.ts";
import { everyKind } from "../../persistence/values.ts";
import { show } from "../../support/resp-value.ts";
import { pick } from "../../support/seed.ts";
import { TestEngine } from "../../support/test-engine.ts";
import { BlockWatch } from "../block-watch.ts";
import type { Run, Target } from "../target.ts";
import { randomOf } from "../target.ts";

const VERSION_SIZE = 2;
const CHECKSUM_SIZE = 8;
/** Commands that are tried on a value. */
const TRIED = 6;

export const restore: Target = {
  name: "restore",
  what: "damaged payloads of RESTORE, and commands on what was taken (S5, S7)",
  hangMs: 50,
  start: (random) => new RestoreRun(random),
};

class RestoreRun implements Run {
  readonly #server: TestEngine = new TestEngine();
  readonly #pool: readonly Buffer[];
  readonly #blocks: BlockWatch;

  constructor(random: Random) {
    this.#pool = payloads(random, this.#server);
    this.#blocks = new BlockWatch(this.#server);
  }

  make(random: Random): Buffer {
    const whole = pick(random, this.#pool);
    const end = whole.length - CHECKSUM_SIZE;
    const content = damage(random, whole.subarray(0, end - VERSION_SIZE));
    return Buffer.concat([content, whole.subarray(end - VERSION_SIZE, end)]);
  }

  check(bytes: Buffer): string {
    if (bytes.length < VERSION_SIZE) return "empty";
    const isTaken = this.#try(bytes);
    this.#blocks.check(() => this.#try(bytes));
    return isTaken ? "taken" : "refused";
  }

  /** @returns whether it was taken */
  #try(bytes: Buffer): boolean {
    const server = this.#server;
    const at = bytes.length - VERSION_SIZE;
    const reply = show(
      server.run("RESTORE", "k", "0", sealed(bytes.subarray(0, at), bytes.readUInt16LE(at))),
    );
    const size = server.run("DBSIZE");
    if (show(size) !== `:${server.engine.keyspace.size}`) throw new Error("DBSIZE is wrong");
    if (reply === "+OK") useValue(randomOf(bytes), server, "k", TRIED);
    else if (!/^-ERR (Bad data format|DUMP payload version)/.test(reply)) throw new Error(reply);
    return reply === "+OK";
  }
}

function payloads(random: Random, server: TestEngine): Buffer[] {
  const found: Buffer[] = [];
  for (const compression of ["yes", "no"]) {
    server.run("CONFIG", "SET", "rdbcompression", compression);
    for (const line of everyKind(random, "")) server.run(...line);
    const keys = server.run("KEYS", "*");
    if (keys.type !== "array") throw new Error(show(keys));
    for (const key of keys.items) {
      // Of large ones nearly every change is one of a member.
      if (key.type !== "bulk" || /large|giant/.test(key.text)) continue;
      found.push(server.bytes("DUMP", key.text));
    }
  }
  const zip = ziplist("a", "1", "b", [0xc0, 5, 1], "c", "x".repeat(70), "d", [0xf4]);
  found.push(
    payload(format.RDB_LIST, 3, text("a"), text("b"), text("c")),
    payload(format.RDB_LIST_ZIPLIST, text(zip)),
    payload(format.RDB_HASH_ZIPLIST, text(zip)),
    payload(format.RDB_ZSET_ZIPLIST, text(ziplist("a", "1", "b", [0xc0, 5, 1]))),
    payload(format.RDB_HASH_ZIPMAP, text(zipmap(1, ["f", "v"], ["g", "w"]))),
    payload(format.RDB_ZSET, 2, text("a"), 3, "1.5", text("b"), 254),
    payload(format.RDB_ZSET_2, 2, text("a"), double(1), text("b"), double(2)),
    payload(format.RDB_SET, 2, text("a"), text("b")),
    payload(format.RDB_HASH, 2, text("a"), text("1"), text("b"), text("2")),
    pendingStream(),
    sealed(
      join(
        ...[format.VALKEY_HASH_2, 2, text("a"), text("1"), uint64(4e12)],
        ...[text("b"), text("2"), Buffer.alloc(8, 255)],
      ),
      80,
    ),
    payload(
      ...[format.RDB_MEMBER_TIMES, text(text("a"), uint64(4e12), text("b"), uint64(1))],
      ...[format.RDB_SET, 3, text("a"), text("b"), text("c")],
    ),
    payload(
      ...[format.RDB_MEMBER_TIMES, text(text("b"), uint64(4e12))],
      ...[format.RDB_ZSET_2, 2, text("a"), double(1), text("b"), double(2)],
    ),
  );
  return found;
}

/** A stream with two groups and pending entries, in its newest form. */
function pendingStream(): Buffer {
  const node =
    "\x1b\0\0\0\x0c\0\x01\x01\0\x01\x01\x01\x81f\x02\0\x01\x02\x01\0\x01\0\x01\x81v\x02\x04\x01\xff";
  const group = join(text("g1"), 5, 0, 1, 1, streamId(5, 0), uint64(9), 1, 1);
  const consumer = join(text("c1"), uint64(9), uint64(8), 1, streamId(5, 0));
  return payload(
    ...[format.RDB_STREAM_LISTPACKS_3, 1, text(streamId(5, 0)), text(node)],
    ...[1, 5, 0, 5, 0, 0, 0, 1, 1, group, consumer],
  );
}
