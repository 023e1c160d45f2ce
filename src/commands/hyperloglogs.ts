/** Commands on HyperLogLogs: strings that estimate how many different elements were added to them. */
import { changed } from "./changed.ts";
import { PFADD, TOUCHED } from "../keyspace/key-events.ts";
import { assert } from "../base/assert.ts";
import { int64 } from "../base/numbers.ts";
import { INLINE_SIZE_MAX } from "../keyspace/entry.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { countDense, getDense, raiseDense } from "../types/hyperloglog-dense.ts";
import { estimate } from "../types/hyperloglog-estimator.ts";
import { locateElement, place, REGISTER_COUNT } from "../types/hyperloglog-hash.ts";
import {
  countSparse,
  describeSparse,
  SPARSE_BYTES_MAX,
  SPARSE_CHANGED,
  SPARSE_DAMAGED,
  SPARSE_FULL,
  SparseEditor,
} from "../types/hyperloglog-sparse.ts";
import {
  DENSE_SIZE,
  dropCount,
  HEADER_SIZE,
  isDense,
  isHyperLogLog,
  mergeInto,
  readCount,
  writeCount,
  writeDense,
  writeEmpty,
} from "../types/hyperloglog.ts";
import { ENCODING_BLOB, ENCODING_RAW, TYPE_STRING } from "../types/kinds.ts";
import { makeRaw, stringToChange } from "./bit-values.ts";
import { isTypeOrReply, value } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";

const NOT_ONE = "WRONGTYPE Key is not a valid HyperLogLog string value.";
const DAMAGED = "INVALIDOBJ Corrupted HLL object detected";

/** Room to grow that a sparse value in a blob gets. */
const SPARSE_ROOM = 300;

const SELF_TEST_ROUNDS = 10;
const SELF_TEST_ELEMENTS = 100_000;
/** Standard errors by which an estimate of the self-test may be wrong. */
const SELF_TEST_ERRORS = 6;

/** The sparse value that is being changed; it becomes the key's when all elements went well. */
const editor = new SparseEditor(HEADER_SIZE);
/** All registers, a byte each. */
const registers = new Uint8Array(REGISTER_COUNT);
const histogram = new Int32Array(64);

function pfadd(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const entry = db.find(args.bytes, args.start(1), args.end(1));
  if (!readOrReply(session, entry, reply)) return;
  const dense = entry !== NULL_REF && isDense(value.bytes, value.start);
  const changes = dense ? addDense(args) : addSparse(session, args, entry);
  if (changes === -1) return reply.error(DAMAGED);
  changed(session, args, 1, PFADD, changes);
  reply.integer(changes === 0 ? 0 : 1);
}

/** Adds the elements to the dense value in `value`, in place. Returns how many changed it. */
function addDense(args: Args): number {
  const { bytes, start } = value;
  let changes = 0;
  for (let i = 2; i < args.count; i++) {
    locateElement(args.bytes, args.start(i), args.end(i));
    if (raiseDense(bytes, start + HEADER_SIZE, place.register, place.count)) changes++;
  }
  if (changes > 0) dropCount(bytes, start);
  return changes;
}

/** Adds the elements to the sparse value in `value`, or to a new one. Returns how many changes that made, -1 if it is damaged. */
function addSparse(session: Session, args: Args, entry: Ref): number {
  let changes = 0;
  if (entry === NULL_REF) {
    editor.begin(writeEmpty(editor.bytes));
    changes++;
  } else {
    makeRaw(session, entry);
    if (value.length > HEADER_SIZE + SPARSE_BYTES_MAX) return -1;
    editor.load(value.bytes, value.start, value.end);
  }
  // The option is asked for when an element needs room at last: most change nothing.
  let sizeMax = 0;
  let dense = false;
  for (let i = 2; i < args.count; i++) {
    locateElement(args.bytes, args.start(i), args.end(i));
    const { register, count } = place;
    if (!dense) {
      let result = editor.raise(register, count, sizeMax);
      if (result === SPARSE_FULL && sizeMax === 0) {
        sizeMax = session.engine.options.number("hll-sparse-max-bytes");
        result = editor.raise(register, count, sizeMax);
      }
      if (result === SPARSE_DAMAGED) return -1;
      if (result === SPARSE_CHANGED) changes++;
      if (result !== SPARSE_FULL) continue;
      registers.fill(0);
      if (!mergeInto(registers, editor.bytes, 0, editor.length)) return -1;
      dense = true;
    }
    if (count <= registers[register]!) continue;
    registers[register] = count;
    changes++;
  }
  if (changes === 0) return 0;
  dropCount(editor.bytes, 0);
  if (dense) storeDense(session, args, 1, entry);
  else storeSparse(session, args, entry);
  return changes;
}

function pfcount(session: Session, args: Args, reply: Reply): void {
  if (args.count > 2) return countUnion(session, args, reply);
  const entry = session.db.read(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) return reply.integer(0);
  if (!readOrReply(session, entry, reply)) return;
  makeRaw(session, entry);
  const { bytes, start, end } = value;
  if (!readCount(bytes, start)) {
    histogram.fill(0);
    const from = start + HEADER_SIZE;
    if (isDense(bytes, start)) countDense(histogram, bytes, from);
    else if (!countSparse(histogram, bytes, from, end)) return reply.error(DAMAGED);
    estimate(histogram);
    session.db.willChange(entry);
    writeCount(bytes, start);
    // What was computed is kept in the value: a write, though of a command that reads.
    changed(session, args, 1, TOUCHED);
  }
  reply.int64(int64.low, int64.high);
}

function countUnion(session: Session, args: Args, reply: Reply): void {
  registers.fill(0);
  for (let i = 1; i < args.count; i++) {
    if (mergeKeyOrReply(session, args, i, reply) === -1) return;
  }
  countRegisters();
  reply.int64(int64.low, int64.high);
}

function pfmerge(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  let dense = false;
  registers.fill(0);
  for (let i = 1; i < args.count; i++) {
    const encoding = mergeKeyOrReply(session, args, i, reply);
    if (encoding === -1) return;
    if (encoding === 1) dense = true;
  }
  const entry = db.find(args.bytes, args.start(1), args.end(1));
  if (entry === NULL_REF) {
    editor.begin(writeEmpty(editor.bytes));
  } else {
    makeRaw(session, entry);
    db.readString(entry, value);
    const isSparse = !isDense(value.bytes, value.start);
    editor.load(value.bytes, value.start, isSparse ? value.end : value.start + HEADER_SIZE);
  }
  if (!dense) {
    const sizeMax = session.engine.options.number("hll-sparse-max-bytes");
    for (let i = 0; i < REGISTER_COUNT && !dense; i++) {
      if (registers[i] !== 0) dense = editor.raise(i, registers[i]!, sizeMax) === SPARSE_FULL;
    }
  }
  dropCount(editor.bytes, 0);
  if (dense) storeDense(session, args, 1, entry);
  else storeSparse(session, args, entry);
  changed(session, args, 1, PFADD);
  reply.ok();
}

/**
 * Merges the HyperLogLog of the key in argument `index` into `registers`.
 * @returns 0 sparse or missing, 1 dense, -1 after an error
 */
function mergeKeyOrReply(session: Session, args: Args, index: number, reply: Reply): -1 | 0 | 1 {
  const entry = session.db.read(args.bytes, args.start(index), args.end(index));
  if (entry === NULL_REF) return 0;
  if (!readOrReply(session, entry, reply)) return -1;
  if (mergeInto(registers, value.bytes, value.start, value.end)) {
    return isDense(value.bytes, value.start) ? 1 : 0;
  }
  reply.error(DAMAGED);
  return -1;
}

/** Leaves the estimate for `registers` in `int64`. */
function countRegisters(): void {
  histogram.fill(0);
  for (let i = 0; i < REGISTER_COUNT; i++) histogram[registers[i]!]!++;
  estimate(histogram);
}

/** Points `value` at a HyperLogLog; else answers an error. A missing one is left to the caller. */
function readOrReply(session: Session, entry: Ref, reply: Reply): boolean {
  if (entry === NULL_REF) return true;
  if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return false;
  session.db.readString(entry, value);
  if (isHyperLogLog(value.bytes, value.start, value.end)) return true;
  reply.error(NOT_ONE);
  return false;
}

/** Makes the key of argument 1 hold the editor's value; its expiry time stays. */
function storeSparse(session: Session, args: Args, entry: Ref): void {
  const { db } = session;
  const { blobs, entries } = session.engine.keyspace.store;
  const { bytes, length } = editor;
  let at = entry;
  if (entry === NULL_REF) {
    at = stringToChange(session, args, entry, length);
  } else if (entries.encoding(entry) === ENCODING_BLOB) {
    const blob = entries.block(entry);
    if (blobs.capacity(blob) >= length) blobs.setLength(blob, length);
    else at = storeBlob(session, args, entry);
  } else if (length > INLINE_SIZE_MAX) {
    at = storeBlob(session, args, entry);
  } else if (length < entries.valueLength(entry)) {
    entries.setValueLength(entry, length);
  } else if (!entries.refit(entry, ENCODING_RAW, length)) {
    at = db.growString(entry, length);
  }
  db.readString(at, value);
  bytes.copy(value.bytes, value.start, 0, length);
}

/** Gives the key of argument 1 a blob for the editor's value, with room to grow. */
function storeBlob(session: Session, args: Args, entry: Ref): Ref {
  const { length } = editor;
  const blob = session.engine.keyspace.store.blobs.create(length, length + SPARSE_ROOM);
  return session.db.setBlob(entry, args.bytes, args.start(1), args.end(1), blob, true);
}

/**
 * Makes the key hold a dense value of `registers` with the header of the editor's value; its expiry time stays.
 * @param index the argument that is the key
 */
function storeDense(session: Session, args: Args, index: number, entry: Ref): void {
  const { db } = session;
  const { blobs } = session.engine.keyspace.store;
  if (entry !== NULL_REF && db.stringLength(entry) === DENSE_SIZE) {
    db.readString(entry, value);
    return writeDense(value.bytes, value.start, registers, editor.bytes, 0);
  }
  const blob = blobs.create(DENSE_SIZE);
  writeDense(blobs.bytes(blob), blobs.start(blob), registers, editor.bytes, 0);
  db.setBlob(entry, args.bytes, args.start(index), args.end(index), blob, true);
}

function pfdebug(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const entry = db.find(args.bytes, args.start(2), args.end(2));
  if (entry === NULL_REF) return reply.error("ERR The specified key does not exist");
  if (!readOrReply(session, entry, reply)) return;
  makeRaw(session, entry);
  const dense = isDense(value.bytes, value.start);
  if (args.is(1, "GETREG")) {
    if (!dense && !makeDenseOrReply(session, args, entry, reply)) return;
    const at = db.find(args.bytes, args.start(2), args.end(2));
    db.readString(at, value);
    reply.array(REGISTER_COUNT);
    for (let i = 0; i < REGISTER_COUNT; i++) {
      reply.integer(getDense(value.bytes, value.start + HEADER_SIZE, i));
    }
  } else if (args.is(1, "DECODE")) {
    if (dense) return reply.error("ERR HLL encoding is not sparse");
    const from = value.start + HEADER_SIZE;
    if (value.end - from > SPARSE_BYTES_MAX) return reply.error(DAMAGED);
    reply.text(describeSparse(value.bytes, from, value.end));
  } else if (args.is(1, "ENCODING")) {
    reply.simple(dense ? "dense" : "sparse");
  } else if (args.is(1, "TODENSE")) {
    if (!dense && !makeDenseOrReply(session, args, entry, reply)) return;
    reply.integer(dense ? 0 : 1);
  } else {
    // Where text of C ends.
    const name = args.text(1).split("\0", 1)[0];
    reply.error(`ERR Unknown PFDEBUG subcommand '${name}'`);
  }
}

/** Turns the sparse value in `value`, of the key in argument 2, into a dense one. */
function makeDenseOrReply(session: Session, args: Args, entry: Ref, reply: Reply): boolean {
  registers.fill(0);
  if (!mergeInto(registers, value.bytes, value.start, value.end)) {
    reply.error(DAMAGED);
    return false;
  }
  editor.load(value.bytes, value.start, value.start + HEADER_SIZE);
  storeDense(session, args, 2, entry);
  changed(session, args, 2, TOUCHED);
  return true;
}

/** Whether registers keep what is stored in them, and estimates are as good as they should be in both forms. */
function pfselftest(session: Session, _args: Args, reply: Reply): void {
  const { random } = session.engine;
  const dense = Buffer.alloc(DENSE_SIZE);
  for (let round = 0; round < SELF_TEST_ROUNDS; round++) {
    for (let i = 0; i < REGISTER_COUNT; i++) registers[i] = random.below(64);
    writeDense(dense, 0, registers, dense, 0);
    for (let i = 0; i < REGISTER_COUNT; i++) {
      const found = getDense(dense, HEADER_SIZE, i);
      if (found === registers[i]) continue;
      const text = `Register ${i} should be ${registers[i]} but is ${found}`;
      return reply.error(`TESTFAILED ${text}`);
    }
  }
  const error = testEstimates(session, dense);
  if (error === null) reply.ok();
  else reply.error(`TESTFAILED ${error}`);
}

/** Adds many elements to both forms and compares their counts at each power of ten. Returns what is wrong, or null. */
function testEstimates(session: Session, dense: Buffer): string | null {
  const { random, options } = session.engine;
  const sizeMax = options.number("hll-sparse-max-bytes");
  const element = Buffer.alloc(8);
  element.writeInt32LE(random.int32(), 4);
  const seed = random.int32();
  dense.fill(0);
  editor.begin(writeEmpty(editor.bytes));
  let isSparse = true;
  for (let i = 1, next = 1; i <= SELF_TEST_ELEMENTS; i++) {
    element.writeInt32LE(i ^ seed, 0);
    locateElement(element, 0, element.length);
    raiseDense(dense, HEADER_SIZE, place.register, place.count);
    if (isSparse) isSparse = editor.raise(place.register, place.count, sizeMax) !== SPARSE_FULL;
    if (i !== next) continue;
    next *= 10;
    histogram.fill(0);
    countDense(histogram, dense, HEADER_SIZE);
    estimate(histogram);
    assert(int64.high === 0, "few elements are a small number");
    const count = int64.low;
    if (isSparse) {
      histogram.fill(0);
      countSparse(histogram, editor.bytes, HEADER_SIZE, editor.length);
      estimate(histogram);
      if (int64.low !== count) return "dense/sparse disagree";
    }
    const wrong = Math.abs(count - i);
    const wrongMax = Math.ceil(((1.04 * SELF_TEST_ERRORS) / Math.sqrt(REGISTER_COUNT)) * i);
    if (wrong > wrongMax) return `Too big error. card:${i} abserr:${wrong}`;
  }
  return null;
}

export const hyperloglogRows: readonly CommandRow[] = [
  {
    name: "pfadd",
    arity: -2,
    flags: "write denyoom fast",
    keys: oneKey("RW insert"),
    since: "2.8.9",
    group: "hyperloglog",
    summary: "Adds elements to a HyperLogLog, which is made if the key does not exist.",
    complexity: "O(1) for each element",
    syntax: "key:key [element:string...]",
    handler: pfadd,
  },
  {
    name: "pfcount",
    arity: -2,
    flags: "readonly may_replicate",
    keys: [
      {
        flags: "RW access",
        begin: 1,
        find: { last: -1, step: 1 },
        notes: "RW because the estimate that was computed is kept in the value",
      },
    ],
    since: "2.8.9",
    group: "hyperloglog",
    summary: "Estimates how many different elements were added to one or more HyperLogLogs.",
    complexity: "O(1) for one key whose estimate is known, else O(N) where N is the number of keys",
    syntax: "key:key...",
    handler: pfcount,
  },
  {
    name: "pfmerge",
    arity: -2,
    flags: "write denyoom",
    keys: [
      { flags: "RW access insert", begin: 1, find: { last: 0, step: 1 } },
      { flags: "RO access", begin: 2, find: { last: -1, step: 1 } },
    ],
    since: "2.8.9",
    group: "hyperloglog",
    summary: "Adds what was added to some HyperLogLogs to another one.",
    complexity: "O(N) where N is the number of keys",
    syntax: "destkey:key [sourcekey:key#1...]",
    handler: pfmerge,
  },
  {
    name: "pfdebug",
    arity: 3,
    flags: "write denyoom admin",
    keys: [{ flags: "RW access", begin: 2, find: { last: 0, step: 1 } }],
    since: "2.8.9",
    group: "hyperloglog",
    summary: "Shows the inside of a HyperLogLog.",
    complexity: "O(1): a HyperLogLog has a fixed number of registers",
    systemCommand: true,
    syntax: "subcommand:string key:key",
    handler: pfdebug,
  },
  {
    name: "pfselftest",
    arity: 1,
    flags: "admin",
    since: "2.8.9",
    group: "hyperloglog",
    summary: "Tests whether HyperLogLogs count as well as they should.",
    complexity: "O(1): it always adds the same number of elements",
    systemCommand: true,
    handler: pfselftest,
  },
];
