/** DUMP and RESTORE: a value as bytes that another server takes, and back. The payload's form is in rdb-format.ts. */
import { changed } from "../commands/changed.ts";
import { DEL, RESTORE as RESTORED } from "../keyspace/key-events.ts";
import { addInt64, int64, isSafe, parseInt64, toNumber } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Engine } from "../commands/engine.ts";
import { NOT_AN_INTEGER, int64OrReply, SYNTAX_ERROR } from "../commands/guards.ts";
import type { CommandRow } from "../commands/row.ts";
import { oneKey } from "../commands/row.ts";
import type { Session } from "../commands/session.ts";
import { tellDelete } from "../commands/tell.ts";
import type { Database } from "../keyspace/database.ts";
import { COUNTER_MAX } from "../keyspace/use-frequency.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Kit } from "../types/kit.ts";
import { TYPE_SET, TYPE_STRING, TYPE_ZSET } from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import { Crc64 } from "./crc64.ts";
import type { Dialect } from "./rdb-dialect.ts";
import { dialectOfVersion, typeIn } from "./rdb-dialect.ts";
import {
  FOOTER_SIZE,
  RDB_HASH_METADATA,
  RDB_MEMBER_TIMES,
  VERSION_TIMED,
  VERSION_WRITTEN,
} from "./rdb-format.ts";
import { RdbInput } from "./rdb-input.ts";
import { RdbOutput } from "./rdb-output.ts";
import { ReadTimes } from "./read-times.ts";
import { RdbValueReader, typeOfRdb } from "./rdb-value-reader.ts";
import { RdbValueWriter } from "./rdb-value-writer.ts";

const BAD_PAYLOAD = "ERR DUMP payload version or checksum are wrong";
const BAD_DATA = "ERR Bad data format";
const BUSY_KEY = "BUSYKEY Target key name already exists.";
const BAD_TTL = "ERR Invalid TTL value, must be >= 0";
const BAD_IDLE_TIME = "ERR Invalid IDLETIME value, must be >= 0";
const BAD_FREQUENCY = "ERR Invalid FREQ value, must be >= 0 and <= 255";

const KEY = 1;
const TTL = 2;
const PAYLOAD = 3;
const FIRST_OPTION = 4;

const output = new RdbOutput(null);
const input = RdbInput.of(output.buffer, 0, 0);
const crc = new Crc64();
const value = new Value();
const text = new Slice();
/** The times of the members of `value`. */
let times = new ReadTimes();

function dump(session: Session, args: Args, reply: Reply): void {
  const entry = session.db.read(args.bytes, args.start(KEY), args.end(KEY));
  if (entry === NULL_REF) return reply.null();
  const payload = dumpEntry(session, entry);
  reply.bulk(payload, 0, payload.length);
}

/** The payload of an entry of the session's database; the bytes are overwritten by the next one. */
export function dumpEntry({ db, engine }: Session, entry: Ref): Buffer {
  return payloadOf(engine, db, entry, true);
}

/** @param timed with the times of its members, if RDB has no place for them */
function payloadOf(engine: Engine, db: Database, entry: Ref, timed: boolean): Buffer {
  const writer = new RdbValueWriter(engine.keyspace.store);
  output.clear();
  output.compresses = engine.options.text("rdbcompression") === "yes";
  const memberTimes = timed ? writer.timedOf(db, entry) : NULL_REF;
  if (memberTimes !== NULL_REF) {
    const field = new RdbOutput(null);
    field.compresses = false;
    writer.times(field, memberTimes, 0, Infinity);
    output.byte(RDB_MEMBER_TIMES);
    output.string(field.buffer, 0, field.pos);
  }
  const type = writer.typeOf(db, entry);
  output.byte(type);
  const rest = writer.write(output, db, entry);
  if (rest !== null) for (const _ of rest);
  output.byte(type === RDB_HASH_METADATA ? VERSION_TIMED : VERSION_WRITTEN);
  output.byte(0);
  crc.reset();
  crc.add(output.buffer, 0, output.pos);
  output.int64(crc.low, crc.high);
  return output.buffer.subarray(0, output.pos);
}

/** What the options of RESTORE say. */
const chosen = { replace: false, absolute: false, idleSeconds: -1, frequency: -1 };

function restore(session: Session, args: Args, reply: Reply): void {
  if (!readOptionsOrReply(args, reply)) return;
  const { db, engine } = session;
  const { bytes } = args;
  const start = args.start(KEY);
  const end = args.end(KEY);
  // A key that is to be replaced is not used by that, and not at all by a payload that is none.
  const old = chosen.replace ? db.peek(bytes, start, end) : db.find(bytes, start, end);
  if (old !== NULL_REF && !chosen.replace) return reply.error(BUSY_KEY);
  if (!int64OrReply(args, TTL, reply)) return;
  const { low, high } = int64;
  if (high < 0) return reply.error(BAD_TTL);
  const dialect = dialectOrNull(bytes, args.start(PAYLOAD), args.end(PAYLOAD));
  if (dialect === null) return reply.error(BAD_PAYLOAD);
  const { nowMs } = engine.clock;
  const expires = (low | high) !== 0;
  int64.low = low;
  int64.high = high;
  if (expires && !chosen.absolute && !addInt64(low, high, nowMs | 0, Math.floor(nowMs / 2 ** 32))) {
    return reply.error(BAD_TTL);
  }
  const dueLow = int64.low;
  const dueHigh = int64.high;
  input.reuse(bytes, args.start(PAYLOAD), args.end(PAYLOAD) - FOOTER_SIZE);
  let type = typeIn(dialect, input.byte());
  const isTimed = type === RDB_MEMBER_TIMES;
  if (isTimed) {
    input.string(text);
    const memberTimes = text.copy();
    type = input.byte();
    if (!readTimedValue(session, type, memberTimes)) return reply.error(BAD_DATA);
  } else if (!readValue(session, type)) return reply.error(BAD_DATA);
  if (old !== NULL_REF) db.remove(db.peek(bytes, start, end));
  reply.ok();
  const { store } = engine.keyspace;
  if (expires && store.expires && isSafe(dueHigh) && toNumber(dueLow, dueHigh) <= nowMs) {
    drop(session, type);
    if (old === NULL_REF) return;
    tellDelete(session, args, KEY);
    changed(session, args, KEY, DEL);
    return;
  }
  let entry = put(store.kit, db, type, bytes, start, end);
  if (expires) entry = db.expireAtInt64(entry, dueLow, dueHigh);
  store.setUse(entry, chosen.idleSeconds, chosen.frequency);
  const isForeign = dialect.isValkey || dialect.version > VERSION_WRITTEN;
  if (isTimed || isForeign) tellOwnRestore(session, args, entry, isTimed, dueLow, dueHigh);
  else if (expires) tellRestore(session, args, dueLow, dueHigh);
  changed(session, args, KEY, RESTORED);
}

/**
 * The key holds a payload's value, until a time: Unix time in ms in two words.
 * @param payload not that of the command, if another tells the same
 */
function tellRestore(
  session: Session,
  args: Args,
  low: number,
  high: number,
  payload?: Buffer,
): void {
  const { effects } = session.engine;
  if (!effects.active) return;
  effects.begin(session.db.index, 6);
  effects.text("RESTORE");
  effects.argument(args, KEY);
  effects.int64(low, high);
  if (payload === undefined) effects.argument(args, PAYLOAD);
  else effects.bytes(payload, 0, payload.length);
  effects.text("REPLACE");
  effects.text("ABSTTL");
}

/**
 * The same with a payload as DUMP makes it here, and with the times of members as commands, if they stood in the payload. A log
 * holds nothing that only other servers can restore: Redis passes over the error that RESTORE answers when it loads a log, and
 * would load the rest without the key.
 */
function tellOwnRestore(
  session: Session,
  args: Args,
  entry: Ref,
  isTimed: boolean,
  low: number,
  high: number,
): void {
  const { engine, db } = session;
  const { effects, keyspace } = engine;
  if (!effects.active) return;
  tellRestore(session, args, low, high, payloadOf(engine, db, entry, false));
  if (!isTimed) return;
  const name = keyspace.store.entries.type(entry) === TYPE_SET ? "SPEXPIREAT" : "ZPEXPIREAT";
  times.forEach((member, dueMs) => {
    effects.begin(db.index, 6);
    effects.text(name);
    effects.argument(args, KEY);
    effects.integer(dueMs);
    effects.text("MEMBERS");
    effects.integer(1);
    effects.bytes(member, 0, member.length);
  });
}

function readOptionsOrReply(args: Args, reply: Reply): boolean {
  chosen.replace = false;
  chosen.absolute = false;
  chosen.idleSeconds = -1;
  chosen.frequency = -1;
  for (let i = FIRST_OPTION; i < args.count; i++) {
    const hasValue = i + 1 < args.count;
    if (args.is(i, "REPLACE")) {
      chosen.replace = true;
    } else if (args.is(i, "ABSTTL")) {
      chosen.absolute = true;
    } else if (args.is(i, "IDLETIME") && hasValue && chosen.frequency === -1) {
      chosen.idleSeconds = numberOrReply(args, ++i, Infinity, BAD_IDLE_TIME, reply);
      if (chosen.idleSeconds === -1) return false;
    } else if (args.is(i, "FREQ") && hasValue && chosen.idleSeconds === -1) {
      chosen.frequency = numberOrReply(args, ++i, COUNTER_MAX, BAD_FREQUENCY, reply);
      if (chosen.frequency === -1) return false;
    } else {
      reply.error(SYNTAX_ERROR);
      return false;
    }
  }
  return true;
}

/** A number from 0 to `max`; else answers an error and returns -1. */
function numberOrReply(
  args: Args,
  index: number,
  max: number,
  error: string,
  reply: Reply,
): number {
  if (!parseInt64(args.bytes, args.start(index), args.end(index))) {
    reply.error(NOT_AN_INTEGER);
    return -1;
  }
  const number = toNumber(int64.low, int64.high);
  if (number >= 0 && number <= max) return number;
  reply.error(error);
  return -1;
}

/** Whose payload it is; null if its version can't be read, or its checksum is wrong. */
export function dialectOrNull(bytes: Buffer, start: number, end: number): Dialect | null {
  if (end - start < FOOTER_SIZE) return null;
  const footer = end - FOOTER_SIZE;
  crc.reset();
  crc.add(bytes, start, footer + 2);
  return crc.matches(bytes, footer + 2) ? dialectOfVersion(bytes.readUInt16LE(footer)) : null;
}

/** Reads what `input` has to `value`, or of a string to `text`. Returns false, with nothing kept, if it is no value. */
function readValue({ engine }: Session, type: number): boolean {
  const code = typeOfRdb(type);
  if (code === -1) return false;
  if (code === TYPE_STRING) {
    input.string(text);
  } else {
    const { store, reclaimer } = engine.keyspace;
    const reader = new RdbValueReader(store, reclaimer);
    const rest = reader.read(input, type, value);
    if (rest !== null) for (const _ of rest);
    times = reader.times;
  }
  return !input.failed && (code === TYPE_STRING || value.block !== NULL_REF);
}

/** The same with the times of members that stood before it. */
function readTimedValue(session: Session, type: number, memberTimes: Buffer): boolean {
  const code = typeOfRdb(type);
  if (input.failed || (code !== TYPE_SET && code !== TYPE_ZSET)) return false;
  if (!readValue(session, type)) return false;
  const collection = session.engine.keyspace.store.memberCollections[code]!;
  if (times.read(memberTimes, collection, value)) return true;
  drop(session, type);
  return false;
}

/** Puts what was read under a key that is free. */
function put(kit: Kit, db: Database, type: number, bytes: Buffer, start: number, end: number): Ref {
  const free = db.find(bytes, start, end);
  const code = typeOfRdb(type);
  if (code !== TYPE_STRING) {
    const entry = db.create(bytes, start, end, code, value);
    times.apply(kit, db, entry);
    return entry;
  }
  return db.setString(free, bytes, start, end, text.bytes, text.start, text.end, false);
}

/** Lets go of what was read. */
function drop({ engine }: Session, type: number): void {
  const { store, reclaimer } = engine.keyspace;
  const collection = store.collections[typeOfRdb(type)];
  if (collection !== undefined) reclaimer.freeCollection(collection, value);
}

const restoreRow: CommandRow = {
  name: "restore",
  arity: -4,
  flags: "write denyoom",
  keys: oneKey("OW update"),
  since: "2.6.0",
  group: "generic",
  summary: "Makes a key of the bytes that DUMP gave of another.",
  complexity:
    "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the number of Redis objects composing the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values the complexity is O(N*M*log(N)) because inserting values into sorted sets is O(log(N)).",
  categories: "dangerous",
  syntax:
    "key:key ttl:integer serialized-value:string [replace:REPLACE@3.0.0] [absttl:ABSTTL@5.0.0] [IDLETIME seconds:integer@5.0.0] [FREQ frequency:integer@5.0.0]",
  history: [
    ["3.0.0", "The option `REPLACE`."],
    ["5.0.0", "The option `ABSTTL`."],
    ["5.0.0", "The options `IDLETIME` and `FREQ`."],
  ],
  handler: restore,
};

export const dumpRows: readonly CommandRow[] = [
  {
    name: "dump",
    arity: 2,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "2.6.0",
    group: "generic",
    summary: "Returns the value of a key as bytes that RESTORE takes.",
    complexity:
      "O(1) to access the key and additional O(N*M) to serialize it, where N is the number of Redis objects composing the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1).",
    syntax: "key:key",
    tips: ["nondeterministic_output"],
    handler: dump,
  },
  restoreRow,
  {
    ...restoreRow,
    name: "restore-asking",
    flags: "write denyoom asking",
    since: "3.0.0",
    group: "server",
    summary: "RESTORE between the nodes of a cluster.",
    categories: "keyspace dangerous",
    systemCommand: true,
  },
];
