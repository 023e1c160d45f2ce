/**
 * Writes keys as the commands that make them, those that Redis uses for it:
 *
 *   string   SET                    hash     HSET, and HPEXPIREAT for fields that expire
 *   list     RPUSH                  sorted   ZADD, and ZPEXPIREAT
 *   set      SADD, and SPEXPIREAT   stream   see command-stream-writer.ts
 *   and of a key that expires PEXPIREAT
 *
 * A string is written at once. Of anything else the caller gets a generator, as in rdb-value-writer.ts: the value must not
 * change until it is done.
 */
import { formatDouble } from "../base/doubles.ts";
import { Slice } from "../base/slice.ts";
import type { Database } from "../keyspace/database.ts";
import type { KeyTable } from "../keyspace/key-table.ts";
import type { Store } from "../keyspace/store.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { Listpack } from "../structures/listpack.ts";
import {
  ENCODING_INT,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
} from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import type { CommandOutput } from "./command-output.ts";
import { writeStreamCommands } from "./command-stream-writer.ts";
import type { Pieces } from "./element-walk.ts";
import { copyOf, ElementWalk } from "./element-walk.ts";

/** Elements of a command at most: Redis's bound. */
const ELEMENTS_MAX = 64;

/** A key on its way. */
export interface KeyTarget {
  readonly output: CommandOutput;
  /** Number of its database. */
  readonly index: number;
  readonly key: Buffer;
}

export class CommandWriter {
  readonly #store: Store;
  /** With a scratch of its own: a snapshot writes in the middle of commands. */
  readonly #listpack: Listpack;
  readonly #walk: ElementWalk;
  readonly #value: Value = new Value();
  readonly #content: Slice = new Slice();

  constructor(store: Store) {
    this.#store = store;
    this.#listpack = new Listpack(store.arena);
    this.#walk = new ElementWalk(store, this.#listpack);
  }

  /**
   * Writes an entry of a table.
   * @param database any one: values are read through it @param index number of the database that the entry is in
   * @returns null if that was all, else what writes the rest
   */
  write(
    output: CommandOutput,
    database: Database,
    table: KeyTable,
    index: number,
    entry: Ref,
  ): Pieces | null {
    const { entries } = this.#store;
    const target: KeyTarget = { output, index, key: database.keyOf(entry) };
    if (entries.type(entry) === TYPE_STRING) {
      this.#string(target, database, entry);
      this.#expiry(target, table, entry);
      return null;
    }
    database.load(entry, this.#value);
    const value = copyOf(this.#value);
    value.timed = this.#value.timed;
    return this.#collection(target, table, entry, value);
  }

  #string({ output, index, key }: KeyTarget, database: Database, entry: Ref): void {
    const { words } = output;
    const { entries } = this.#store;
    output.begin(index, 3);
    words.text("SET");
    words.bytes(key, 0, key.length);
    if (entries.encoding(entry) === ENCODING_INT) {
      words.int64(entries.low(entry), entries.high(entry));
      return;
    }
    const content = this.#content;
    database.readString(entry, content);
    words.bytes(content.bytes, content.start, content.end);
  }

  *#collection(target: KeyTarget, table: KeyTable, entry: Ref, value: Value): Pieces {
    const { entries } = this.#store;
    switch (entries.type(entry)) {
      case TYPE_LIST:
        yield* this.#list(target, value);
        break;
      case TYPE_SET:
        yield* this.#set(target, value);
        break;
      case TYPE_HASH:
        yield* this.#hash(target, value);
        break;
      case TYPE_STREAM:
        yield* writeStreamCommands(target, this.#store, this.#listpack, value);
        break;
      default:
        yield* this.#sortedSet(target, value);
    }
    this.#expiry(target, table, entry);
  }

  #expiry({ output, index, key }: KeyTarget, table: KeyTable, entry: Ref): void {
    if (!this.#store.entries.expires(entry)) return;
    output.begin(index, 3);
    output.words.text("PEXPIREAT");
    output.words.bytes(key, 0, key.length);
    output.words.int64(table.dueLow(entry), table.dueHigh(entry));
  }

  *#list(target: KeyTarget, value: Value): Pieces {
    const { words } = target.output;
    const commands = new ElementCommands(target, "RPUSH", 1, this.#store.lists.length(value));
    yield* this.#walk.elements(value, ({ bytes, start, end }) => {
      commands.next();
      words.bytes(bytes, start, end);
    });
  }

  *#set(target: KeyTarget, value: Value): Pieces {
    const { words } = target.output;
    const times = this.#timesOf(target, value, "SPEXPIREAT", "MEMBERS");
    const count = this.#store.sets.length(value);
    const commands = new ElementCommands(target, "SADD", 1, count, times);
    yield* this.#walk.members(value, (member) => {
      commands.next();
      words.bytes(member.bytes, member.start, member.end);
      times?.note(member);
    });
    times?.write();
  }

  *#hash(target: KeyTarget, value: Value): Pieces {
    const { words } = target.output;
    const times = this.#timesOf(target, value, "HPEXPIREAT", "FIELDS");
    const count = this.#store.hashes.length(value);
    const commands = new ElementCommands(target, "HSET", 2, count, times);
    yield* this.#walk.pairs(value, (field, content) => {
      commands.next();
      words.bytes(field.bytes, field.start, field.end);
      words.bytes(content.bytes, content.start, content.end);
      times?.note(field);
    });
    times?.write();
  }

  *#sortedSet(target: KeyTarget, value: Value): Pieces {
    const { words } = target.output;
    const times = this.#timesOf(target, value, "ZPEXPIREAT", "MEMBERS");
    const count = this.#store.sortedSets.length(value);
    const commands = new ElementCommands(target, "ZADD", 2, count, times);
    yield* this.#walk.scored(value, (member, score) => {
      commands.next();
      words.text(formatDouble(score));
      words.bytes(member.bytes, member.start, member.end);
      times?.note(member);
    });
    times?.write();
  }

  #timesOf(
    target: KeyTarget,
    { timed }: Value,
    name: string,
    word: string,
  ): MemberTimeCommands | null {
    return timed === NULL_REF
      ? null
      : new MemberTimeCommands(target, this.#store, timed, name, word);
  }
}

/** The commands that add a value's elements, some with each. */
class ElementCommands {
  readonly #target: KeyTarget;
  readonly #name: string;
  readonly #width: number;
  readonly #times: MemberTimeCommands | null;
  /** Elements that no command was begun for. */
  #left: number;
  /** Elements that the command under way still gets. */
  #open = 0;

  /** @param width arguments of an element @param times written behind each command */
  constructor(
    target: KeyTarget,
    name: string,
    width: number,
    count: number,
    times: MemberTimeCommands | null = null,
  ) {
    this.#target = target;
    this.#name = name;
    this.#width = width;
    this.#left = count;
    this.#times = times;
  }

  /** The arguments of one more element follow. */
  next(): void {
    if (this.#open === 0) this.#begin();
    this.#open--;
  }

  #begin(): void {
    this.#times?.write();
    const { output, index, key } = this.#target;
    const count = Math.min(this.#left, ELEMENTS_MAX);
    this.#left -= count;
    this.#open = count;
    output.begin(index, 2 + count * this.#width);
    output.words.text(this.#name);
    output.words.bytes(key, 0, key.length);
  }
}

/** The commands that give members their times of expiry. */
class MemberTimeCommands {
  readonly #target: KeyTarget;
  readonly #store: Store;
  readonly #timed: Ref;
  readonly #name: string;
  readonly #word: string;
  /** Members with a time that no command was written for. */
  #noted: { readonly member: Buffer; readonly dueMs: number }[] = [];

  constructor(target: KeyTarget, store: Store, timed: Ref, name: string, word: string) {
    this.#target = target;
    this.#store = store;
    this.#timed = timed;
    this.#name = name;
    this.#word = word;
  }

  /** A member is there by a command that is not complete yet. */
  note(member: Slice): void {
    const { bytes, start, end } = member;
    const dueMs = this.#store.kit.memberTimes.of(this.#timed, bytes, start, end);
    if (dueMs !== -1) this.#noted.push({ member: member.copy(), dueMs });
  }

  /** Writes the times of those that were noted. */
  write(): void {
    const { output, index, key } = this.#target;
    const { words } = output;
    for (const { member, dueMs } of this.#noted) {
      output.begin(index, 6);
      words.text(this.#name);
      words.bytes(key, 0, key.length);
      words.integer(dueMs);
      words.text(this.#word);
      words.integer(1);
      words.bytes(member, 0, member.length);
    }
    this.#noted = [];
  }
}
