/** A server inside the caller's process: `createServer`, what the library is for. */
import { allNames } from "./all-rows.ts";
import { OPTION_ROWS } from "./base/option-table.ts";
import { Options } from "./base/options.ts";
import type { Engine } from "./commands/engine.ts";
import type { CommandRow } from "./commands/row.ts";
import type { Instance } from "./instance.ts";
import { startInstance } from "./instance.ts";
import type { CallArgument } from "./local-caller.ts";
import { LocalCaller } from "./local-caller.ts";
import type { OwnCommands } from "./own-commands.ts";
import { ownRows } from "./own-commands.ts";
import type { ReplyValue } from "./protocol/resp-reply-decoder.ts";

/** Options of `createServer`. */
export interface ServerOptions {
  /** TCP port to listen on; 0 takes a free one, or none beside `tlsPort` or `unixsocket`. Default: 6379. */
  readonly port?: number;
  /** Password that connections have to give (Redis's `requirepass`). Default: none. */
  readonly password?: string;
  /**
   * Directory, which must exist, in which the server keeps its data: all writes are logged there, and loaded at the next start.
   * Default: none, and data lives as long as the server (Redis's `appendonly no`).
   */
  readonly dir?: string;
  /**
   * Commands of your own, by name: any client can send them. Each runs in one turn, and what its calls change is kept together or
   * not at all.
   */
  readonly commands?: OwnCommands;
  /** Seed of the server's random generator, so that RANDOMKEY and the like repeat. Default: a random one. */
  readonly seed?: number;
  /**
   * Any option of the server (nothing is loaded or saved unless `save`, `dir` or `dbfilename` is given), by the name that the config file gives it or the same in camel case: `maxclients`,
   * `"proto-max-bulk-len"`, `protoMaxBulkLen`. Values are what the config file takes ("64mb"); true and false stand for
   * yes and no.
   */
  readonly [option: string]: string | number | boolean | OwnCommands | undefined;
}

/** An option of `createServer` that does not exist or can't have this value. */
export class OptionError extends Error {
  override name = "OptionError";
  /** The option's name in the config file. */
  readonly option: string;

  constructor(option: string, reason: string) {
    super(`option ${option}: ${reason}`);
    this.option = option;
  }
}

/** The time of a server, for tests: what happens in an hour can be seen at once. */
export class ServerClock {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The server's time: Unix time in milliseconds. */
  get nowMs(): number {
    this.#engine.beginTurn();
    return this.#engine.clock.nowMs;
  }

  /**
   * Moves the server's time forward, and deletes the keys whose time has come by then. No command sees such a key; one whose
   * time came less than 16 ms ago may still be counted (DBSIZE), as active expiry works in ticks of that length.
   * @param ms milliseconds, not negative
   */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`advance: ${ms} ms is not forward`);
    this.#engine.clock.advance(ms);
    this.#housekeep();
  }

  /** Stops the server's time; from then on only `advance` moves it. @param unixMs Unix time in milliseconds; default: now */
  freeze(unixMs?: number): void {
    this.#engine.clock.freeze(unixMs);
    this.#housekeep();
  }

  #housekeep(): void {
    const engine = this.#engine;
    engine.beginTurn();
    while (engine.keyspace.housekeep(SLICE_NS));
    engine.beat();
  }
}

const SLICE_NS = 1_000_000;

/** A running server. */
export class EmbeddedServer {
  /** The TCP port that it listens on, at the addresses of the option `bind` (default: 127.0.0.1). */
  readonly port: number;
  readonly clock: ServerClock;
  /** Settles when the server has stopped, by `stop` or because a client sent SHUTDOWN. */
  readonly stopped: Promise<void>;
  readonly #instance: Instance;
  readonly #caller: LocalCaller;

  /** @internal use `createServer` */
  constructor(instance: Instance) {
    this.#instance = instance;
    this.#caller = new LocalCaller(instance.engine);
    this.port = instance.port;
    this.clock = new ServerClock(instance.engine);
    this.stopped = instance.stopped.finally(() => this.#caller.stop());
  }

  /**
   * Runs a command without a connection, on a session of its own (SELECT and the like stay in effect from call to call).
   * Replies have the types of RESP3: strings decoded as UTF-8, numbers, bigints beyond 2^53 - 1, booleans, null, arrays,
   * Maps, Sets. No password is needed.
   * @param args the command's name and arguments
   * @throws {ReplyError} (as a rejection) the error that the command answered; its `code` is the first word
   */
  call(...args: readonly CallArgument[]): Promise<ReplyValue> {
    return this.#caller.call(args, false);
  }

  /** Like `call`, with bulk strings as Buffers: for values that are not text. */
  callBuffer(...args: readonly CallArgument[]): Promise<ReplyValue> {
    return this.#caller.call(args, true);
  }

  /**
   * Stops: a snapshot if the option `save` has one made, no new connections, replies sent that clients wait for, connections
   * closed, the data's memory given back. Calls are rejected from now on. May be called again.
   */
  async stop(): Promise<void> {
    this.#caller.stop();
    this.#instance.shutdown(null, true);
    await this.#instance.stopped;
  }

  /** `await using server = await createServer(...)` stops it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/**
 * Starts a server in this process.
 * @throws {OptionError} (as a rejection) an option is unknown or has no such value
 * @throws {ListenError} (as a rejection) the address can't be had
 * @throws {DataError} (as a rejection) the data in `dir` is damaged, or another server works on it
 */
export async function createServer(setup: ServerOptions = {}): Promise<EmbeddedServer> {
  const options = new Options(OPTION_ROWS);
  // Files are for those who ask for them: a server in a test leaves nothing behind.
  setOption(options, "save", "");
  for (const [name, value] of Object.entries(setup)) {
    if (name === "seed" || name === "commands" || value === undefined) continue;
    if (typeof value === "object") throw new OptionError(toKebab(name), "takes no object");
    setOption(options, name, value);
  }
  // Whoever names a place for the data wants it kept.
  const keeps = setup.dir !== undefined && setup.appendonly === undefined;
  if (keeps) setOption(options, "appendonly", true);
  const { seed, commands = {} } = setup;
  const loads = KEEPING_OPTIONS.some((name) => setup[name] !== undefined);
  const all = { options, ownRows: readOwnRows(commands), loads };
  const instance = startInstance(seed === undefined ? all : { ...all, seed });
  try {
    await instance.loaded;
  } catch (error) {
    await instance.stop();
    throw error;
  }
  return new EmbeddedServer(instance);
}

/** The rows of the embedder's commands; one must not take the place of another. */
function readOwnRows(commands: OwnCommands): CommandRow[] {
  const rows = ownRows(commands);
  const taken = new Set(allNames());
  for (const { name } of rows) {
    if (!/^[!-{}~]+$/.test(name)) {
      throw new OptionError("commands", `'${name}' can't be the name of a command`);
    }
    if (taken.has(name)) throw new OptionError("commands", `there is a command '${name}' already`);
    taken.add(name);
  }
  return rows;
}

/** Whoever names one of these wants what was saved to be there. */
const KEEPING_OPTIONS = ["save", "dir", "dbfilename"];

function setOption(options: Options, name: string, value: string | number | boolean): void {
  const option = name === "password" ? "requirepass" : toKebab(name);
  const text = typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
  // Options are kept as one character a byte.
  const error = options.set(option, Buffer.from(text).toString("latin1"));
  if (error !== null) throw new OptionError(option, error);
}

/** "protoMaxBulkLen" as "proto-max-bulk-len". */
function toKebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
