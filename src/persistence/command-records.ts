/**
 * A snapshot as the commands that make the same data: the base of an append-only file where the option `aof-use-rdb-preamble`
 * wants no RDB file in it. Redis loads it, unless members of collections expire: their commands it does not know.
 */
import type { Engine } from "../commands/engine.ts";
import type { Database } from "../keyspace/database.ts";
import type { KeyTable } from "../keyspace/key-table.ts";
import type { Ref } from "../memory/arena.ts";
import { timeLine } from "./aof-marks.ts";
import type { ByteSink } from "./byte-sink.ts";
import { CommandOutput } from "./command-output.ts";
import { CommandWriter } from "./command-writer.ts";
import type { Pieces } from "./element-walk.ts";
import type { SnapshotRecords } from "./snapshot-records.ts";

export class CommandRecords implements SnapshotRecords {
  readonly #writer: CommandWriter;
  readonly #main: CommandOutput;
  readonly #aside: CommandOutput = new CommandOutput(null);
  /** Any database: values are read through one. */
  readonly #database: Database;

  /** Begins the file. */
  constructor({ functions, keyspace, options, clock }: Engine, sink: ByteSink) {
    this.#writer = new CommandWriter(keyspace.store);
    this.#main = new CommandOutput(sink);
    this.#database = keyspace.databases[0]!;
    if (options.flag("aof-timestamp-enabled")) {
      this.#main.line(timeLine(Math.floor(clock.nowMs / 1000)));
    }
    for (const code of functions.codes()) {
      this.#main.begin(0, 3);
      this.#main.words.text("FUNCTION");
      this.#main.words.text("LOAD");
      this.#main.words.bytes(code, 0, code.length);
    }
  }

  write(table: KeyTable, index: number, entry: Ref, aside: boolean): Pieces | null {
    const output = aside ? this.#aside : this.#main;
    return this.#writer.write(output, this.#database, table, index, entry);
  }

  takeAside(): void {
    this.#main.take(this.#aside);
  }

  end(): void {
    this.#main.flush();
  }
}
