/**
 * The fuzzer of RESTORE: payloads of every kind with one to three bytes changed, the checksum being right again. Either the
 * payload is refused, or the value is one: then every command of its type is tried on it. Whatever happens, nothing is left
 * in memory when all keys are deleted, in an arena that checks every block.
 */
import { Random } from "../../src/base/random.ts";
import * as format from "../../src/persistence/rdb-format.ts";
import { show } from "../support/resp-value.ts";
import { pick } from "../support/seed.ts";
import { TestEngine } from "../support/test-engine.ts";
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
} from "./payload.ts";
import { damage } from "./damage.ts";
import { useValue } from "./use-value.ts";
import { everyKind } from "./values.ts";

export interface FuzzResult {
  readonly accepted: number;
  readonly refused: number;
  /** The longest that one payload took, in ms. */
  readonly slowestMs: number;
}

/** Payloads after which memory is counted. */
const ROUND = 500;
const FOOTER_SIZE = 10;

/** @param onRound called after every so many payloads */
export function fuzzRestore(
  seed: number,
  count: number,
  onRound: (done: number) => void = () => {},
): FuzzResult {
  const random = new Random(seed);
  const server = new TestEngine();
  const pool = payloads(random, server);
  const empty = server.blocksWhenEmpty();
  let accepted = 0;
  let slowestMs = 0;
  for (let done = 1; done <= count; done++) {
    const bytes = damaged(random, pick(random, pool));
    const start = performance.now();
    try {
      if (tryPayload(random, server, bytes)) accepted++;
      if (done % ROUND === 0 || done === count) {
        const left = server.blocksWhenEmpty() - empty;
        if (left !== 0) throw new Error(`${left} blocks are left`);
        onRound(done);
      }
    } catch (error) {
      throw new Error(`seed ${seed}, payload ${done}: ${bytes.toString("hex")}`, { cause: error });
    }
    slowestMs = Math.max(slowestMs, performance.now() - start);
  }
  return { accepted, refused: count - accepted, slowestMs };
}

/** @returns whether it was taken */
function tryPayload(random: Random, server: TestEngine, bytes: Buffer): boolean {
  const key = `k${random.below(20)}`;
  const reply = show(server.run("RESTORE", key, "0", bytes, "REPLACE"));
  const size = server.run("DBSIZE");
  if (size.type !== "integer" || Number(size.value) !== server.engine.keyspace.size) {
    throw new Error("DBSIZE is wrong");
  }
  if (reply === "-ERR Bad data format") return false;
  if (reply !== "+OK") throw new Error(reply);
  useValue(random, server, key, 6);
  if (random.below(3) === 0) server.run("DEL", key);
  return true;
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

function damaged(random: Random, bytes: Buffer): Buffer {
  const content = damage(random, bytes.subarray(0, bytes.length - FOOTER_SIZE));
  return sealed(content, bytes.readUInt16LE(bytes.length - FOOTER_SIZE));
}
