/**
 * Loads an RDB file into the keyspace, in slices. What the file says is checked before it is believed (rdb-input.ts,
 * rdb-value-reader.ts); at the end its checksum is compared. After an error the keys that were loaded so far are there, and it
 * is for the caller to give up or to empty the keyspace.
 *
 * Keys whose time has come are not loaded, unless the file is the base of a log: what follows in the log may still need them.
 */
import { copyBytes } from "../base/bytes.ts";
import { nanoseconds } from "../base/clock.ts";
import { int64, toNumber, isSafe } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Database } from "../keyspace/database.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { TYPE_STRING } from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import type { Dialect } from "./rdb-dialect.ts";
import { dialectOf, HEADER_SIZE, typeIn } from "./rdb-dialect.ts";
import * as format from "./rdb-format.ts";
import type { RdbInput } from "./rdb-input.ts";
import { ReadTimes } from "./read-times.ts";
import { RdbValueReader, typeOfRdb } from "./rdb-value-reader.ts";
import type { Pieces } from "./element-walk.ts";

/** Keys, or pieces of a value, between two looks at the time. */
const STRIDE = 16;
/** Versions since which a file ends with a checksum. */
const CHECKSUM_VERSION = 5;
const CHECKSUM_SIZE = 8;
/** No entry in a file takes less: type, key, value. */
const ENTRY_SIZE_MIN = 3;

/** Short strings that are loaded together. */
const RUN = 32;

export class RdbLoader {
  /** Why loading has failed, or null. */
  error: string | null = null;
  /** Keys loaded, and keys left out because their time had come. */
  loaded = 0;
  expired = 0;
  /** Keys of the file take the place of those that are there; else a key that is there is an error. */
  merges = false;
  /** Function libraries, as they stand in the file. */
  readonly libraries: Buffer[] = [];
  /** Auxiliary fields by name. */
  readonly fields: Map<string, string> = new Map();
  readonly #keyspace: Keyspace;
  readonly #input: RdbInput;
  readonly #reader: RdbValueReader;
  readonly #keepsExpired: boolean;
  readonly #checks: boolean;
  readonly #value: Value = new Value();
  readonly #text: Slice = new Slice();
  #database: Database;
  #begun = false;
  #over = false;
  #dialect: Dialect = { isValkey: false, version: 0 };
  #rest: Pieces | null = null;
  // The key that is being read, and what the file says of it.
  #key: Buffer = Buffer.alloc(64);
  #keyLength = 0;
  #code = 0;
  #expires = false;
  #dueLow = 0;
  #dueHigh = 0;
  #idleSeconds = -1;
  #frequency = -1;
  /** The times of its members, of a set or sorted set. */
  #times: Buffer[] = [];

  /** @param checks compares the checksum, if there is one @param keepsExpired loads keys whose time has come */
  constructor(keyspace: Keyspace, input: RdbInput, checks: boolean, keepsExpired: boolean) {
    this.#keyspace = keyspace;
    this.#input = input;
    this.#checks = checks;
    this.#keepsExpired = keepsExpired;
    this.#reader = new RdbValueReader(keyspace.store, keyspace.reclaimer);
    this.#database = keyspace.databases[0]!;
  }

  /** Works for about so long. Returns false when all is loaded or has failed. @param budgetNs Infinity: to the end */
  step(budgetNs: number): boolean {
    if (this.#over) return false;
    const deadline = nanoseconds() + budgetNs;
    if (!this.#begun) this.#header();
    this.#begun = true;
    do {
      for (let left = STRIDE; left > 0; left--) {
        if (this.#advance()) continue;
        this.#over = true;
        this.error = this.#input.error;
        return false;
      }
    } while (nanoseconds() < deadline);
    return true;
  }

  /** Bytes of memory that the server used that wrote the file; 0 if it does not say so. */
  get usedMemory(): number {
    return Number(this.fields.get("used-mem") ?? 0) || 0;
  }

  #header(): void {
    const input = this.#input;
    const at = input.raw(HEADER_SIZE);
    if (input.failed) return;
    const dialect = dialectOf(input.bytes.toString("latin1", at, at + HEADER_SIZE));
    if (typeof dialect === "string") return input.fail(dialect);
    this.#dialect = dialect;
  }

  /** Reads a key, an opcode or a piece of a value. Returns false at the end, or after an error. */
  #advance(): boolean {
    const input = this.#input;
    if (this.#rest !== null) {
      if (this.#rest.next().done !== true) return true;
      this.#rest = null;
      this.#store();
      return !input.failed;
    }
    if (this.#isPlain && this.#shortStrings() > 0) return true;
    const type = input.byte();
    if (input.failed) return false;
    if (type >= format.OPCODE_FOREIGN) return this.#opcode(type);
    this.#entry(type);
    return !input.failed;
  }

  // ---- opcodes ----

  /** Returns false at the end of the file, or after an error. */
  #opcode(code: number): boolean {
    const input = this.#input;
    switch (code) {
      case format.OPCODE_EOF:
        this.#end();
        return false;
      case format.OPCODE_SELECTDB:
        this.#select(input.length());
        break;
      case format.OPCODE_RESIZEDB: {
        const keys = input.length();
        input.length();
        // A hint: what can't be true is not believed.
        if (keys * ENTRY_SIZE_MIN <= input.left) this.#database.expect(keys);
        break;
      }
      case format.OPCODE_EXPIRETIME_MS:
        input.int64();
        this.#setDue(int64.low, int64.high);
        break;
      case format.OPCODE_EXPIRETIME: {
        const ms = input.int32() * 1000;
        this.#setDue(ms | 0, Math.floor(ms / 4294967296));
        break;
      }
      case format.OPCODE_IDLE:
        this.#idleSeconds = input.length();
        break;
      case format.OPCODE_FREQ:
        this.#frequency = input.byte();
        break;
      case format.OPCODE_AUX:
        this.#field();
        break;
      case format.OPCODE_FUNCTION2:
        input.string(this.#text);
        if (!input.failed) this.libraries.push(this.#text.copy());
        break;
      case format.OPCODE_SLOT_INFO:
        for (let left = 3; left > 0; left--) input.length();
        break;
      case format.OPCODE_FOREIGN:
        input.fail(
          this.#dialect.isValkey
            ? "there is a slot that is being moved, which nobody here can read"
            : "there is metadata of a module, which nobody here can read",
        );
        break;
      case format.OPCODE_MODULE_AUX:
        input.fail("there is data of a module, which nobody here can read");
        break;
      default:
        input.fail("there are functions in the form of a release candidate");
    }
    return !input.failed;
  }

  #select(index: number): void {
    const database = this.#keyspace.databases[index];
    if (database !== undefined) this.#database = database;
    else this.#input.fail(`there is a database ${index}; see the option "databases"`);
  }

  #setDue(low: number, high: number): void {
    this.#expires = true;
    // A time before 1970 is past.
    this.#dueLow = high < 0 ? 0 : low;
    this.#dueHigh = Math.max(0, high);
  }

  #field(): void {
    const input = this.#input;
    input.string(this.#text);
    const name = this.#text.copy().toString("latin1");
    input.string(this.#text);
    if (input.failed) return;
    if (name === format.AUX_MEMBER_TIMES) this.#times.push(this.#text.copy());
    else this.fields.set(name, this.#text.copy().toString("latin1"));
  }

  #end(): void {
    const input = this.#input;
    if (this.#dialect.version < CHECKSUM_VERSION) return;
    input.sum();
    const at = input.raw(CHECKSUM_SIZE);
    if (input.failed || !this.#checks || input.crc.matches(input.bytes, at)) return;
    const none = input.bytes.readInt32LE(at) === 0 && input.bytes.readInt32LE(at + 4) === 0;
    if (!none) input.fail("the checksum is wrong");
  }

  // ---- keys ----

  /** Nothing was said of the next key. */
  get #isPlain(): boolean {
    return (
      !this.#expires &&
      this.#idleSeconds === -1 &&
      this.#frequency === -1 &&
      this.#times.length === 0
    );
  }

  /**
   * Loads the short strings that stand next in the window, straight from there: their places in the dict are fetched together,
   * and each key is hashed once. Stops in front of anything else, a key that is there already too. Returns how many it loaded.
   */
  #shortStrings(): number {
    const input = this.#input;
    const database = this.#database;
    const { lookahead } = this.#keyspace.store;
    const { bytes, end } = input;
    lookahead.clear();
    for (let at = input.pos; lookahead.count < RUN;) {
      const keyEnd = shortEnd(bytes, at + 1, end);
      if (keyEnd === -1 || bytes[at] !== format.RDB_STRING) break;
      const valueEnd = shortEnd(bytes, keyEnd, end);
      if (valueEnd === -1) break;
      lookahead.add(bytes, at + 2, keyEnd);
      at = valueEnd;
    }
    const { count } = lookahead;
    if (count > 0) database.prefetch();
    let done = 0;
    for (; done < count; done++) {
      const start = input.pos + 2;
      const keyEnd = start + bytes[start - 1]!;
      const valueEnd = keyEnd + 1 + bytes[keyEnd]!;
      lookahead.next = done;
      if (database.peek(bytes, start, keyEnd) !== NULL_REF) break;
      database.setString(NULL_REF, bytes, start, keyEnd, bytes, keyEnd + 1, valueEnd, false);
      input.pos = valueEnd;
    }
    lookahead.clear();
    this.loaded += done;
    return done;
  }

  #entry(found: number): void {
    const input = this.#input;
    const type = typeIn(this.#dialect, found);
    const code = typeOfRdb(type);
    if (code === -1) {
      const isModule = type === format.RDB_MODULE || type === format.RDB_MODULE_2;
      const what = isModule ? "a module" : `type ${found}`;
      const { isValkey, version } = this.#dialect;
      const whose = isValkey ? "Valkey's" : "Redis's";
      return input.fail(
        `there is a value of ${what}, which nobody here can read; the file is of ${whose} version ${version}`,
      );
    }
    this.#code = code;
    const text = this.#text;
    input.string(text);
    this.#keyLength = text.length;
    if (this.#key.length < text.length) this.#key = Buffer.allocUnsafeSlow(text.length);
    copyBytes(this.#key, 0, text.bytes, text.start, text.end);
    if (code === TYPE_STRING) {
      input.string(text);
      this.#store();
      return;
    }
    this.#rest = this.#reader.read(input, type, this.#value);
    if (this.#rest === null) this.#store();
  }

  /** Puts what was read into the keyspace. */
  #store(): void {
    const input = this.#input;
    const isString = this.#code === TYPE_STRING;
    // Some old versions left keys without elements behind; they are passed over.
    if (!input.failed && (isString || this.#value.block !== NULL_REF)) this.#keep(isString);
    this.#expires = false;
    this.#idleSeconds = -1;
    this.#frequency = -1;
    if (this.#times.length > 0) this.#times = [];
  }

  #keep(isString: boolean): void {
    const database = this.#database;
    const { store, reclaimer } = this.#keyspace;
    const code = this.#code;
    if (this.#expires && !this.#keepsExpired && this.#isPast()) {
      this.expired++;
      if (!isString) reclaimer.freeCollection(store.collections[code]!, this.#value);
      return;
    }
    const key = this.#key;
    const end = this.#keyLength;
    const old = database.peek(key, 0, end);
    if (old !== NULL_REF && this.merges) {
      database.remove(old);
      database.peek(key, 0, end);
    } else if (old !== NULL_REF) {
      if (!isString) reclaimer.freeCollection(store.collections[code]!, this.#value);
      return this.#input.fail("there is a key twice");
    }
    const text = this.#text;
    let entry = isString
      ? database.setString(NULL_REF, key, 0, end, text.bytes, text.start, text.end, false)
      : database.create(key, 0, end, code, this.#value);
    if (!isString) this.#applyTimes(entry);
    if (this.#expires) entry = database.expireAtInt64(entry, this.#dueLow, this.#dueHigh);
    store.setUse(entry, this.#idleSeconds, this.#frequency);
    this.loaded++;
  }

  #applyTimes(entry: Ref): void {
    const { kit } = this.#keyspace.store;
    this.#reader.times.apply(kit, this.#database, entry);
    if (this.#times.length === 0) return;
    const collection = this.#keyspace.store.memberCollections[this.#code];
    const times = new ReadTimes();
    const isSound = this.#times.every(
      (field) => collection !== undefined && times.read(field, collection, this.#value),
    );
    if (!isSound) return this.#input.fail("the times of a key's members are damaged");
    times.apply(kit, this.#database, entry);
  }

  #isPast(): boolean {
    const nowMs = this.#keyspace.store.clock.nowMs;
    return isSafe(this.#dueHigh) && toNumber(this.#dueLow, this.#dueHigh) < nowMs;
  }
}

/** Where a string ends that begins at `at` with a length of one byte, or -1 if it is none or does not end up to `end`. */
function shortEnd(bytes: Buffer, at: number, end: number): number {
  if (at >= end || bytes[at]! >= format.LENGTH_14) return -1;
  const stringEnd = at + 1 + bytes[at]!;
  return stringEnd <= end ? stringEnd : -1;
}
