/** Commands that go through the fields of a hash: all of them, some by chance, or from cursor to cursor. */
import { RANDOM_REPEATS_MAX } from "../base/limits.ts";
import { int64, toNumber } from "../base/numbers.ts";
import type { Slice } from "../base/slice.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { VisitField } from "../types/hash.ts";
import { ENCODING_LISTPACK, TYPE_HASH } from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import { int64OrReply, openOrReply, SYNTAX_ERROR, WRONG } from "./guards.ts";
import { replyPacked } from "./packed-reply.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { ScanOptions } from "./scan-arguments.ts";
import {
  INVALID_CURSOR,
  matchesPattern,
  parseCursor,
  resetScanOptions,
  scanOptionOrReply,
} from "./scan-arguments.ts";
import type { Session } from "./session.ts";

const hash = new Value();

// ---- all ----

function hgetall(session: Session, args: Args, reply: Reply): void {
  const entry = session.db.read(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.map(0);
  if (openOrReply(session, entry, TYPE_HASH, hash, reply) === WRONG) return;
  const { hashes, kit } = session.engine.keyspace.store;
  reply.map(hashes.length(hash));
  if (hash.encoding === ENCODING_LISTPACK) {
    const { block } = hash;
    return replyPacked(kit.listpack, block, kit.listpack.first(block), false, reply);
  }
  output = reply;
  hashes.forEach(hash, writeBoth);
}

function hkeys(session: Session, args: Args, reply: Reply): void {
  replyHalf(session, args, false, reply);
}

function hvals(session: Session, args: Args, reply: Reply): void {
  replyHalf(session, args, true, reply);
}

/** Answers all values, or all fields. */
function replyHalf(session: Session, args: Args, values: boolean, reply: Reply): void {
  const entry = session.db.read(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.array(0);
  if (openOrReply(session, entry, TYPE_HASH, hash, reply) === WRONG) return;
  const { hashes, kit } = session.engine.keyspace.store;
  reply.array(hashes.length(hash));
  if (hash.encoding === ENCODING_LISTPACK) {
    const { block } = hash;
    const first = kit.listpack.first(block);
    const from = values ? kit.listpack.next(block, first) : first;
    return replyPacked(kit.listpack, block, from, true, reply);
  }
  output = reply;
  hashes.forEach(hash, values ? writeContent : writeField);
}

// What follows writes to `output`, and is made once instead of with every command.
let output: Reply;

const writeField: VisitField = (field) => output.bulk(field.bytes, field.start, field.end);

const writeContent: VisitField = (_field, content) =>
  output.bulk(content.bytes, content.start, content.end);

const writeBoth: VisitField = (field, content) => {
  output.bulk(field.bytes, field.start, field.end);
  output.bulk(content.bytes, content.start, content.end);
};

/** A pair of its own, as HRANDFIELD writes it in RESP3. */
const writePair: VisitField = (field, content) => {
  output.array(2);
  writeBoth(field, content);
};

// ---- some by chance ----

function hrandfield(session: Session, args: Args, reply: Reply): void {
  const hasCount = args.count > 2;
  let count = 0;
  let withValues = false;
  if (hasCount) {
    if (!int64OrReply(args, 2, reply)) return;
    if (int64.low === 0 && int64.high === -0x80000000) {
      return reply.error(
        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
      );
    }
    const { high } = int64;
    count = toNumber(int64.low, high);
    withValues = args.count === 4 && args.is(3, "WITHVALUES");
    if (args.count > 3 && !withValues) return reply.error(SYNTAX_ERROR);
    // Twice the number has to fit into 64 bits.
    if (withValues && (high !== (high << 1) >> 1 || count === -(2 ** 62))) {
      return reply.error("ERR value is out of range");
    }
  }
  const entry = session.db.read(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return hasCount ? reply.array(0) : reply.null();
  if (openOrReply(session, entry, TYPE_HASH, hash, reply) === WRONG) return;
  const { hashes } = session.engine.keyspace.store;
  output = reply;
  if (!hasCount) return hashes.random(hash, writeField);
  if (count < 0) return replyRepeated(session, -count, withValues, reply);
  const chosen = Math.min(count, hashes.length(hash));
  hashes.randomDistinct(hash, chosen, startPairs(chosen, withValues, reply));
}

function replyRepeated(session: Session, count: number, withValues: boolean, reply: Reply): void {
  if (count > RANDOM_REPEATS_MAX) return reply.error("ERR value is out of range");
  const { hashes } = session.engine.keyspace.store;
  const write = startPairs(count, withValues, reply);
  for (let left = count; left > 0 && !reply.overflowed; left--) hashes.random(hash, write);
}

/** Begins an array of fields, with their values if wanted. Returns what writes an element. */
function startPairs(count: number, withValues: boolean, reply: Reply): VisitField {
  const nested = withValues && reply.version === 3;
  reply.array(withValues && !nested ? count * 2 : count);
  if (nested) return writePair;
  return withValues ? writeBoth : writeField;
}

// ---- from cursor to cursor ----

const options: ScanOptions = { count: 0, patternAt: 0 };
/** What one call of HSCAN has found, and how it asked. */
const scanned = { args: null as Args | null, count: 0, noValues: false };

function hscan(session: Session, args: Args, reply: Reply): void {
  const from = parseCursor(args, 2);
  if (from === -1) return reply.error(INVALID_CURSOR);
  const entry = session.db.read(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) {
    reply.array(2);
    reply.bulkInteger(0);
    return reply.array(0);
  }
  if (openOrReply(session, entry, TYPE_HASH, hash, reply) === WRONG) return;
  resetScanOptions(options);
  scanned.noValues = false;
  for (let i = 3; i < args.count;) {
    const taken = scanOptionOrReply(options, args, i, reply);
    if (taken === -1) return;
    if (taken === 0) {
      if (!args.is(i, "NOVALUES")) return reply.error(SYNTAX_ERROR);
      scanned.noValues = true;
    }
    i += Math.max(1, taken);
  }
  const { hashes } = session.engine.keyspace.store;
  const end = hashes.scanEnd(hash, from, options.count);
  reply.array(2);
  reply.bulkInteger(end);
  const place = reply.reserveLength();
  output = reply;
  scanned.args = args;
  scanned.count = 0;
  let cursor = from;
  do cursor = hashes.scan(hash, cursor, writeMatching);
  while (cursor !== end);
  reply.patchLength(place, 0x2a, scanned.count);
}

const writeMatching = (field: Slice, content: Slice): void => {
  if (!matchesPattern(scanned.args!, options.patternAt, field)) return;
  output.bulk(field.bytes, field.start, field.end);
  scanned.count++;
  if (scanned.noValues) return;
  output.bulk(content.bytes, content.start, content.end);
  scanned.count++;
};

export const hashWholeRows: readonly CommandRow[] = [
  {
    name: "hgetall",
    arity: 2,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "2.0.0",
    group: "hash",
    summary: "Returns all fields and values of a hash.",
    complexity: "O(N) where N is the size of the hash.",
    syntax: "key:key",
    tips: ["nondeterministic_output_order"],
    handler: hgetall,
  },
  {
    name: "hkeys",
    arity: 2,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "2.0.0",
    group: "hash",
    summary: "Returns all fields of a hash.",
    complexity: "O(N) where N is the size of the hash.",
    syntax: "key:key",
    tips: ["nondeterministic_output_order"],
    handler: hkeys,
  },
  {
    name: "hvals",
    arity: 2,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "2.0.0",
    group: "hash",
    summary: "Returns all values of a hash.",
    complexity: "O(N) where N is the size of the hash.",
    syntax: "key:key",
    tips: ["nondeterministic_output_order"],
    handler: hvals,
  },
  {
    name: "hrandfield",
    arity: -2,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "6.2.0",
    group: "hash",
    summary: "Returns fields by chance.",
    complexity: "O(N) where N is the number of fields that are returned.",
    syntax: "key:key [options:(count:integer [withvalues:WITHVALUES])]",
    tips: ["nondeterministic_output"],
    handler: hrandfield,
  },
  {
    name: "hscan",
    arity: -3,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "2.8.0",
    group: "hash",
    summary: "Returns some fields of a hash and the cursor at which to go on.",
    complexity: "O(1) for a call, O(N) for all fields, where N is their number.",
    syntax:
      "key:key cursor:integer [MATCH pattern:pattern] [COUNT count:integer] [novalues:NOVALUES@7.4.0]",
    tips: ["nondeterministic_output"],
    handler: hscan,
  },
];
