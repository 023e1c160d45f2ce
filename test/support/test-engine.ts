/** An engine without sockets: commands run at once, in verify mode, and answer with the bytes of their reply. */
import { OPTION_ROWS } from "../../src/base/option-table.ts";
import { Options } from "../../src/base/options.ts";
import { allRows } from "../../src/all-rows.ts";
import { Engine } from "../../src/commands/engine.ts";
import { execute } from "../../src/commands/execute.ts";
import type { Session } from "../../src/commands/session.ts";
import { Args } from "../../src/protocol/args.ts";
import type { Argument } from "./resp-client.ts";
import { toBytes } from "./resp-client.ts";
import type { RespValue } from "./resp-value.ts";
import { readValue } from "./resp-value.ts";

export class TestEngine {
  readonly engine: Engine;
  readonly session: Session;
  readonly #args: Args = new Args();

  /** @param values options by name @param seed chooses what is left to chance, the secret of its hash too */
  constructor(values: Readonly<Record<string, string>> = {}, seed = 1) {
    const options = new Options(OPTION_ROWS);
    for (const [name, value] of Object.entries({ "enable-debug-command": "yes", ...values })) {
      const error = options.set(name, value);
      if (error !== null) throw new Error(`${name}: ${error}`);
    }
    this.engine = new Engine({ options, rows: allRows(), verify: true, seed });
    this.session = this.engine.createSession();
  }

  /** Runs a command and returns its reply. */
  run(...line: readonly Argument[]): RespValue {
    const parts = line.map(toBytes);
    const args = this.#args;
    args.clear();
    args.bytes = Buffer.concat(parts);
    let at = 0;
    for (const part of parts) {
      args.push(at, at + part.length);
      at += part.length;
    }
    const { reply } = this.session;
    execute(this.session, args);
    const bytes = Buffer.from(reply.buffer.subarray(0, reply.pos));
    reply.clear();
    return readValue({ bytes, end: bytes.length, pos: 0 })!;
  }

  /** Runs a command whose reply is a string, and returns its bytes. */
  bytes(...line: readonly Argument[]): Buffer {
    const reply = this.run(...line);
    if (reply.type !== "bulk")
      throw new Error(`${line[0]}: no string but ${JSON.stringify(reply)}`);
    return Buffer.from(reply.text, "latin1");
  }

  /** Blocks of the arena that are left when all keys are deleted and their memory was given back. */
  blocksWhenEmpty(): number {
    this.run("FLUSHALL");
    while (this.engine.keyspace.housekeep(1e9));
    return this.engine.keyspace.store.arena.blocks;
  }
}
