/**
 * BITOP: a string made of others bit by bit.
 *
 * The result is computed a block at a time, the strings one after another within the block, so that the block stays in the
 * processor's cache and BITOP ONE needs no second string to note what it has seen twice. A large result is written
 * straight into the blob that becomes the value; one that stands inside its entry goes through `small`.
 *
 * Strings in blobs begin at a whole word of the arena and are read by words, the last one cut to the string's length; others
 * are short and are copied to `inlined` first.
 */
import { changed } from "./changed.ts";
import { DEL, SET } from "../keyspace/key-events.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_SHIFT } from "../memory/arena.ts";
import { INLINE_SIZE_MAX } from "../keyspace/entry.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { ENCODING_BLOB, TYPE_STRING } from "../types/kinds.ts";
import { makeRaw } from "./bit-values.ts";
import { isTypeOrReply, SYNTAX_ERROR, value } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";

// Operations as clients name them; the first six are also steps: target = target OP source.
const AND = 0;
const OR = 1;
const XOR = 2;
/** Bits of the first string and of no other. */
const DIFF = 3;
/** Bits of any other string and not of the first. */
const DIFF1 = 4;
/** Bits of exactly one string. */
const ONE = 5;
/** Bits of the first string and of any other. */
const ANDOR = 6;
const NOT = 7;
/** A step only. */
const COPY = 8;

const NAMES: readonly string[] = ["AND", "OR", "XOR", "DIFF", "DIFF1", "ONE", "ANDOR", "NOT"];

/** Words that are computed at a time. */
const BLOCK_WORDS = 2048;
/** Strings whose entries are remembered without taking memory for them. */
const SOURCES_KEEP = 64;

/** Bits of the block that ONE has seen more than once. */
const repeated = new Int32Array(BLOCK_WORDS);
const small = new Int32Array(INLINE_SIZE_MAX / 4);
const smallBytes: Buffer = Buffer.from(small.buffer);
const inlined = new Int32Array(INLINE_SIZE_MAX / 4);
const inlinedBytes: Buffer = Buffer.from(inlined.buffer);

const kept = new Int32Array(SOURCES_KEEP);

/** The string that is read: its words from `at` on, `length` bytes. */
const source = { words: inlined as Int32Array, at: 0, length: 0 };

function bitop(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const { bytes } = args;
  const { blobs, arena, entries } = session.engine.keyspace.store;
  const operation = NAMES.findIndex((name) => args.is(1, name));
  if (operation === -1) return reply.error(SYNTAX_ERROR);
  const count = args.count - 3;
  if (operation === NOT && count !== 1) {
    return reply.error("ERR BITOP NOT must be called with a single source key.");
  }
  if ((operation === DIFF || operation === DIFF1 || operation === ANDOR) && count < 2) {
    const name = NAMES[operation];
    return reply.error(`ERR BITOP ${name} must be called with at least two source keys.`);
  }
  const sources = count <= SOURCES_KEEP ? kept : new Int32Array(count);
  let length = 0;
  for (let i = 0; i < count; i++) {
    const entry = db.read(bytes, args.start(i + 3), args.end(i + 3));
    if (!isTypeOrReply(session, entry, TYPE_STRING, reply)) return;
    sources[i] = entry;
    if (entry !== NULL_REF) length = Math.max(length, db.stringLength(entry));
  }
  const start = args.start(2);
  const end = args.end(2);
  const old = db.find(bytes, start, end);
  if (length === 0) {
    if (old !== NULL_REF) {
      db.remove(old);
      changed(session, args, 2, DEL);
    }
    return reply.integer(0);
  }
  if (length > INLINE_SIZE_MAX) {
    const blob = blobs.create(length);
    const target = arena.words[blob >>> SEGMENT_SHIFT]!;
    combine(session, operation, sources, count, target, blobs.start(blob) >>> 2, length);
    db.setBlob(old, bytes, start, end, blob, false);
  } else {
    combine(session, operation, sources, count, small, 0, length);
    let entry = db.setText(old, bytes, start, end, smallBytes.subarray(0, length));
    if (entries.expires(entry)) entry = db.persist(entry);
    // What is computed is raw, however short it is.
    makeRaw(session, entry);
  }
  changed(session, args, 2, SET);
  reply.integer(length);
}

/** Writes the result, `length` bytes, to the words of `target` from `at` on. */
function combine(
  session: Session,
  operation: number,
  sources: Int32Array,
  count: number,
  target: Int32Array,
  at: number,
  length: number,
): void {
  const words = (length + 3) >>> 2;
  for (let first = 0; first < words; first += BLOCK_WORDS) {
    const size = Math.min(BLOCK_WORDS, words - first);
    const to = at + first;
    if (operation === DIFF || operation === DIFF1 || operation === ANDOR) {
      for (let i = 1; i < count; i++) {
        locate(session, sources[i] as Ref);
        applyToBlock(i === 1 ? COPY : OR, target, to, first, size);
      }
      locate(session, sources[0] as Ref);
      applyToBlock(operation === ANDOR ? AND : operation, target, to, first, size);
      continue;
    }
    if (operation === ONE) repeated.fill(0, 0, size);
    for (let i = 0; i < count; i++) {
      locate(session, sources[i] as Ref);
      applyToBlock(i === 0 ? COPY : operation, target, to, first, size);
    }
    if (operation === ONE) for (let i = 0; i < size; i++) target[to + i]! &= ~repeated[i]!;
    if (operation === NOT) for (let i = 0; i < size; i++) target[to + i]! ^= -1;
  }
}

/** Points `source` at a string. */
function locate(session: Session, entry: Ref): void {
  const { entries, blobs, arena } = session.engine.keyspace.store;
  if (entry === NULL_REF) {
    source.length = 0;
  } else if (entries.encoding(entry) === ENCODING_BLOB) {
    const blob = entries.block(entry);
    source.words = arena.words[blob >>> SEGMENT_SHIFT]!;
    source.at = blobs.start(blob) >>> 2;
    source.length = blobs.length(blob);
  } else {
    session.db.readString(entry, value);
    value.bytes.copy(inlinedBytes, 0, value.start, value.end);
    source.words = inlined;
    source.at = 0;
    source.length = value.length;
  }
}

/** Does one step for the words [first, first + size) of the strings. The target's block begins at `to`. */
function applyToBlock(
  step: number,
  target: Int32Array,
  to: number,
  first: number,
  size: number,
): void {
  const { words, length } = source;
  const whole = Math.max(0, Math.min(size, (length >>> 2) - first));
  const from = source.at + first;
  apply(step, target, to, words, from, whole);
  let done = whole;
  const rest = length & 3;
  if (done < size && rest !== 0 && first + done === length >>> 2) {
    const last = words[from + done]! & ((1 << (rest * 8)) - 1);
    applyWord(step, target, to + done, last, done);
    done++;
  }
  // Behind its end a string is zeros.
  if (step === COPY || step === AND || step === DIFF) target.fill(0, to + done, to + size);
}

function apply(
  step: number,
  target: Int32Array,
  to: number,
  words: Int32Array,
  from: number,
  count: number,
): void {
  switch (step) {
    case COPY:
      target.set(words.subarray(from, from + count), to);
      break;
    case AND:
      for (let i = 0; i < count; i++) target[to + i]! &= words[from + i]!;
      break;
    case OR:
      for (let i = 0; i < count; i++) target[to + i]! |= words[from + i]!;
      break;
    case XOR:
      for (let i = 0; i < count; i++) target[to + i]! ^= words[from + i]!;
      break;
    case DIFF:
      for (let i = 0; i < count; i++) target[to + i] = words[from + i]! & ~target[to + i]!;
      break;
    case DIFF1:
      for (let i = 0; i < count; i++) target[to + i]! &= ~words[from + i]!;
      break;
    case ONE:
      for (let i = 0; i < count; i++) {
        const word = words[from + i]!;
        repeated[i]! |= target[to + i]! & word;
        target[to + i]! |= word;
      }
      break;
  }
}

/** One step for one word. @param index of the word in the block */
function applyWord(
  step: number,
  target: Int32Array,
  to: number,
  word: number,
  index: number,
): void {
  const old = target[to]!;
  switch (step) {
    case COPY:
      target[to] = word;
      break;
    case AND:
      target[to] = old & word;
      break;
    case OR:
      target[to] = old | word;
      break;
    case XOR:
      target[to] = old ^ word;
      break;
    case DIFF:
      target[to] = word & ~old;
      break;
    case DIFF1:
      target[to] = old & ~word;
      break;
    case ONE:
      repeated[index]! |= old & word;
      target[to] = old | word;
      break;
  }
}

export const bitopRows: readonly CommandRow[] = [
  {
    name: "bitop",
    arity: -4,
    flags: "write denyoom",
    keys: [
      { flags: "OW update", begin: 2, find: { last: 0, step: 1 } },
      { flags: "RO access", begin: 3, find: { last: -1, step: 1 } },
    ],
    since: "2.6.0",
    group: "bitmap",
    summary: "Makes a key hold the string that results from others bit by bit.",
    complexity: "O(N) where N is the length of the strings together",
    syntax:
      "operation:<and:AND|or:OR|xor:XOR|not:NOT|diff:DIFF@8.2.0|diff1:DIFF1@8.2.0|" +
      "andor:ANDOR@8.2.0|one:ONE@8.2.0> destkey:key key:key#1...",
    history: [["8.2.0", "The operations `DIFF`, `DIFF1`, `ANDOR` and `ONE`."]],
    handler: bitop,
  },
];
