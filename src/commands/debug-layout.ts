/** DEBUG OBJECT, LISTPACK, HTSTATS and HTSTATS-KEY: how values and hash tables are laid out. */
import { int64, isSafe, parseInt64, toNumber } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import { encodingName } from "../keyspace/key-report.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { UNIT } from "../memory/size-classes.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Dict } from "../structures/dict.ts";
import {
  ENCODING_HASHTABLE,
  ENCODING_INT,
  ENCODING_LISTPACK,
  TYPE_STRING,
} from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import { int64OrReply, NO_SUCH_KEY, value } from "./guards.ts";
import type { Session } from "./session.ts";

/** Elements from which the size of a collection is estimated. */
const SAMPLES = 5;
/** Longest string that Redis's files keep as an integer if it is one. */
const INTEGER_DIGITS_MAX = 11;

const NO_TABLE = "ERR The value stored at the specified key is not represented using an hash table";

const place = new Value();
const element = new Slice();

/** DEBUG OBJECT. */
export function object(session: Session, args: Args, reply: Reply): void {
  const { db, engine } = session;
  const { store } = engine.keyspace;
  const { entries } = store;
  const entry = db.peek(args.bytes, args.start(2), args.end(2));
  if (entry === NULL_REF) return reply.error(NO_SUCH_KEY);
  const block = entries.block(entry);
  const address = ((block === NULL_REF ? entry : block) >>> 0) * UNIT;
  const access = entries.access(entry);
  const idle = store.idleSeconds(entry);
  reply.simple(
    `Value at:0x${address.toString(16)} refcount:1 encoding:${encodingName(store, entry)} ` +
      `serializedlength:${serializedLength(session, entry)} lru:${access} lru_seconds_idle:${idle}`,
  );
}

/**
 * Bytes of a string in Redis's file format without compression: a length and the bytes, or a small integer. Of another value
 * those that it takes in memory, which are about as many.
 */
function serializedLength(session: Session, entry: Ref): number {
  const { store } = session.engine.keyspace;
  const collection = store.collections[store.entries.type(entry)];
  if (collection !== undefined) {
    session.db.load(entry, place);
    return collection.memory(place, SAMPLES);
  }
  session.db.readString(entry, value);
  const { length } = value;
  const isInteger = store.entries.encoding(entry) === ENCODING_INT;
  if (isInteger || length <= INTEGER_DIGITS_MAX) {
    const size = parseInt64(value.bytes, value.start, value.end) ? integerSize() : 0;
    if (size > 0) return size;
  }
  return length + (length < 64 ? 1 : length < 16384 ? 2 : 5);
}

/** Bytes of the integer in `int64` with its type byte, or 0 if it has more than 32 bits. */
function integerSize(): number {
  const integer = isSafe(int64.high) ? toNumber(int64.low, int64.high) : Infinity;
  if (integer >= -0x80 && integer < 0x80) return 2;
  if (integer >= -0x8000 && integer < 0x8000) return 3;
  return integer === (integer | 0) ? 5 : 0;
}

/** DEBUG HTSTATS: the hash table of a database. */
export function tableStats(session: Session, args: Args, reply: Reply): void {
  if (!int64OrReply(args, 2, reply)) return;
  const database = session.engine.keyspace.databases[toNumber(int64.low, int64.high)];
  if (database === undefined) return reply.error("ERR Out of range database");
  const full = args.count === 4 && args.is(3, "FULL");
  let text = "[Dictionary HT]\n";
  text += describeDict(session.engine.keyspace.store.dict, database.dict, full);
  text += `[Expires wheel]\n number of elements: ${database.expiring}\n`;
  reply.verbatim(text, "txt");
}

/** DEBUG HTSTATS-KEY: the same of a set or a hash that is kept in a table. */
export function tableStatsOfKey(session: Session, args: Args, reply: Reply): void {
  const { db } = session;
  const entry = db.peek(args.bytes, args.start(2), args.end(2));
  if (entry === NULL_REF) return reply.error(NO_SUCH_KEY);
  const { entries, kit } = session.engine.keyspace.store;
  if (entries.type(entry) !== TYPE_STRING) db.load(entry, place);
  if (entries.type(entry) === TYPE_STRING || place.encoding !== ENCODING_HASHTABLE) {
    return reply.error(NO_TABLE);
  }
  const full = args.count === 4 && args.is(3, "FULL");
  reply.verbatim(describeDict(kit.dict, place.block, full), "txt");
}

/** DEBUG LISTPACK: writes the elements of a packed value to the log, one a line. */
export function listpack(session: Session, args: Args, reply: Reply): void {
  const { db, engine } = session;
  const entry = db.peek(args.bytes, args.start(2), args.end(2));
  if (entry === NULL_REF) return reply.error(NO_SUCH_KEY);
  const { entries, kit } = engine.keyspace.store;
  if (entries.type(entry) !== TYPE_STRING) db.load(entry, place);
  if (entries.type(entry) === TYPE_STRING || place.encoding !== ENCODING_LISTPACK) {
    return reply.error("ERR Not a listpack encoded object.");
  }
  const { block } = place;
  const pack = kit.listpack;
  const { logger } = engine;
  logger.warning(`listpack of ${pack.byteLength(block)} bytes, ${pack.count(block)} elements`);
  let index = 0;
  for (let pos = pack.first(block); pos !== 0; pos = pack.next(block, pos)) {
    pack.read(block, pos, element);
    const kind = pack.isInteger(block, pos) ? "int" : "str";
    logger.warning(`${index++}: at ${pos}, ${kind} ${element.copy().toString("latin1")}`);
  }
  reply.simple("Listpack structure printed on stdout");
}

/** The table of a dict, and the one that it moves to. */
function describeDict(dicts: Dict, dict: Ref, full: boolean): string {
  const target = dicts.walk.chainLengths(dict, true);
  const text = describe(0, "main hash table", dicts.walk.chainLengths(dict, false), full);
  return target.length === 0 ? text : text + describe(1, "rehashing target", target, full);
}

/** @param lengths how many buckets have a chain of 0, 1, 2, ... entries */
function describe(index: number, name: string, lengths: readonly number[], full: boolean): string {
  const size = lengths.reduce((sum, buckets) => sum + buckets, 0);
  const elements = lengths.reduce((sum, buckets, length) => sum + buckets * length, 0);
  const head = `Hash table ${index} stats (${name}):\n`;
  if (elements === 0) return `${head}No stats available for empty dictionaries\n`;
  let text = `${head} table size: ${size}\n number of elements: ${elements}\n`;
  if (!full) return text;
  const used = size - lengths[0]!;
  text += ` different slots: ${used}\n max chain length: ${lengths.length - 1}\n`;
  text += ` avg chain length (counted): ${(elements / used).toFixed(2)}\n`;
  text += ` avg chain length (computed): ${(elements / used).toFixed(2)}\n`;
  text += " Chain length distribution:\n";
  for (const [length, buckets] of lengths.entries()) {
    if (buckets > 0) text += `   ${length}: ${buckets} (${((buckets * 100) / size).toFixed(2)}%)\n`;
  }
  return text;
}
