/**
 * LCS: the longest common subsequence of two strings, by dynamic programming.
 *
 * The table holds, for every pair of prefixes, the length of their longest common subsequence. It is as large as the
 * product of the lengths, so it counts against proto-max-bulk-len; when only the length is asked for, two of its rows
 * are enough, but the same strings are refused, so that a refusal does not depend on the options.
 */
import { LCS_TABLE_SIZE_MAX } from "../base/limits.ts";
import { int64, toNumber } from "../base/numbers.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_STRING } from "../types/kinds.ts";
import { int64OrReply, SYNTAX_ERROR, value } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";

const CELL_SIZE = 4;
const NOTHING = Buffer.alloc(0);

interface Wish {
  length: boolean;
  indexes: boolean;
  withMatchLength: boolean;
  matchLengthMin: number;
}

function lcs(session: Session, args: Args, reply: Reply): void {
  const a = readOrNull(session, args, 1);
  const b = readOrNull(session, args, 2);
  if (a === null || b === null) {
    return reply.error("ERR The specified keys must contain string values");
  }
  const wish = wishOrReply(args, reply);
  if (wish === null) return;
  if (wish.length && wish.indexes) {
    return reply.error("ERR If you want both the length and indexes, please just use IDX.");
  }
  const size = (a.length + 1) * (b.length + 1) * CELL_SIZE;
  if (size > session.engine.options.number("proto-max-bulk-len")) {
    return reply.error(
      "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
    );
  }
  if (size > LCS_TABLE_SIZE_MAX) {
    return reply.error("ERR Insufficient memory, failed allocating transient memory for LCS");
  }
  if (wish.length) return reply.integer(commonLength(a, b));
  const table = commonLengths(a, b);
  if (wish.indexes) return replyMatches(reply, a, b, table, wish);
  const common = commonBytes(a, b, table);
  reply.bulk(common, 0, common.length);
}

/** A copy of the string, empty if there is none; null if the key holds another type. */
function readOrNull(session: Session, args: Args, index: number): Buffer | null {
  const { db } = session;
  const entry = db.read(args.bytes, args.start(index), args.end(index));
  if (entry === NULL_REF) return NOTHING;
  if (session.engine.keyspace.store.entries.type(entry) !== TYPE_STRING) return null;
  db.readString(entry, value);
  return value.copy();
}

function wishOrReply(args: Args, reply: Reply): Wish | null {
  const wish: Wish = { length: false, indexes: false, withMatchLength: false, matchLengthMin: 0 };
  for (let i = 3; i < args.count; i++) {
    if (args.is(i, "IDX")) {
      wish.indexes = true;
    } else if (args.is(i, "LEN")) {
      wish.length = true;
    } else if (args.is(i, "WITHMATCHLEN")) {
      wish.withMatchLength = true;
    } else if (args.is(i, "MINMATCHLEN") && i + 1 < args.count) {
      if (!int64OrReply(args, ++i, reply)) return null;
      wish.matchLengthMin = Math.max(0, toNumber(int64.low, int64.high));
    } else {
      reply.error(SYNTAX_ERROR);
      return null;
    }
  }
  return wish;
}

/** Cell [i, j], at i * (length of b + 1) + j, is the length for the first i bytes of `a` and the first j of `b`. */
function commonLengths(a: Buffer, b: Buffer): Uint32Array {
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  for (let i = 1; i <= a.length; i++) {
    const byte = a[i - 1]!;
    const row = i * width;
    const above = row - width;
    for (let j = 1; j < width; j++) {
      if (byte === b[j - 1]) {
        table[row + j] = table[above + j - 1]! + 1;
      } else {
        const up = table[above + j]!;
        const left = table[row + j - 1]!;
        table[row + j] = up > left ? up : left;
      }
    }
  }
  return table;
}

/** The last cell of the table, with one row of memory. */
function commonLength(a: Buffer, b: Buffer): number {
  const row = new Uint32Array(b.length + 1);
  for (let i = 0; i < a.length; i++) {
    const byte = a[i]!;
    let diagonal = 0;
    for (let j = 1; j <= b.length; j++) {
      const up = row[j]!;
      const left = row[j - 1]!;
      row[j] = byte === b[j - 1] ? diagonal + 1 : up > left ? up : left;
      diagonal = up;
    }
  }
  return row[b.length]!;
}

function commonBytes(a: Buffer, b: Buffer, table: Uint32Array): Buffer {
  const width = b.length + 1;
  const common = Buffer.alloc(table[table.length - 1]!);
  let at = common.length;
  let i = a.length;
  let j = b.length;
  while (at > 0) {
    if (a[i - 1] === b[j - 1]) {
      common[--at] = a[i - 1]!;
      i--;
      j--;
    } else if (table[(i - 1) * width + j]! > table[i * width + j - 1]!) {
      i--;
    } else {
      j--;
    }
  }
  return common;
}

/** The runs of common bytes, from the last to the first, and the length of the whole. */
function replyMatches(reply: Reply, a: Buffer, b: Buffer, table: Uint32Array, wish: Wish): void {
  const width = b.length + 1;
  reply.map(2);
  reply.text("matches");
  const place = reply.reserveLength();
  let matches = 0;
  let i = a.length;
  let j = b.length;
  while (i > 0 && j > 0) {
    let run = 0;
    while (i - run > 0 && j - run > 0 && a[i - 1 - run] === b[j - 1 - run]) run++;
    if (run > 0) {
      if (run >= wish.matchLengthMin) {
        matches++;
        reply.array(wish.withMatchLength ? 3 : 2);
        replyRange(reply, i - run, i - 1);
        replyRange(reply, j - run, j - 1);
        if (wish.withMatchLength) reply.integer(run);
      }
      i -= run;
      j -= run;
    } else if (table[(i - 1) * width + j]! > table[i * width + j - 1]!) {
      i--;
    } else {
      j--;
    }
  }
  reply.patchLength(place, 0x2a, matches);
  reply.text("len");
  reply.integer(table[table.length - 1]!);
}

function replyRange(reply: Reply, first: number, last: number): void {
  reply.array(2);
  reply.integer(first);
  reply.integer(last);
}

export const lcsRows: readonly CommandRow[] = [
  {
    name: "lcs",
    arity: -3,
    flags: "readonly",
    keys: [{ flags: "RO access", begin: 1, find: { last: 1, step: 1 } }],
    since: "7.0.0",
    group: "string",
    summary: "Finds the longest sequence of bytes that two strings have in common, gaps allowed.",
    complexity: "O(N*M) where N and M are the lengths of the strings",
    syntax:
      "key1:key key2:key [len:LEN] [idx:IDX] [MINMATCHLEN min-match-len:integer] [withmatchlen:WITHMATCHLEN]",
    handler: lcs,
  },
];
