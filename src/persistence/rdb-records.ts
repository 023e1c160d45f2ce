/** A snapshot as an RDB file, whose form is in rdb-format.ts. */
import { REDIS_VERSION } from "../base/version.ts";
import type { Engine } from "../commands/engine.ts";
import type { Database } from "../keyspace/database.ts";
import type { KeyTable } from "../keyspace/key-table.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF, SEGMENT_SHIFT } from "../memory/arena.ts";
import type { ByteSink } from "./byte-sink.ts";
import type { Pieces } from "./element-walk.ts";
import {
  AUX_MEMBER_TIMES,
  OPCODE_AUX,
  OPCODE_EOF,
  OPCODE_EXPIRETIME_MS,
  OPCODE_FREQ,
  OPCODE_FUNCTION2,
  OPCODE_IDLE,
  OPCODE_RESIZEDB,
  OPCODE_SELECTDB,
  VERSION_TIMED,
  VERSION_WRITTEN,
} from "./rdb-format.ts";
import { RdbOutput } from "./rdb-output.ts";
import { RdbValueWriter } from "./rdb-value-writer.ts";
import type { SnapshotRecords } from "./snapshot-records.ts";

/** Bytes set aside that are kept for the next time. */
const ASIDE_KEEP: number = 1024 * 1024;
/** Times of members in one field. */
const TIMES_MAX = 64;
/** In the place of a database's number. */
const NONE = -1;

/** What a file says of itself. */
export interface RdbHeader {
  /** It is the base of an append-only file. */
  readonly forLog?: boolean;
}

export class RdbRecords implements SnapshotRecords {
  readonly #engine: Engine;
  readonly #writer: RdbValueWriter;
  readonly #main: RdbOutput;
  readonly #aside: RdbOutput = new RdbOutput(null);
  /** Any database: values are read through one. */
  readonly #database: Database;
  /** The policy asks how keys are used, so the file says it. */
  readonly #savesUse: boolean;
  /** Databases that the last records of the two outputs belong to. */
  #selected = NONE;
  #selectedAside = NONE;

  /** Begins the file. @param isTimed fields of hashes expire */
  constructor(engine: Engine, sink: ByteSink, isTimed: boolean, header: RdbHeader) {
    this.#engine = engine;
    this.#writer = new RdbValueWriter(engine.keyspace.store);
    this.#main = new RdbOutput(sink);
    this.#main.compresses = engine.options.text("rdbcompression") === "yes";
    this.#aside.compresses = this.#main.compresses;
    this.#savesUse = /-l[rf]u$/.test(engine.options.text("maxmemory-policy"));
    this.#database = engine.keyspace.databases[0]!;
    this.#begin(isTimed ? VERSION_TIMED : VERSION_WRITTEN, header);
  }

  write(table: KeyTable, index: number, entry: Ref, aside: boolean): Pieces | null {
    const output = aside ? this.#aside : this.#main;
    if ((aside ? this.#selectedAside : this.#selected) !== index) this.#select(table, index, aside);
    const timed = this.#writer.timedOf(this.#database, entry);
    if (timed !== NULL_REF) return this.#timedRecord(output, table, entry, timed);
    return this.#record(output, table, entry);
  }

  takeAside(): void {
    const aside = this.#aside;
    if (aside.pos === 0) return;
    this.#main.raw(aside.buffer, 0, aside.pos);
    this.#selected = this.#selectedAside;
    this.#selectedAside = NONE;
    aside.clear(ASIDE_KEEP);
  }

  end(): void {
    this.#main.byte(OPCODE_EOF);
    this.#main.checksum(this.#engine.options.text("rdbchecksum") === "yes");
  }

  #begin(number: number, { forLog = false }: RdbHeader): void {
    const output = this.#main;
    const { clock, functions, keyspace } = this.#engine;
    const version = Buffer.from(`REDIS${String(number).padStart(4, "0")}`);
    output.raw(version, 0, version.length);
    this.#auxiliary("redis-ver", REDIS_VERSION);
    this.#auxiliary("redis-bits", "64");
    this.#auxiliary("ctime", String(Math.floor(clock.nowMs / 1000)));
    this.#auxiliary("used-mem", String(keyspace.store.arena.usedBytes));
    this.#auxiliary("aof-base", forLog ? "1" : "0");
    for (const library of functions.codes()) {
      output.byte(OPCODE_FUNCTION2);
      output.string(library, 0, library.length);
    }
  }

  #auxiliary(name: string, value: string): void {
    this.#main.byte(OPCODE_AUX);
    this.#main.text(name);
    this.#main.text(value);
  }

  #use(output: RdbOutput, entry: Ref): void {
    const { store } = this.#engine.keyspace;
    if (store.countsUses) {
      output.byte(OPCODE_FREQ);
      output.byte(store.frequency.counter(store.entries.access(entry)));
    } else {
      output.byte(OPCODE_IDLE);
      output.length(store.idleSeconds(entry));
    }
  }

  #record(output: RdbOutput, table: KeyTable, entry: Ref): Pieces | null {
    const { arena, entries } = this.#engine.keyspace.store;
    if (entries.expires(entry)) {
      output.byte(OPCODE_EXPIRETIME_MS);
      output.int64(table.dueLow(entry), table.dueHigh(entry));
    }
    if (this.#savesUse) this.#use(output, entry);
    output.byte(this.#writer.typeOf(this.#database, entry));
    const start = entries.keyStart(entry);
    output.string(arena.bytes[entry >>> SEGMENT_SHIFT]!, start, start + entries.keyLength(entry));
    return this.#writer.write(output, this.#database, entry);
  }

  /** What Redis has no place for stands before the record, in fields that it passes over as it does not know them. */
  *#timedRecord(output: RdbOutput, table: KeyTable, entry: Ref, timed: Ref): Pieces {
    const count = this.#engine.keyspace.store.kit.memberTimes.count(timed);
    const field = new RdbOutput(null);
    field.compresses = false;
    for (let from = 0; from < count; from += TIMES_MAX) {
      field.clear();
      this.#writer.times(field, timed, from, TIMES_MAX);
      output.byte(OPCODE_AUX);
      output.text(AUX_MEMBER_TIMES);
      output.string(field.buffer, 0, field.pos);
      yield;
    }
    const rest = this.#record(output, table, entry);
    if (rest !== null) yield* rest;
  }

  #select(table: KeyTable, index: number, aside: boolean): void {
    const output = aside ? this.#aside : this.#main;
    output.byte(OPCODE_SELECTDB);
    output.length(index);
    if (aside) {
      this.#selectedAside = index;
      return;
    }
    output.byte(OPCODE_RESIZEDB);
    output.length(table.count);
    output.length(table.expiring);
    this.#selected = index;
  }
}
