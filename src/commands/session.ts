/**
 * What a command knows of the one who sent it. A connection has a session, and so has everybody else who runs commands
 * (the library's `call`, later the log's loader, a primary's stream, scripts): commands never ask which.
 */
import type { Database } from "../keyspace/database.ts";
import type { BufferPool } from "../protocol/buffer-pool.ts";
import { Reply } from "../protocol/reply.ts";
import type { Command } from "./command.ts";
import type { Engine } from "./engine.ts";

/** The connection behind a session, as far as commands may know it. */
export interface Peer {
  /** "127.0.0.1:1234", or the path of a Unix socket with ":0". */
  readonly address: string;
  readonly localAddress: string;
  readonly fd: number;
  /** Bytes of unfinished commands, and of replies not yet taken by the system. */
  readonly inputBytes: number;
  readonly inputFreeBytes: number;
  readonly outputBytes: number;
  /** Bytes received and sent so far. */
  readonly received: number;
  readonly sent: number;
  /** Closes once the replies written so far are sent; commands after this one are not run. */
  closeAfterReplies(): void;
  /** Closes at once. */
  close(): void;
  /** Runs commands that were held back. */
  resume(): void;
}

/** What CLIENT REPLY chose. */
export type ReplyMode = "on" | "off" | "skip-next" | "skip-this";

export class Session {
  readonly engine: Engine;
  readonly id: number;
  readonly reply: Reply;
  db: Database;
  peer: Peer | null = null;
  /** Speaks the native protocol. */
  native = false;
  authenticated: boolean;
  failedAuths = 0;
  user = "default";
  name = "";
  libraryName = "";
  libraryVersion = "";
  replyMode: ReplyMode = "on";
  noEvict = false;
  noTouch = false;
  /** Set while commands of this session must wait (CLIENT PAUSE, blocking commands); see `Peer.resume`. */
  blocked = false;
  readonly createdMs: number;
  lastActiveMs: number;
  lastCommand: Command | null = null;
  /** Commands run. */
  commands = 0;

  constructor(engine: Engine, id: number, pool: BufferPool) {
    this.engine = engine;
    this.id = id;
    this.reply = new Reply(pool);
    this.db = engine.keyspace.databases[0]!;
    this.authenticated = !engine.passwordRequired;
    this.createdMs = engine.clock.nowMs;
    this.lastActiveMs = engine.clock.nowMs;
  }

  get version(): number {
    return this.reply.version;
  }
}
