/**
 * Runs effects again: the commands of a log, on the engine that is to hold its data. They are run by a session without a
 * connection, past everything that refuses clients (passwords, pauses, loading), and their replies are dropped.
 *
 * While a replay is under way no key expires: a command must find the keys that it found when it was logged, however long ago
 * that was. The log itself says when a key went.
 *
 * A transaction runs as a whole when its EXEC has come; one whose EXEC never comes has not happened.
 */
import type { Command } from "../commands/command.ts";
import type { Engine } from "../commands/engine.ts";
import type { Session } from "../commands/session.ts";
import { Transaction } from "../commands/transaction.ts";
import type { Args } from "../protocol/args.ts";

/** Characters of an unknown command's name that a message shows. */
const SHOWN_MAX = 64;

export class EffectReplay {
  readonly #engine: Engine;
  readonly #session: Session;
  /** Holds the commands of the transaction under way. */
  readonly #queue: Transaction = new Transaction();
  #inTransaction = false;
  /** Commands run. */
  commands = 0;
  /** Of these, how many answered an error: an effect never does, but a log of another server may hold anything. */
  failed = 0;
  /** The first such error. */
  firstError = "";

  /** Begins. Until `end` no key expires. */
  constructor(engine: Engine) {
    this.#engine = engine;
    this.#session = engine.createSession();
    this.#session.authenticated = true;
    this.#session.user = null;
    engine.keyspace.store.expires = false;
  }

  /** Between MULTI and EXEC. */
  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  /** Runs a command. @returns null, or why it can't be one of a log */
  run(args: Args): string | null {
    if (args.is(0, "MULTI") && args.count === 1) {
      if (this.#inTransaction) return "MULTI within a transaction";
      this.#inTransaction = true;
      return null;
    }
    if (args.is(0, "EXEC") && args.count === 1) {
      if (!this.#inTransaction) return "EXEC without MULTI";
      this.#inTransaction = false;
      const queue = this.#queue;
      queue.rewind();
      for (const command of queue.commands) this.#call(command, queue.next());
      queue.clear();
      return null;
    }
    const command = this.#find(args);
    if (command === null) {
      return `unknown command '${args.text(0).slice(0, SHOWN_MAX)}'`;
    }
    const { arity } = command;
    if (arity > 0 ? args.count !== arity : args.count < -arity) {
      return `wrong number of arguments for '${command.fullName}'`;
    }
    if (this.#inTransaction) this.#queue.queue(command, args);
    else this.#call(command, args);
    return null;
  }

  /** Ends; a transaction that is not complete is forgotten. */
  end(): void {
    this.#inTransaction = false;
    this.#queue.clear();
    this.#session.reply.clear();
    this.#engine.keyspace.store.expires = true;
  }

  #find(args: Args): Command | null {
    const command = this.#engine.table.findOwn(args);
    if (command === null || command.subcommands === null) return command;
    if (args.count < 2) return null;
    return command.subcommands.get(args.text(1).toUpperCase()) ?? null;
  }

  #call(command: Command, args: Args): void {
    const session = this.#session;
    const { reply } = session;
    const { errors } = reply;
    command.handler(session, args, reply);
    this.commands++;
    if (reply.errors !== errors) {
      this.failed++;
      if (this.failed === 1) this.firstError = `${command.fullName}: ${reply.lastError}`;
    }
    // Only a foreign log holds a command that waits: when it was logged it had not to.
    if (session.blocked) {
      this.#engine.blocking.forget(session);
      session.blocked = false;
    }
    reply.takeBack(0);
    this.#engine.keyspace.store.touch = true;
  }
}
