/**
 * Clients that wait for keys (BLPOP and its kin).
 *
 * A command that finds nothing to do calls `block` with a function that tries again. Its session runs nothing more until
 * the function succeeds, the time is over, or somebody ends the waiting; then there is exactly one reply, and the session
 * goes on with what was sent meanwhile. Waiting clients stand in a queue for each of their keys, first come first served.
 *
 * Keys that may serve somebody are noted while a command runs (`signal`; keys that come into being note themselves) and
 * served when it has ended, before the next command of anybody: so nobody ever sees a value in between, and a client that
 * waits for several keys finds all that the command brought. A try is the command itself, run again: it looks at its keys
 * in its own order.
 *
 * A command that time may serve as well says when to try again (`tryAgainAt`).
 *
 * While nobody waits, a signal is one comparison, and so is the end of a command.
 */
import type { Database } from "../keyspace/database.ts";
import type { KeyWatcher } from "../keyspace/key-watcher.ts";
import type { Named } from "../base/name-map.ts";
import { NameMap } from "../base/name-map.ts";
import { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Due } from "./due-heap.ts";
import { DueHeap } from "./due-heap.ts";
import type { Engine } from "./engine.ts";
import { askPermission, denialError } from "./permission.ts";
import { ALLOWED } from "../security/inquiry.ts";
import type { Session } from "./session.ts";

/** Tries to do what the command wants: writes its one reply and returns true, or changes nothing and returns false. */
export type Attempt = (session: Session, args: Args, reply: Reply) => boolean;

/** Writes the one reply of a command whose time is over. */
export type Late = (session: Session, reply: Reply) => void;

/** A command that waits. It is due when its time is over, or before that when it wants to try again. */
interface Wait extends Due {
  dueMs: number;
  /** When its time is over. */
  readonly endMs: number;
  /** Tries again by time, not only when its keys change. */
  retries: boolean;
  session: Session;
  readonly args: Args;
  readonly attempt: Attempt;
  /** What it answers when its time is over; null: the null array. */
  late: Late | null;
  /** Type of the value that it waits for. */
  readonly type: number;
  /** Tries also when one of its keys is deleted or holds another type. */
  readonly whenGone: boolean;
  readonly queues: Queue[];
}

/** Who waits for one key. */
interface Queue extends Named {
  readonly database: Database;
  /** In order of arrival. */
  readonly waits: Set<Wait>;
  /** How many of them try when the key is gone. */
  whenGone: number;
  /** Stands among those to be served. */
  ready: boolean;
}

const NO_TYPE = -1;

const UNBLOCKED = "UNBLOCKED client unblocked via CLIENT UNBLOCK";

const keySlice = new Slice();

export class Blocking implements KeyWatcher {
  /** Somebody may have to be served: call `serve` when the command has ended. */
  pending = false;
  /** Called with the time (Unix ms) at which `expire` should be called next, whenever that has become earlier. */
  onDue: (dueMs: number) => void = () => {};
  readonly #engine: Engine;
  readonly #waits = new Map<Session, Wait>();
  /** By index of the database and by key. */
  readonly #queues: readonly NameMap<Queue>[];
  readonly #dues = new DueHeap<Wait>();
  readonly #ready: Queue[] = [];
  /** How many try again by time. */
  #retrying = 0;
  /** Sessions that have got their reply and go on when the command that runs now has ended. */
  #resuming: Session[] = [];
  #serving = false;
  /** Commands that are run as one, one within another. */
  #holds = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
    const { databases, store } = engine.keyspace;
    this.#queues = databases.map(() => new NameMap(store.seed));
  }

  /** Clients that wait for a time that ends. */
  get timed(): number {
    let count = 0;
    for (const { endMs } of this.#waits.values()) if (endMs !== Infinity) count++;
    return count;
  }

  /** Keys that somebody waits for. */
  get keys(): number {
    return this.#queues.reduce((sum, queues) => sum + queues.size, 0);
  }

  /** Keys whose deletion somebody waits for as well. */
  get keysWhenGone(): number {
    let count = 0;
    for (const queues of this.#queues) {
      for (const queue of queues.values()) if (queue.whenGone > 0) count++;
    }
    return count;
  }

  isWaiting(session: Session): boolean {
    return this.#waits.has(session);
  }

  // ---- waiting ----

  /**
   * Lets the session wait: `attempt` is called again, with a copy of the arguments, whenever one of the keys holds a value
   * of the type and something about it has changed.
   * Within EXEC nobody waits: it gets the null array at once.
   * @param keyAt index of the first key in `args`
   * @param timeoutMs answers the null array after this time; 0: never
   * @param whenGone calls `attempt` also when a key is deleted, or holds another type
   */
  block(
    session: Session,
    args: Args,
    keyAt: number,
    keyCount: number,
    timeoutMs: number,
    type: number,
    attempt: Attempt,
    whenGone = false,
  ): void {
    if (!session.mayWait) return session.reply.nullArray();
    const kept = args.detached();
    const endMs = timeoutMs === 0 ? Infinity : this.#engine.clock.nowMs + timeoutMs;
    const queues: Queue[] = [];
    const wait: Wait = {
      dueMs: endMs,
      endMs,
      retries: false,
      place: -1,
      session,
      args: kept,
      attempt,
      late: null,
      type,
      whenGone,
      queues,
    };
    for (let i = 0; i < keyCount; i++) {
      const queue = this.#queueOf(session.db, kept, keyAt + i);
      if (queue.waits.has(wait)) continue;
      queue.waits.add(wait);
      if (whenGone) queue.whenGone++;
      queues.push(queue);
    }
    session.blocked = true;
    if (this.#waits.size === 0) this.#engine.keyspace.store.watcher = this;
    this.#waits.set(session, wait);
    if (endMs !== Infinity) this.#await(wait, endMs);
  }

  /**
   * Lets the session wait for something that is no key.
   * @param timeoutMs answers what `late` writes after this time; 0: never
   * @returns lets it try again, and says whether it still waits after that
   */
  blockOn(
    session: Session,
    args: Args,
    timeoutMs: number,
    attempt: Attempt,
    late: Late,
  ): () => boolean {
    this.block(session, args, 0, 0, timeoutMs, NO_TYPE, attempt);
    const wait = this.#waits.get(session)!;
    wait.late = late;
    return () => this.#waits.get(wait.session) === wait && !this.#try(wait);
  }

  /**
   * Lets the session, if it waits, try again at a time (Unix ms) although nothing may have changed; Infinity: not before
   * something does. It is the last such call that counts.
   */
  tryAgainAt(session: Session, ms: number): void {
    const wait = this.#waits.get(session);
    if (wait === undefined) return;
    if (!wait.retries) this.#retrying++;
    wait.retries = true;
    // Not at once: what it could do now it has tried.
    const dueMs = Math.min(wait.endMs, Math.max(ms, this.#engine.clock.nowMs + 1));
    if (dueMs !== wait.dueMs) this.#await(wait, dueMs);
  }

  /** Lets `heir` wait in the place of a session, which goes on at once. */
  hand(session: Session, heir: Session): void {
    const wait = this.#waits.get(session)!;
    this.#waits.delete(session);
    this.#waits.set(heir, wait);
    wait.session = heir;
    session.blocked = false;
    heir.blocked = true;
  }

  /** Ends the waiting of a session without a reply: its client has gone. */
  forget(session: Session): void {
    const wait = this.#waits.get(session);
    if (wait === undefined) return;
    this.#waits.delete(session);
    if (wait.retries) this.#retrying--;
    this.#dues.remove(wait);
    for (const queue of wait.queues) {
      queue.waits.delete(wait);
      if (wait.whenGone) queue.whenGone--;
      if (queue.waits.size === 0) this.#queues[queue.database.index]!.delete(queue);
    }
    if (this.#waits.size === 0) this.#engine.keyspace.store.watcher = null;
  }

  /**
   * Ends the waiting of a session by CLIENT UNBLOCK.
   * @param withError answers an error, not what the end of the time would
   * @returns false if it does not wait
   */
  unblock(session: Session, withError: boolean): boolean {
    const wait = this.#waits.get(session);
    if (wait === undefined) return false;
    this.#answer(wait, withError ? UNBLOCKED : null);
    return true;
  }

  /** Answers those whose time is over, and lets those try that wanted to. */
  expire(): void {
    const { nowMs } = this.#engine.clock;
    for (let first = this.#dues.first; first !== undefined; first = this.#dues.first) {
      if (first.dueMs > nowMs) return this.onDue(first.dueMs);
      if (first.endMs <= nowMs) this.#answer(first, null);
      // An attempt that fails says when it tries again, if it does.
      else if (!this.#try(first) && first.dueMs <= nowMs) this.#await(first, first.endMs);
    }
  }

  // ---- keys that may serve somebody ----

  /** Something was added to a key that a command may wait for. Keys that come into being need no signal. */
  signal(database: Database, key: Buffer, start: number, end: number): void {
    if (this.#waits.size === 0) return;
    const queue = this.#queues[database.index]!.get(key, start, end);
    if (queue !== undefined) this.#note(queue);
  }

  /** Something about a key changed that concerns only those who try again by time: they may do so earlier now. */
  signalRetrying(database: Database, key: Buffer, start: number, end: number): void {
    if (this.#retrying > 0) this.signal(database, key, start, end);
  }

  created(database: Database, key: Buffer, start: number, end: number): void {
    this.signal(database, key, start, end);
  }

  removed(database: Database, entry: Ref): void {
    const queues = this.#queues[database.index]!;
    if (queues.size === 0) return;
    database.readKey(entry, keySlice);
    const queue = queues.get(keySlice.bytes, keySlice.start, keySlice.end);
    if (queue !== undefined && queue.whenGone > 0) this.#note(queue);
  }

  emptied(database: Database): void {
    for (const queue of this.#queues[database.index]!.values()) {
      if (queue.whenGone > 0) this.#note(queue);
    }
  }

  swapped(a: Database, b: Database): void {
    for (const { index } of [a, b]) {
      for (const queue of this.#queues[index]!.values()) this.#note(queue);
    }
  }

  /** Lets a wait fall due at another time. */
  #await(wait: Wait, dueMs: number): void {
    this.#dues.remove(wait);
    wait.dueMs = dueMs;
    if (dueMs === Infinity) return;
    this.#dues.add(wait);
    if (wait.place === 0) this.onDue(dueMs);
  }

  // ---- serving ----

  /** Serves those who wait for the keys that were signalled, until nothing is left that serves anybody. */
  serve(): void {
    if (this.#serving || this.#holds > 0) return;
    this.#serving = true;
    const ready = this.#ready;
    // Serving may bring values to further keys, which join at the end.
    for (let i = 0; i < ready.length; i++) this.#serveQueue(ready[i]!);
    ready.length = 0;
    this.pending = false;
    this.#serving = false;
  }

  /** Until `release` nobody is served: several commands are run as one. */
  hold(): void {
    this.#holds++;
  }

  /** What was signalled meanwhile is served when the command ends that is under way. */
  release(): void {
    this.#holds--;
  }

  #serveQueue(queue: Queue): void {
    queue.ready = false;
    let type = this.#typeOf(queue);
    for (const wait of queue.waits) {
      if (type === NO_TYPE && queue.whenGone === 0) return;
      if ((type === wait.type || wait.whenGone) && this.#try(wait)) type = this.#typeOf(queue);
    }
  }

  /** Type of the value that the key holds. */
  #typeOf(queue: Queue): number {
    const entry = queue.database.peek(queue.name, 0, queue.name.length);
    return entry === NULL_REF ? NO_TYPE : this.#engine.keyspace.store.entries.type(entry);
  }

  /** Runs the command again, if the session still may. Returns whether it has got its reply. */
  #try(wait: Wait): boolean {
    const { session } = wait;
    const command = session.lastCommand;
    if (command !== null) {
      const denied = askPermission(session, command, wait.args, "toplevel");
      if (denied !== ALLOWED) {
        this.#answer(wait, denialError(session, denied, command));
        return true;
      }
    }
    const { store } = this.#engine.keyspace;
    const { reply } = session;
    const { pos, errors } = reply;
    const { touch } = store;
    store.touch = !session.noTouch;
    const { effects } = this.#engine;
    effects.beginCommand();
    const done = wait.attempt(session, wait.args, reply);
    effects.endCommand();
    store.touch = touch;
    if (done) this.#end(wait, pos, errors);
    return done;
  }

  /** Ends the waiting with an error, or with what the end of the time answers. */
  #answer(wait: Wait, error: string | null): void {
    const { reply } = wait.session;
    const { pos, errors } = reply;
    if (error !== null) reply.error(error);
    else if (wait.late !== null) wait.late(wait.session, reply);
    else reply.nullArray();
    this.#end(wait, pos, errors);
  }

  /** The reply is written: the session goes on. @param pos `reply.pos` before the reply @param errors `reply.errors` then */
  #end(wait: Wait, pos: number, errors: number): void {
    const { session } = wait;
    const { reply } = session;
    if (reply.errors !== errors) {
      if (session.lastCommand !== null) session.lastCommand.failed++;
      this.#engine.stats.countError(reply.lastError);
    }
    this.forget(session);
    session.blocked = false;
    session.endReply(pos);
    this.#resuming.push(session);
    if (this.#resuming.length > 1) return;
    // Not inside the command that served it: no command runs within another.
    queueMicrotask(() => {
      const sessions = this.#resuming;
      this.#resuming = [];
      for (const one of sessions) one.resume();
    });
  }

  #note(queue: Queue): void {
    if (queue.ready) return;
    queue.ready = true;
    this.#ready.push(queue);
    this.pending = true;
  }

  #queueOf(database: Database, args: Args, at: number): Queue {
    const queues = this.#queues[database.index]!;
    let queue = queues.get(args.bytes, args.start(at), args.end(at));
    if (queue === undefined) {
      queue = {
        database,
        name: args.copy(at),
        waits: new Set(),
        whenGone: 0,
        ready: false,
      };
      queues.add(queue);
    }
    return queue;
  }
}
