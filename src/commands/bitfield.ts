/**
 * BITFIELD: several operations on integers of any width inside one string.
 *
 * The operations are read twice: first all of them, so that a mistake in the last one changes nothing, and to learn how far
 * the string must reach; then each again right before it is done. Nothing is kept in between.
 */
import { changed } from "./changed.ts";
import { SETBIT, TOUCHED } from "../keyspace/key-events.ts";
import { int64 } from "../base/numbers.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import {
  addToField,
  OVERFLOW_FAIL,
  OVERFLOW_SATURATE,
  OVERFLOW_WRAP,
  readField,
  writeField,
} from "../types/bitfield.ts";
import { TYPE_STRING } from "../types/kinds.ts";
import { bitOffsetOrReply, stringToChange } from "./bit-values.ts";
import { int64OrReply, isTypeOrReply, SYNTAX_ERROR, value } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";

const KIND_GET = 0;
const KIND_SET = 1;
const KIND_INCREMENT = 2;
const KIND_OVERFLOW = 3;

const BITS_MAX_SIGNED = 64;
const BITS_MAX_UNSIGNED = 63;

const BAD_TYPE =
  "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";

/** The operation that was read last. */
const operation = {
  kind: KIND_GET,
  signed: false,
  bits: 0,
  offset: 0,
  /** What to set or to add. */
  low: 0,
  high: 0,
  /** Holds from one operation to the next. */
  overflow: OVERFLOW_WRAP,
};

function bitfield(session: Session, args: Args, reply: Reply): void {
  run(session, args, reply, false);
}

function bitfieldRo(session: Session, args: Args, reply: Reply): void {
  run(session, args, reply, true);
}

function run(session: Session, args: Args, reply: Reply, readOnly: boolean): void {
  const { db } = session;
  let answers = 0;
  let lastBit = -1;
  operation.overflow = OVERFLOW_WRAP;
  for (let at = 2; at < args.count;) {
    at = readOperationOrReply(session, args, at, reply);
    if (at === -1) return;
    if (operation.kind === KIND_OVERFLOW) continue;
    answers++;
    if (operation.kind !== KIND_GET) {
      lastBit = Math.max(lastBit, operation.offset + operation.bits - 1);
    }
  }
  const writes = lastBit >= 0;
  if (writes && readOnly) return reply.error("ERR BITFIELD_RO only supports the GET subcommand");
  const start = args.start(1);
  let entry = writes
    ? db.find(args.bytes, start, args.end(1))
    : db.read(args.bytes, start, args.end(1));
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
  let grows = false;
  if (writes) {
    const length = Math.floor(lastBit / 8) + 1;
    grows = entry === NULL_REF || db.stringLength(entry) < length;
    entry = stringToChange(session, args, entry, length);
  }
  reply.array(answers);
  runAll(session, args, entry, grows, reply);
}

/** Does the operations and answers each. @param grows the string has grown for them, which is a change by itself */
function runAll(session: Session, args: Args, entry: Ref, grows: boolean, reply: Reply): void {
  if (entry === NULL_REF) value.set(args.bytes, 0, 0);
  else session.db.readString(entry, value);
  let changes = 0;
  operation.overflow = OVERFLOW_WRAP;
  for (let at = 2; at < args.count;) {
    at = readOperationOrReply(session, args, at, reply);
    if (operation.kind === KIND_OVERFLOW) continue;
    readField(
      value.bytes,
      value.start,
      value.end,
      operation.offset,
      operation.bits,
      operation.signed,
    );
    if (operation.kind === KIND_GET) reply.int64(int64.low, int64.high);
    else if (change(grows, reply)) changes++;
  }
  // That it has grown is a change, but nobody is notified of it.
  if (changes === 0 && grows) changed(session, args, 1, TOUCHED);
  else changed(session, args, 1, SETBIT, changes);
}

/**
 * Sets or increments the field whose value stands in `int64`, and answers.
 * @param grows the string has grown for it: then it counts as changed even by its old value
 * @returns whether it has changed
 */
function change(grows: boolean, reply: Reply): boolean {
  const { signed, bits, overflow } = operation;
  const { low, high } = int64;
  const sets = operation.kind === KIND_SET;
  const fits = sets
    ? addToField(operation.low, operation.high, 0, 0, bits, signed, overflow)
    : addToField(low, high, operation.low, operation.high, bits, signed, overflow);
  if (!fits && overflow === OVERFLOW_FAIL) {
    reply.null();
    return false;
  }
  writeField(value.bytes, value.start, operation.offset, bits, int64.low, int64.high);
  const isOther = int64.low !== low || int64.high !== high;
  if (sets) reply.int64(low, high);
  else reply.int64(int64.low, int64.high);
  return isOther || grows;
}

/** Reads the operation that begins at argument `at`. @returns the argument after it, or -1 after an error */
function readOperationOrReply(session: Session, args: Args, at: number, reply: Reply): number {
  const rest = args.count - at - 1;
  if (args.is(at, "GET") && rest >= 2) operation.kind = KIND_GET;
  else if (args.is(at, "SET") && rest >= 3) operation.kind = KIND_SET;
  else if (args.is(at, "INCRBY") && rest >= 3) operation.kind = KIND_INCREMENT;
  else if (args.is(at, "OVERFLOW") && rest >= 1) return readOverflowOrReply(args, at, reply);
  else {
    reply.error(SYNTAX_ERROR);
    return -1;
  }
  if (!readTypeOrReply(args, at + 1, reply)) return -1;
  operation.offset = bitOffsetOrReply(session, args, at + 2, operation.bits, reply);
  if (Number.isNaN(operation.offset)) return -1;
  if (operation.kind === KIND_GET) return at + 3;
  if (!int64OrReply(args, at + 3, reply)) return -1;
  operation.low = int64.low;
  operation.high = int64.high;
  return at + 4;
}

function readOverflowOrReply(args: Args, at: number, reply: Reply): number {
  operation.kind = KIND_OVERFLOW;
  if (args.is(at + 1, "WRAP")) operation.overflow = OVERFLOW_WRAP;
  else if (args.is(at + 1, "SAT")) operation.overflow = OVERFLOW_SATURATE;
  else if (args.is(at + 1, "FAIL")) operation.overflow = OVERFLOW_FAIL;
  else {
    reply.error("ERR Invalid OVERFLOW type specified");
    return -1;
  }
  return at + 2;
}

/** Reads "i8" or "u8": a lower-case letter and a number of bits. */
function readTypeOrReply(args: Args, index: number, reply: Reply): boolean {
  const { bytes } = args;
  const start = args.start(index);
  const end = args.end(index);
  const letter = start < end ? bytes[start]! : 0;
  const tens = end - start === 3 ? bytes[start + 1]! - 0x30 : 0;
  const digit = end - start >= 2 ? bytes[end - 1]! - 0x30 : -1;
  const bits = tens * 10 + digit;
  operation.signed = letter === 0x69;
  operation.bits = bits;
  const canonical = end - start === 2 || (end - start === 3 && tens >= 1 && tens <= 9);
  const bitsMax = operation.signed ? BITS_MAX_SIGNED : BITS_MAX_UNSIGNED;
  const known = operation.signed || letter === 0x75;
  if (known && canonical && digit >= 0 && digit <= 9 && bits >= 1 && bits <= bitsMax) return true;
  reply.error(BAD_TYPE);
  return false;
}

/** BITFIELD with nothing but GETs only reads its key. */
function bitfieldKeyFlags(args: Args, from: number): string {
  for (let at = from + 2; at < args.count;) {
    const rest = args.count - at - 1;
    if (args.is(at, "GET") && rest >= 2) at += 3;
    else if (args.is(at, "OVERFLOW") && rest >= 1) at += 2;
    else return "RW access update";
  }
  return "RO access";
}

const GET_BLOCK = "GET get-block:(encoding:string offset:integer)";

export const bitfieldRows: readonly CommandRow[] = [
  {
    name: "bitfield",
    arity: -2,
    flags: "write denyoom",
    keys: oneKey("RW access update variable_flags", bitfieldKeyFlags),
    since: "3.2.0",
    group: "bitmap",
    summary: "Reads, sets and increments integers of any width inside a string.",
    complexity: "O(1) for each operation",
    syntax:
      `key:key [operation:<${GET_BLOCK}|write:([OVERFLOW overflow-block:` +
      "<wrap:WRAP|sat:SAT|fail:FAIL>] write-operation:" +
      "<SET set-block:(encoding:string offset:integer value:integer)|" +
      "INCRBY increment-block:(encoding:string offset:integer increment:integer)>)>...]",
    handler: bitfield,
  },
  {
    name: "bitfield_ro",
    arity: -2,
    flags: "readonly fast",
    keys: oneKey("RO access"),
    since: "6.0.0",
    group: "bitmap",
    summary: "Reads integers of any width inside a string.",
    complexity: "O(1) for each operation",
    syntax: `key:key [${GET_BLOCK}+...]`,
    handler: bitfieldRo,
  },
];
