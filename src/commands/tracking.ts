/**
 * Client-side caching: which clients want to be told when keys change that they may have kept copies of, and telling them.
 *
 * A client either is told of the keys that it has read (`tracked-keys.ts` remembers them, up to `tracking-table-max-keys`; a key
 * that is forgotten counts as changed), each once until it reads it again, or of all keys that begin with its prefixes
 * (BCAST). What is sent is a push message of RESP3, or, to another client that the messages are redirected to, one that looks as
 * if it came from the channel `__redis__:invalidate`.
 *
 * Keys that change are noted while a command runs and handled when it has ended, before the keys are noted that it has read:
 * so nothing happens to memory that the command uses, and no message stands within a reply. Messages to prefixes are gathered
 * until the turn ends.
 *
 * As long as nobody tracks, none of this costs anything: then there is no observer, and no command takes the longer way.
 */
import { copyBytes } from "../base/bytes.ts";
import type { Named } from "../base/name-map.ts";
import { NameMap } from "../base/name-map.ts";
import type { Database } from "../keyspace/database.ts";
import type { KeyEvent, KeyObserver } from "../keyspace/key-events.ts";
import { TrackedKeys } from "../keyspace/tracked-keys.ts";
import type { Args } from "../protocol/args.ts";
import type { Command } from "./command.ts";
import type { Engine } from "./engine.ts";
import { extractKeys, KeyList } from "./key-extraction.ts";
import type { Session } from "./session.ts";

const CHANNEL = "__redis__:invalidate";
const RESP2_MESSAGE: Buffer = Buffer.from(
  `*3\r\n$7\r\nmessage\r\n$${CHANNEL.length}\r\n${CHANNEL}\r\n`,
);
const RESP3_MESSAGE: Buffer = Buffer.from(">2\r\n$10\r\ninvalidate\r\n");
const RESP2_NULL: Buffer = Buffer.from("$-1\r\n");
const RESP3_NULL: Buffer = Buffer.from("_\r\n");
const LINE_END: Buffer = Buffer.from("\r\n");

/** Which of the keys that it reads a client is told of: all, only those read after CACHING YES, or all but those after CACHING NO. */
export type TrackingMode = "all" | "optin" | "optout";

export interface TrackingOptions {
  /** Number of the client that gets the messages, or 0. */
  readonly redirect: number;
  readonly broadcasts: boolean;
  /** Of the keys that a client which broadcasts is told of, one character a byte. */
  readonly prefixes: readonly string[];
  readonly mode: TrackingMode;
  /** Is not told of what it has changed itself. */
  readonly noLoop: boolean;
}

/** One client that tracks. */
export class Tracker {
  readonly session: Session;
  options: TrackingOptions;
  /** CLIENT CACHING was given for the next command. */
  caching = false;
  /** The client that the messages were redirected to has gone. */
  isBroken = false;
  /** Those of the prefixes of all its options so far. */
  readonly audiences: Set<Audience> = new Set();
  /** Bytes that these take, about. */
  memory = 0;

  constructor(session: Session, options: TrackingOptions) {
    this.session = session;
    this.options = options;
  }

  /** What the keys begin with of which it is told, one character a byte. */
  get prefixes(): string[] {
    return Array.from(this.audiences, ({ name }) => name.toString("latin1"));
  }

  /** The keys of the command that runs now are to be noted. */
  get notes(): boolean {
    const { broadcasts, mode } = this.options;
    return !broadcasts && (mode === "all" || (mode === "optin") === this.caching);
  }
}

/** Those who are told of keys with one prefix, which is its name. */
interface Audience extends Named {
  readonly trackers: Set<Tracker>;
  /** Keys that have changed in this turn. */
  readonly changed: NameMap<ChangedKey>;
}

interface ChangedKey extends Named {
  /** The client that changed it first, if it was one. */
  readonly by: Session | null;
}

const BYTES_FIRST = 1024;
/** A larger buffer is let go when it is empty. */
const BYTES_KEEP = 65_536;
/** Bytes that a prefix takes, without its own, about. */
const PREFIX_SIZE = 768;
/** Keys that are forgotten at once where there are too many. */
const LIMIT_STEP = 100;

const keys = new KeyList();
const clients: number[] = [];

export class Tracking implements KeyObserver {
  /** Keys that clients have read. */
  readonly keys: TrackedKeys;
  readonly #engine: Engine;
  /** By the number of the client. */
  readonly #trackers: Map<number, Tracker> = new Map();
  /** By prefix. */
  readonly #audiences: NameMap<Audience>;
  #keysMax = 0;
  /** Keys that have changed and were not handled yet, one behind the other, and where each ends. */
  #bytes: Buffer = Buffer.allocUnsafeSlow(BYTES_FIRST);
  readonly #ends: number[] = [];
  /** All keys of a database are gone. */
  #emptied = false;
  #scheduled = false;
  readonly #endTurn = (): void => {
    this.#scheduled = false;
    this.flush(null);
    this.#broadcast();
  };

  constructor(engine: Engine) {
    const { store, reclaimer } = engine.keyspace;
    this.#engine = engine;
    this.#audiences = new NameMap(store.seed);
    this.keys = new TrackedKeys(store, reclaimer);
    engine.options.onChange("tracking-table-max-keys", (text) => (this.#keysMax = Number(text)));
    engine.beatTasks.push(() => this.#limit());
  }

  /** Clients that track. */
  get count(): number {
    return this.#trackers.size;
  }

  /** Prefixes that clients are told of. */
  get prefixes(): number {
    return this.#audiences.size;
  }

  // ---- clients ----

  /** Lets a client track, or changes how it does. */
  enable(session: Session, options: TrackingOptions): void {
    let tracker = session.tracker;
    if (tracker === null) {
      tracker = new Tracker(session, options);
      session.tracker = tracker;
      this.#trackers.set(session.id, tracker);
      if (this.#trackers.size === 1) {
        this.#engine.keyspace.store.observe(this);
        this.#engine.tracks = true;
      }
    }
    tracker.options = options;
    tracker.isBroken = false;
    if (!options.broadcasts) return;
    for (const prefix of options.prefixes.length > 0 ? options.prefixes : [""]) {
      const name = Buffer.from(prefix, "latin1");
      let audience = this.#audiences.get(name, 0, name.length);
      if (audience === undefined) {
        const { seed } = this.#engine.keyspace.store;
        audience = { name, trackers: new Set(), changed: new NameMap(seed) };
        this.#audiences.add(audience);
      }
      audience.trackers.add(tracker);
      if (!tracker.audiences.has(audience)) tracker.memory += PREFIX_SIZE + name.length;
      tracker.audiences.add(audience);
    }
  }

  /** Ends the tracking of a client. What it has read stays noted until the keys change. */
  disable(session: Session): void {
    const { tracker } = session;
    if (tracker === null) return;
    session.tracker = null;
    this.#trackers.delete(session.id);
    for (const audience of tracker.audiences) {
      audience.trackers.delete(tracker);
      if (audience.trackers.size === 0) this.#audiences.delete(audience);
    }
    if (this.#trackers.size > 0) return;
    this.#engine.keyspace.store.unobserve(this);
    this.#engine.tracks = false;
    this.#ends.length = 0;
    this.#emptied = false;
    this.keys.clear();
  }

  // ---- what is read ----

  /** A command that only reads has ended: notes its keys. */
  note(tracker: Tracker, command: Command, args: Args): void {
    if (!tracker.notes || !extractKeys(command, args, 0, keys)) return;
    const { id } = tracker.session;
    for (let i = 0; i < keys.count; i++) {
      const at = keys.positions[i]!;
      this.keys.add(id, args.bytes, args.start(at), args.end(at));
    }
    if (this.#keysMax > 0 && this.keys.count > this.#keysMax) this.#limit();
  }

  /** Forgets keys until there are no more than there may be, a few at a time; to those who have read them they have changed. */
  #limit(): void {
    if (this.#keysMax === 0) return;
    for (let left = LIMIT_STEP; left > 0 && this.keys.count > this.#keysMax; left--) {
      const key = this.keys.some();
      this.#invalidate(null, key, 0, key.length);
    }
  }

  // ---- what changes ----

  happened(event: KeyEvent, _database: Database, key: Buffer, start: number, end: number): void {
    if (!event.changes) return;
    const at = this.#ends.at(-1) ?? 0;
    const size = at + end - start;
    if (size > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, size));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    copyBytes(this.#bytes, at, key, start, end);
    this.#ends.push(size);
    this.#schedule();
  }

  emptied(): void {
    this.#emptied = true;
    this.#schedule();
  }

  /** Keys are known by their names, whatever database they were read from: as in Redis nobody is told. */
  swapped(): void {}

  /** A command has ended, or time has passed: handles what has changed. @param by the client that the command is of, or null */
  flush(by: Session | null): void {
    if (this.#emptied) this.#tellAll();
    const ends = this.#ends;
    if (ends.length === 0) return;
    const bytes = this.#bytes;
    let start = 0;
    for (const end of ends) {
      this.#invalidate(by, bytes, start, end);
      if (this.#audiences.size > 0) this.#noteForPrefixes(by, bytes, start, end);
      start = end;
    }
    ends.length = 0;
    if (bytes.length > BYTES_KEEP) this.#bytes = Buffer.allocUnsafeSlow(BYTES_FIRST);
  }

  /** Tells those who have read a key that it has changed. */
  #invalidate(by: Session | null, key: Buffer, start: number, end: number): void {
    this.keys.take(key, start, end, clients);
    if (clients.length === 0) return;
    const list = listOf([key.subarray(start, end)]);
    for (const id of clients) {
      const tracker = this.#trackers.get(id);
      // It may have stopped to track, or broadcast now.
      if (tracker === undefined || tracker.options.broadcasts) continue;
      if (tracker.options.noLoop && tracker.session === by) continue;
      this.#send(tracker, list);
    }
  }

  #noteForPrefixes(by: Session | null, key: Buffer, start: number, end: number): void {
    let name: Buffer | null = null;
    for (const { name: prefix, changed } of this.#audiences.values()) {
      const { length } = prefix;
      if (length > end - start || prefix.compare(key, start, start + length) !== 0) continue;
      if (changed.get(key, start, end) !== undefined) continue;
      name ??= Buffer.from(key.subarray(start, end));
      changed.add({ name, by });
    }
  }

  /** Tells those who wait for prefixes of all the keys that have changed in this turn. */
  #broadcast(): void {
    const audiences = [...this.#audiences.values()].filter(({ changed }) => changed.size > 0);
    audiences.sort(compareNames);
    for (const { changed, trackers } of audiences) {
      const keysInOrder = [...changed.values()].toSorted(compareNames);
      const all = listOfKeys(keysInOrder);
      for (const tracker of trackers) {
        if (!tracker.options.noLoop) {
          this.#send(tracker, all);
          continue;
        }
        const others = keysInOrder.filter(({ by }) => by !== tracker.session);
        if (others.length > 0) this.#send(tracker, listOfKeys(others));
      }
      changed.clear();
    }
  }

  /** Tells everybody that nothing is there any more. */
  #tellAll(): void {
    this.#emptied = false;
    this.keys.clear();
    for (const tracker of this.#trackers.values()) {
      this.#send(tracker, tracker.session.version === 3 ? RESP3_NULL : RESP2_NULL);
    }
  }

  /** Sends a message to a client, or to the one that gets its messages. @param list an array of keys, or null, in RESP */
  #send(tracker: Tracker, list: Buffer): void {
    const { redirect } = tracker.options;
    let target = tracker.session;
    if (redirect !== 0) {
      const other = this.#engine.sessions.get(redirect);
      if (other === undefined) return tellBroken(tracker);
      target = other;
    }
    if (target.version === 3) target.push(Buffer.concat([RESP3_MESSAGE, list]));
    // Without push messages only a client that listens to channels can take it.
    else if (redirect !== 0 && target.subscriptions !== null) {
      target.push(Buffer.concat([RESP2_MESSAGE, list]));
    }
  }

  /** What changes without a command, or for prefixes, is handled when the turn ends. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#endTurn);
  }
}

/** The client that the messages were redirected to has gone. */
function tellBroken(tracker: Tracker): void {
  const { session, options } = tracker;
  tracker.isBroken = true;
  if (session.version !== 3) return;
  session.push(Buffer.from(`>2\r\n$21\r\ntracking-redir-broken\r\n:${options.redirect}\r\n`));
}

function compareNames(a: Named, b: Named): number {
  return a.name.compare(b.name);
}

function listOfKeys(changed: readonly ChangedKey[]): Buffer {
  return listOf(changed.map(({ name }) => name));
}

/** An array of keys in RESP. */
function listOf(list: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`*${list.length}\r\n`)];
  for (const key of list) parts.push(Buffer.from(`$${key.length}\r\n`), key, LINE_END);
  return Buffer.concat(parts);
}
