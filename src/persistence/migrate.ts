/**
 * MIGRATE: moves keys to another server by RESTORE, over a connection that lives as long as the command. Redis serves nobody
 * meanwhile; here only the client that asked waits.
 *
 * So others may change a key while it is under way. A key is deleted here only when the target has acknowledged exactly what it
 * holds now: when the replies are there, every key is dumped again, and what has changed is sent again, in place of
 * the copy that the target has; what is gone is deleted there. A key that changes faster than that stays here, with an error.
 * Within EXEC, where nothing may come in between, it answers an error.
 */
import { changed } from "../commands/changed.ts";
import { DEL } from "../keyspace/key-events.ts";
import { systemErrorCode } from "../base/system-errors.ts";
import { RespConnection } from "../client/resp-connection.ts";
import type { Command } from "../client/resp-connection.ts";
import { int32OrReply, SYNTAX_ERROR } from "../commands/guards.ts";
import type { CommandRow } from "../commands/row.ts";
import type { Session } from "../commands/session.ts";
import { tellDelete } from "../commands/tell.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { ReplyError } from "../protocol/resp-reply-decoder.ts";
import type { ReplyValue } from "../protocol/resp-reply-decoder.ts";
import { dumpEntry } from "./dump.ts";

const HOST = 1;
const PORT = 2;
const KEY = 3;
const DATABASE = 4;
const TIMEOUT = 5;
const FIRST_OPTION = 6;

const DEFAULT_TIMEOUT_MS = 1000;
const PORT_MAX = 65535;
/** How often keys are sent at most. */
const ROUNDS_MAX = 16;

const KEYS_AND_KEY =
  "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string";
const CONNECTING = "IOERR error or timeout connecting to the client";
const WRITING = "IOERR error or timeout writing to target instance";
const READING = "IOERR error or timeout reading to target instance";
const IN_TRANSACTION =
  "ERR MIGRATE waits for another server and can't be part of a transaction or a script";
const CHANGING = "ERR A key changed again and again while it was migrated";

/** A key under way. */
interface Moving {
  /** Index among the arguments. */
  readonly at: number;
  readonly name: Buffer;
  /** What was sent last, or null if the key was gone. */
  payload: Buffer | null;
  /** Unix time in ms at which it expires, or -1. */
  dueMs: number;
  /** The target has a copy of ours. */
  isThere: boolean;
}

/** What the arguments ask for. */
interface Request {
  readonly copies: boolean;
  readonly replaces: boolean;
  /** AUTH and its arguments, or null. */
  readonly auth: Command | null;
  readonly firstKey: number;
  readonly keyCount: number;
}

function migrate(session: Session, args: Args, reply: Reply): void {
  const request = readRequestOrReply(args, reply);
  if (request === null) return;
  const timeout = int32OrReply(args, TIMEOUT, reply);
  if (Number.isNaN(timeout)) return;
  const database = int32OrReply(args, DATABASE, reply);
  if (Number.isNaN(database)) return;
  const keys: Moving[] = [];
  for (let at = request.firstKey; at < request.firstKey + request.keyCount; at++) {
    const key: Moving = { at, name: args.copy(at), payload: null, dueMs: -1, isThere: false };
    if (readKey(session, key)) keys.push(key);
  }
  if (keys.length === 0) return reply.simple("NOKEY");
  if (!session.mayWait) return reply.error(IN_TRANSACTION);
  const { engine } = session;
  const nowMs = (): number => {
    engine.beginTurn();
    return engine.clock.nowMs;
  };
  const migration = new Migration(args, request, keys, database, timeout, nowMs);
  const attempt = (one: Session, words: Args, out: Reply): boolean =>
    migration.settle(one, words, out);
  const tryAgain = engine.blocking.blockOn(session, args, 0, attempt, (_session, out) => {
    out.error(READING);
  });
  void migration.run(() => {
    engine.beginTurn();
    return tryAgain();
  });
}

function readRequestOrReply(args: Args, reply: Reply): Request | null {
  let copies = false;
  let replaces = false;
  let auth: Command | null = null;
  for (let i = FIRST_OPTION; i < args.count; i++) {
    const more = args.count - 1 - i;
    if (args.is(i, "COPY")) {
      copies = true;
    } else if (args.is(i, "REPLACE")) {
      replaces = true;
    } else if (args.is(i, "AUTH") && more >= 1) {
      auth = ["AUTH", args.copy(++i)];
    } else if (args.is(i, "AUTH2") && more >= 2) {
      auth = ["AUTH", args.copy(++i), args.copy(++i)];
    } else if (args.is(i, "KEYS")) {
      if (args.length(KEY) === 0) {
        return { copies, replaces, auth, firstKey: i + 1, keyCount: more };
      }
      reply.error(KEYS_AND_KEY);
      return null;
    } else {
      reply.error(SYNTAX_ERROR);
      return null;
    }
  }
  return { copies, replaces, auth, firstKey: KEY, keyCount: 1 };
}

/** Notes what a key holds now. Returns whether that is other than before. */
function readKey(session: Session, key: Moving): boolean {
  const { db } = session;
  const { name, payload, dueMs } = key;
  const entry = db.read(name, 0, name.length);
  if (entry === NULL_REF) {
    key.payload = null;
    return payload !== null;
  }
  const now = dumpEntry(session, entry);
  key.dueMs = db.expiryMs(entry);
  if (payload !== null && key.dueMs === dueMs && now.equals(payload)) return false;
  key.payload = Buffer.from(now);
  return true;
}

class Migration {
  readonly #host: string;
  readonly #port: number;
  readonly #request: Request;
  readonly #database: number;
  readonly #timeoutMs: number;
  readonly #nowMs: () => number;
  /** Keys to be sent in this round. */
  #keys: Moving[];
  /** Why nothing goes on, or null. */
  #failure: string | null = null;
  /** The first error that the target answered, or null. */
  #refusal: string | null = null;
  #rounds = 0;

  constructor(
    args: Args,
    request: Request,
    keys: Moving[],
    database: number,
    timeout: number,
    nowMs: () => number,
  ) {
    this.#nowMs = nowMs;
    this.#host = args.copy(HOST).toString();
    const port = args.text(PORT);
    this.#port = /^\d+$/.test(port) ? Number(port) : 0;
    this.#request = request;
    this.#keys = keys;
    this.#database = database;
    this.#timeoutMs = timeout <= 0 ? DEFAULT_TIMEOUT_MS : timeout;
  }

  /** Sends keys until nothing is left to send. @param settle has the command look at what came of it; false: it has its reply */
  async run(settle: () => boolean): Promise<void> {
    const connection = await this.#connect();
    if (connection !== null) {
      do {
        await this.#round(connection);
      } while (settle() && this.#failure === null);
      connection.close();
    } else {
      settle();
    }
  }

  /** Deletes what has arrived as it is here, and answers if nothing is to be sent again. */
  settle(session: Session, args: Args, reply: Reply): boolean {
    const again = this.#request.copies ? [] : this.#deleteMoved(session, args);
    const error =
      this.#failure ??
      (this.#refusal === null ? null : `ERR Target instance replied with error: ${this.#refusal}`);
    if (again.length > 0 && this.#failure === null && this.#rounds < ROUNDS_MAX) {
      this.#keys = again;
      return false;
    }
    if (error !== null) reply.error(error);
    else if (again.length > 0) reply.error(CHANGING);
    else reply.ok();
    return true;
  }

  /** @returns keys that have changed since they were sent */
  #deleteMoved(session: Session, args: Args): Moving[] {
    const { db } = session;
    const again: Moving[] = [];
    // A key may be named twice.
    const deleted = new Set<string>();
    for (const key of this.#keys) {
      const name = key.name.toString("latin1");
      if (!key.isThere || deleted.has(name)) continue;
      if (readKey(session, key)) {
        again.push(key);
        continue;
      }
      const entry = db.peek(key.name, 0, key.name.length);
      if (entry === NULL_REF) continue;
      db.remove(entry);
      tellDelete(session, args, key.at);
      changed(session, args, key.at, DEL);
      deleted.add(name);
    }
    return again;
  }

  async #connect(): Promise<RespConnection | null> {
    if (this.#port === 0 || this.#port > PORT_MAX) {
      this.#failure = WRITING;
      return null;
    }
    const opening = RespConnection.open(this.#host, this.#port);
    let connection;
    try {
      connection = await this.#inTime(opening);
    } catch (error) {
      const { cause } = error as Error;
      this.#failure = systemErrorCode(cause) === "ECONNREFUSED" ? WRITING : CONNECTING;
      opening.then(
        (late) => late.close(),
        () => {},
      );
      return null;
    }
    const { auth } = this.#request;
    const select: Command = ["SELECT", String(this.#database)];
    const first = await this.#exchange(connection, auth === null ? [select] : [auth, select]);
    const refused = first?.find((reply) => reply instanceof ReplyError);
    if (first !== null && refused === undefined) return connection;
    if (refused instanceof ReplyError) this.#refusal = refused.message;
    connection.close();
    return null;
  }

  async #round(connection: RespConnection): Promise<void> {
    this.#rounds++;
    const keys = this.#keys;
    const nowMs = this.#nowMs();
    const replies = await this.#exchange(
      connection,
      keys.map((key) => this.#command(key, nowMs)),
    );
    for (const [index, key] of keys.entries()) {
      const reply = replies?.[index];
      // What the target did with a command that it did not answer is not known: the key stays here.
      key.isThere = reply !== undefined && !(reply instanceof ReplyError);
      if (reply instanceof ReplyError) this.#refusal ??= reply.message;
    }
  }

  #command({ name, payload, dueMs, isThere }: Moving, nowMs: number): Command {
    if (payload === null) return ["DEL", name];
    // 0 would stand for no end.
    const ttl = dueMs === -1 ? "0" : String(Math.max(1, dueMs - nowMs));
    const replace = this.#request.replaces || isThere ? ["REPLACE"] : [];
    return ["RESTORE", name, ttl, payload, ...replace];
  }

  async #exchange(
    connection: RespConnection,
    commands: readonly Command[],
  ): Promise<ReplyValue[] | null> {
    try {
      return await this.#inTime(connection.pipeline(commands));
    } catch {
      this.#failure = READING;
      return null;
    }
  }

  /** Rejects if something takes longer than the command allows. */
  async #inTime<T>(work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error("too late")), this.#timeoutMs);
    try {
      return await Promise.race([work, promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Index of the first key behind KEYS, or 0. */
function firstOfMany(args: Args, from: number): number {
  for (let i = from + FIRST_OPTION; i < args.count - 1; i++) {
    if (args.is(i, "KEYS")) return i + 1;
    if (args.is(i, "AUTH")) i++;
    else if (args.is(i, "AUTH2")) i += 2;
  }
  return 0;
}

export const migrateRows: readonly CommandRow[] = [
  {
    name: "migrate",
    arity: -6,
    flags: "write movablekeys",
    keys: [
      {
        flags: "RW access delete",
        begin: KEY,
        find: { last: 0, step: 1 },
        // Empty where KEYS names the keys; elsewhere it is the key of that name.
        locate: (args, from) =>
          args.length(from + KEY) === 0 && firstOfMany(args, from) !== 0 ? 0 : from + KEY,
      },
      {
        flags: "RW access delete incomplete",
        begin: { keyword: "KEYS", from: -2 },
        find: { last: -1, step: 1 },
        locate: firstOfMany,
      },
    ],
    since: "2.6.0",
    group: "generic",
    summary: "Moves keys to another server.",
    complexity:
      "This command actually executes a DUMP+DEL in the source instance, and a RESTORE in the target instance. See the pages of these commands for time complexity. Also an O(N) data transfer between the two instances is performed.",
    categories: "dangerous",
    syntax:
      'host:string port:integer key_or_empty_string:<key:key|empty_string:""> destination-db:integer timeout:integer ' +
      "[copy:COPY@3.0.0] [replace:REPLACE@3.0.0] " +
      "[authentication:<[AUTH password:string@4.0.7]|[AUTH2 username_password:(username:string password:string)@6.0.0]>] " +
      "[KEYS key:key#1...@3.0.6]",
    history: [
      ["3.0.0", "The options `COPY` and `REPLACE`."],
      ["3.0.6", "The option `KEYS`."],
      ["4.0.7", "The option `AUTH`."],
      ["6.0.0", "The option `AUTH2`."],
    ],
    tips: ["nondeterministic_output"],
    handler: migrate,
  },
];
