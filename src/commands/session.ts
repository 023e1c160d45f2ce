/**
 * What a command knows of the one who sent it. A connection has a session, and so has everybody else who runs commands
 * (the library's `call`, later the log's loader, a primary's stream, scripts): commands never ask which.
 */
import type { Slice } from "../base/slice.ts";
import type { MessageBatch } from "./push-queue.ts";
import { PushQueue } from "./push-queue.ts";
import type { Subscriptions } from "./channels.ts";
import type { Database } from "../keyspace/database.ts";
import type { Watch } from "../keyspace/watched-keys.ts";
import type { BufferPool } from "../protocol/buffer-pool.ts";
import { Reply } from "../protocol/reply.ts";
import type { User } from "../security/user.ts";
import type { Command } from "./command.ts";
import type { Engine } from "./engine.ts";
import type { Tracker } from "./tracking.ts";
import type { Transaction } from "./transaction.ts";

/** The connection behind a session, as far as commands may know it. */
export interface Peer {
  readonly kind: "tcp" | "tls" | "unix";
  /** "127.0.0.1:1234", "[::1]:1234", or the path of a Unix socket with ":0". */
  readonly address: string;
  readonly localAddress: string;
  /** On the same machine: by a loopback address or a Unix socket. */
  readonly isLocal: boolean;
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
  /** Sends the replies and messages so far. */
  flush(): void;
}

/** What CLIENT REPLY chose: skip-next is what SKIP sets, and becomes skip-this when the next command begins. */
export type ReplyMode = "on" | "off" | "skip-next" | "skip-this";

// What makes a session one whose commands take the longer way, as bits of `special`.
const UNAUTHENTICATED = 1;
const NO_TOUCH = 2;
const REPLY_MODE = 4;
const IN_TRANSACTION = 8;
const PUSHED = 16;
const SUBSCRIBED = 32;
const TRACKING = 64;
/** Its user may not do everything. */
export const RESTRICTED = 128;

export class Session {
  readonly engine: Engine;
  readonly id: number;
  readonly reply: Reply;
  db: Database;
  peer: Peer | null = null;
  /** Speaks the native protocol. */
  native = false;
  /** Bits of what is not as usual with this session; 0 for nearly all. Execution looks at it once per command. */
  special = 0;
  failedAuths = 0;
  name = "";
  libraryName = "";
  libraryVersion = "";
  noEvict = false;
  /** Keys that it watches (WATCH), or null. */
  watch: Watch | null = null;
  /** Set while commands of this session must wait (CLIENT PAUSE, blocking commands); see `Peer.resume`. */
  blocked = false;
  /** False while its commands are run by EXEC, where none may wait: who would, answers as if its time were over. */
  mayWait = true;
  /** Takes the replies of a session without a connection when its command need not wait any more. */
  onResume: (() => void) | null = null;
  readonly createdMs: number;
  lastActiveMs: number;
  lastCommand: Command | null = null;
  /** Commands run. */
  commands = 0;
  /** Bytes with which it stands in the sum of all clients, see client-memory.ts. */
  countedBytes = 0;
  /** Where it stands among those that may be closed for what they take, or -1. */
  memoryBucket = -1;
  /** The session of the client that its commands are run for: another one only within a script. */
  client: Session = this;
  #tracker: Tracker | null = null;
  /** Messages that wait to be sent behind the replies so far. */
  #pushes: PushQueue | null = null;
  #subscriptions: Subscriptions | null = null;
  #user: User | null = null;
  #replyMode: ReplyMode = "on";
  #transaction: Transaction | null = null;

  constructor(engine: Engine, id: number, pool: BufferPool) {
    this.engine = engine;
    this.id = id;
    this.reply = new Reply(pool);
    this.db = engine.keyspace.databases[0]!;
    this.user = engine.access.users.default;
    this.authenticated = engine.access.isOpen;
    this.createdMs = engine.clock.nowMs;
    this.lastActiveMs = engine.clock.nowMs;
  }

  get version(): number {
    return this.reply.version;
  }

  /** Has logged in, or began when nobody had to. */
  get authenticated(): boolean {
    return (this.special & UNAUTHENTICATED) === 0;
  }

  set authenticated(value: boolean) {
    this.#setSpecial(UNAUTHENTICATED, !value);
  }

  /** Whose commands it runs; null: the server's own, to whom nothing is denied. */
  get user(): User | null {
    return this.#user;
  }

  set user(user: User | null) {
    this.#user = user;
    this.userChanged();
  }

  /** To be called when the user may do more or less than before. */
  userChanged(): void {
    const user = this.#user;
    this.#setSpecial(RESTRICTED, user !== null && !user.unrestricted);
  }

  /** Its reads do not count as uses of keys (CLIENT NO-TOUCH). */
  get noTouch(): boolean {
    return (this.special & NO_TOUCH) !== 0;
  }

  set noTouch(value: boolean) {
    this.#setSpecial(NO_TOUCH, value);
  }

  get replyMode(): ReplyMode {
    return this.#replyMode;
  }

  set replyMode(mode: ReplyMode) {
    this.#replyMode = mode;
    this.#setSpecial(REPLY_MODE, mode !== "on");
  }

  /** Commands that were queued since MULTI, or null outside a transaction. */
  get transaction(): Transaction | null {
    return this.#transaction;
  }

  set transaction(transaction: Transaction | null) {
    this.#transaction = transaction;
    this.#setSpecial(IN_TRANSACTION, transaction !== null);
  }

  /**
   * Bytes that it keeps of its commands: queued ones, watched keys, prefixes that it tracks, names that it has subscribed to. They
   * count towards `client-query-buffer-limit`.
   */
  get keptBytes(): number {
    if (this.watch === null && this.special === 0) return 0;
    const queued = this.#transaction?.memory ?? 0;
    const subscribed = this.#subscriptions?.memory ?? 0;
    return queued + subscribed + (this.watch?.memory ?? 0) + (this.#tracker?.memory ?? 0);
  }

  /** It queues commands, and nothing else about it is not as usual. */
  get onlyQueues(): boolean {
    return this.special === IN_TRANSACTION;
  }

  /** Leaves the transaction, if there is one: what was queued is forgotten, and no key is watched any more. */
  endTransaction(): void {
    this.unwatch();
    const transaction = this.#transaction;
    if (transaction === null) return;
    this.transaction = null;
    this.engine.transactions.give(transaction);
  }

  /** Watches no key any more. */
  unwatch(): void {
    if (this.watch === null) return;
    this.engine.watchedKeys.forget(this.watch);
    this.watch = null;
  }

  /** What it has subscribed to, or null if that is nothing. */
  get subscriptions(): Subscriptions | null {
    return this.#subscriptions;
  }

  set subscriptions(subscriptions: Subscriptions | null) {
    this.#subscriptions = subscriptions;
    this.#setSpecial(SUBSCRIBED, subscriptions !== null);
  }

  /** How it wants to be told of keys that change (CLIENT TRACKING), or null. */
  get tracker(): Tracker | null {
    return this.#tracker;
  }

  set tracker(tracker: Tracker | null) {
    this.#tracker = tracker;
    this.#setSpecial(TRACKING, tracker !== null);
  }

  // ---- messages that are no replies ----

  /** Sends a message, bytes in the protocol of the session that nobody changes any more: at the end of the turn, as a whole. */
  push(message: Buffer): void {
    this.#ownPushes().add(message);
  }

  /** Sends likewise what will be appended to the batch until the end of the turn. */
  follow(batch: MessageBatch): void {
    this.#ownPushes().follow(batch);
  }

  /** Sends no more of the batches than they have now. */
  leaveBatches(): void {
    this.#pushes?.leave();
  }

  /** Messages wait. */
  get isPushed(): boolean {
    return (this.special & PUSHED) !== 0;
  }

  /** Points `out` at the messages that wait, which wait no more, if their bytes lie together. */
  takePushes(out: Slice): boolean {
    if (!this.#pushes!.takeWhole(out)) return false;
    this.special &= ~PUSHED;
    return true;
  }

  /** Puts the messages that wait behind the replies so far. To be called between two replies only. */
  mergePushes(): void {
    this.#pushes!.moveTo(this.reply);
    this.special &= ~PUSHED;
  }

  #ownPushes(): PushQueue {
    if ((this.special & PUSHED) === 0) {
      this.special |= PUSHED;
      this.engine.deliveries.add(this);
    }
    this.#pushes ??= new PushQueue();
    return this.#pushes;
  }

  /** Goes on after commands had to wait. */
  resume(): void {
    if (this.peer === null) this.onResume?.();
    else this.peer.resume();
  }

  /** A command begins. */
  beginReply(): void {
    if (this.#replyMode === "skip-next") this.replyMode = "skip-this";
  }

  /** The command has ended: takes its reply back if it is not to be sent. @param from `reply.pos` before the command */
  endReply(from: number): void {
    // The reply of a command that waits comes later.
    if (this.blocked) return;
    if (this.#replyMode === "on" || this.#replyMode === "skip-next") return;
    this.reply.takeBack(from);
    if (this.#replyMode === "skip-this") this.replyMode = "on";
  }

  #setSpecial(bit: number, set: boolean): void {
    this.special = set ? this.special | bit : this.special & ~bit;
  }
}
