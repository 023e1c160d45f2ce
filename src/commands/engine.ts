/**
 * The engine: what commands work on. One object a server, put together by the composition root; no globals.
 */
import { LatencyMonitor } from "./latency-monitor.ts";
import { SlowLog } from "./slow-log.ts";
import { Monitors } from "./monitors.ts";
import { KeyNotifications } from "./key-notifications.ts";
import { ClientEviction } from "./client-eviction.ts";
import { Channels } from "./channels.ts";
import { Deliveries } from "./deliveries.ts";
import { Clock } from "../base/clock.ts";
import { renewSearches } from "../base/glob.ts";
import { late } from "../base/late.ts";
import { Logger } from "../base/log.ts";
import { Slice } from "../base/slice.ts";
import type { Options } from "../base/options.ts";
import { Random } from "../base/random.ts";
import { CommitGate } from "../effects/commit-gate.ts";
import { EffectStream } from "../effects/effect-stream.ts";
import type { EntryGuard } from "../keyspace/entry-guard.ts";
import { Keyspace } from "../keyspace/keyspace.ts";
import { UnsafeKeys } from "./unsafe-keys.ts";
import { WatchedKeys } from "../keyspace/watched-keys.ts";
import { BufferPool } from "../protocol/buffer-pool.ts";
import { TYPE_HASH, TYPE_SET, TYPE_ZSET } from "../types/kinds.ts";
import { InfoSections } from "./info-sections.ts";
import type { Busy } from "./busy.ts";
import { ClientMemory } from "./client-memory.ts";
import { configureDefragmentation } from "./defragmentation-options.ts";
import type { Command } from "./command.ts";
import { guardedRow } from "./key-guarded-rows.ts";
import { usedMemory } from "./memory-figures.ts";
import { LIMIT_BIT, MemoryLimit } from "./memory-limit.ts";
import { addInfoFields } from "./info-fields.ts";
import { createNativeCommands } from "./native.ts";
import type { PauseMode } from "./pause.ts";
import { endPauseIfDue, letGo } from "./pause.ts";
import { FunctionLibraries } from "./function-libraries.ts";
import { Access } from "./access.ts";
import type { CommandRow, LateRows } from "./row.ts";
import { Blocking } from "./blocking.ts";
import type { ScriptCache } from "./script-cache.ts";
import type { Scripts } from "./script-run.ts";
import { Session } from "./session.ts";
import { Stats } from "./stats.ts";
import { CommandTable } from "./table.ts";
import { Tracking } from "./tracking.ts";
import { TransactionPool } from "./transaction.ts";

export interface EngineOptions {
  readonly options: Options;
  readonly rows: readonly CommandRow[];
  /** Commands that are loaded when they are first asked for. */
  readonly lateRows?: readonly LateRows[];
  readonly logger?: Logger;
  readonly seed?: number;
  /** Runs the memory in verify mode, for tests. */
  readonly verify?: boolean;
}

/** What the composition root hands in for commands that reach beyond their rank. */
export interface Hooks {
  /** Ends the server. @returns an error text if it can't, else null and no reply is ever sent */
  shutdown(mode: {
    save: boolean | null;
    now: boolean;
    force: boolean;
    abort: boolean;
  }): string | null;
  /** Writes the options back to the config file. @returns an error text, or null */
  rewriteConfig(): string | null;
  /** Saves the data, if wanted, and loads what was saved. @returns an error text, or null */
  reload(mode: { save: boolean; flush: boolean; merge: boolean }): string | null;
  /** Loads what the log holds in the place of the data. @returns an error text, or null */
  reloadLog(): string | null;
  /** The payload of function libraries. @param codes their texts */
  packLibraries(codes: readonly Buffer[]): Buffer;
  /** The libraries of the payload bytes[start, end), or an error text. */
  unpackLibraries(bytes: Buffer, start: number, end: number): readonly Buffer[] | string;
  /** The file that a script which takes long goes on in. */
  readonly scriptThread: URL;
  /** The file of the thread with the realms of TypeScript libraries. */
  readonly typescriptThread: URL;
  /** All databases were emptied by FLUSHALL. */
  flushed(): void;
  /** Puts the users of the option `aclfile` in the place of those that there are, or writes them there. @returns an error text, or null */
  loadUsers(): string | null;
  saveUsers(): string | null;
}

// In steps, since loading all of it at once keeps everybody waiting for 15 ms.
late(() => require("../scripting/compile.ts"));
late(() => require("../scripting/realm.ts"));
const scripting = late<{ Scripts: typeof Scripts }>(() => require("./script-run.ts"));

const NO_USER_FILE =
  "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then " +
  "issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.";

/** How far the loading of data has come. */
export interface Loading {
  /** Unix time in ms. */
  readonly startedMs: number;
  /** Bytes of all files. */
  readonly totalBytes: number;
  loadedBytes: number;
  /** Bytes of memory that the server used that wrote the snapshot, as far as it says so; else 0. */
  snapshotMemory: number;
}

// Bits of `special`; the lowest two are the pause's mode.
const PAUSE_BITS = 3;
const LOADING_BIT = 4;
const REFUSAL_BIT = 8;
const TRACKING_BIT = 16;
const OBSERVED_BIT = 32;
const GUARD_BIT = 64;
const TIMED_BIT = 128;
const BUSY_BIT = 256;
// And LIMIT_BIT, of memory-limit.ts.

const goneKey = new Slice();
/** The commands that remove members, by type code. */
const REMOVERS: Readonly<Record<number, string>> = {
  [TYPE_HASH]: "HDEL",
  [TYPE_SET]: "SREM",
  [TYPE_ZSET]: "ZREM",
};

export class Engine {
  readonly clock: Clock = new Clock();
  readonly random: Random;
  readonly options: Options;
  readonly logger: Logger;
  readonly keyspace: Keyspace;
  readonly table: CommandTable;
  readonly stats: Stats = new Stats();
  /** What writes do, for whoever keeps it. */
  readonly effects: EffectStream = new EffectStream();
  /** Lets replies leave when what they could show is safe. */
  readonly gate: CommitGate = new CommitGate(this.effects);
  /** Which keys have changes that are not safe yet. */
  readonly unsafeKeys: UnsafeKeys;
  readonly info: InfoSections = new InfoSections();
  readonly pool: BufferPool = new BufferPool();
  readonly transactions: TransactionPool = new TransactionPool();
  readonly watchedKeys: WatchedKeys;
  /** Client-side caching. */
  readonly tracking: Tracking;
  /** Connected clients by id, oldest first. */
  readonly sessions: Map<number, Session> = new Map();
  readonly clientMemory: ClientMemory = new ClientMemory();
  readonly clientEviction: ClientEviction;
  /** The commands of the native protocol, by number. */
  readonly nativeCommands: readonly Command[];
  /** Function libraries, which are part of the data. */
  readonly functions: FunctionLibraries = new FunctionLibraries(this);
  readonly runId: string;
  /** Names the history of the data set. */
  replicationId: string;
  readonly slowLog: SlowLog;
  readonly latency: LatencyMonitor;
  /** Histograms of the times of commands are kept. */
  tracksLatency = true;
  readonly notifications: KeyNotifications;
  /** Publish and subscribe. */
  readonly deliveries: Deliveries = new Deliveries();
  readonly channels: Channels;
  readonly monitors: Monitors = new Monitors(this.deliveries, () => this.#observe());
  /** Clients that wait for keys. */
  readonly blocking: Blocking;
  readonly memoryLimit: MemoryLimit;
  /** Bytes in use before there was any data. */
  readonly startupMemory: number;
  /** Unix time in ms until which CLIENT PAUSE holds commands back, or 0. */
  pausedUntilMs = 0;
  /** Bits of what is not as usual with this server; 0 nearly always. Execution looks at it once per command. */
  special = 0;
  /** Sessions whose next command is held back: see pause.ts. */
  readonly held: Set<Session> = new Set();
  /** Unix time in ms before which no further warning of web clients is logged. */
  webClientLogMs = 0;
  /** Users and what they may do. */
  readonly access: Access;
  /** Path of the config file that the server was started with, or "". */
  configFile = "";
  /** The service manager that is told how the server is, or "no". */
  supervisedBy = "no";
  hooks: Hooks = {
    shutdown: () => "ERR Errors trying to SHUTDOWN. Check logs.",
    rewriteConfig: () => "ERR The server is running without a config file",
    reload: () => "ERR Error trying to load the RDB dump, check server logs.",
    reloadLog: () => "ERR There is no AOF to load.",
    packLibraries: () => Buffer.alloc(0),
    unpackLibraries: () => "ERR DUMP payload version or checksum are wrong",
    scriptThread: new URL("../scripting/script-worker.ts", import.meta.url),
    typescriptThread: new URL("../scripting/typescript-thread.ts", import.meta.url),
    flushed: () => {},
    loadUsers: () => NO_USER_FILE,
    saveUsers: () => NO_USER_FILE,
  };
  /** True while DEBUG PAUSE-CRON holds: nothing happens without a client asking for it. */
  beatPaused = false;
  #scripts: Scripts | null = null;
  #busyScript: Busy | null = null;
  /** Called `hz` times a second. */
  readonly beatTasks: (() => void)[] = [];
  #loading: Loading | null = null;
  readonly #writeRefusals: { snapshot: string | null; log: string | null } = {
    snapshot: null,
    log: null,
  };
  #nextId = 1;

  constructor(setup: EngineOptions) {
    this.options = setup.options;
    this.logger = setup.logger ?? new Logger();
    this.random = new Random(setup.seed);
    this.keyspace = new Keyspace(
      this.clock,
      this.random,
      this.options.number("databases"),
      setup.verify ?? false,
    );
    this.channels = new Channels(this.deliveries, this.keyspace.store.seed);
    this.blocking = new Blocking(this);
    this.memoryLimit = new MemoryLimit(this, (isLimited) => {
      this.special = isLimited ? this.special | LIMIT_BIT : this.special & ~LIMIT_BIT;
    });
    this.tracking = new Tracking(this);
    this.watchedKeys = new WatchedKeys(this.keyspace.store, this.keyspace.databases.length);
    this.notifications = new KeyNotifications(this.options, this.keyspace.store, this.channels);
    this.table = new CommandTable(
      setup.rows,
      setup.lateRows,
      setup.verify === true ? guardedRow : undefined,
    );
    this.unsafeKeys = new UnsafeKeys(this.table, this.gate);
    this.gate.reader = this.unsafeKeys;
    this.access = new Access(this, this.options);
    this.nativeCommands = createNativeCommands(this.table);
    this.slowLog = new SlowLog(this, () => this.#observe());
    this.latency = new LatencyMonitor(this, () => this.#observe());
    this.options.onChange("latency-tracking", (text) => (this.tracksLatency = text === "yes"));
    this.runId = this.#randomId();
    this.replicationId = this.#randomId();
    const { store } = this.keyspace;
    this.options.onChange("maxmemory-policy", (policy) => store.countUses(policy.endsWith("-lfu")));
    this.options.onChange("lfu-log-factor", (text) => (store.frequency.logFactor = Number(text)));
    this.options.onChange("lfu-decay-time", (text) => {
      store.frequency.decayMinutes = Number(text);
    });
    configureDefragmentation(this.options, this.keyspace.defragmentation);
    const { limits } = store.kit;
    this.options.onChange("zset-max-listpack-entries", (text) => {
      limits.zsetMaxListpackEntries = Number(text);
    });
    this.options.onChange("zset-max-listpack-value", (text) => {
      limits.zsetMaxListpackValue = Number(text);
    });
    this.options.onChange("stream-node-max-bytes", (text) => {
      limits.streamNodeMaxBytes = Number(text);
    });
    this.options.onChange("stream-node-max-entries", (text) => {
      limits.streamNodeMaxEntries = Number(text);
    });
    this.options.onChange("hash-max-listpack-entries", (text) => {
      limits.hashMaxListpackEntries = Number(text);
    });
    this.options.onChange("hash-max-listpack-value", (text) => {
      limits.hashMaxListpackValue = Number(text);
    });
    this.options.onChange("list-max-listpack-size", (text) => {
      limits.listMaxListpackSize = Number(text);
    });
    this.options.onChange("set-max-intset-entries", (text) => {
      limits.setMaxIntsetEntries = Number(text);
    });
    this.options.onChange("set-max-listpack-entries", (text) => {
      limits.setMaxListpackEntries = Number(text);
    });
    this.options.onChange("set-max-listpack-value", (text) => {
      limits.setMaxListpackValue = Number(text);
    });
    this.beatTasks.push(
      () => endPauseIfDue(this),
      () => this.blocking.expire(),
      () => this.blocking.serve(),
      () => this.stats.sampleRates(this.clock.monotonicMs),
      () => this.stats.samplePeak(usedMemory(this)),
    );
    this.clientEviction = new ClientEviction(this);
    this.keyspace.overdue.onCaughtUp = () => letGo(this);
    addInfoFields(this);
    this.startupMemory = usedMemory(this);
  }

  /** What runs scripts; made when somebody asks for it, since most servers never do. */
  get scripts(): Scripts {
    this.#scripts ??= new (scripting().Scripts)(this);
    return this.#scripts;
  }

  /** The scripts that are known, or null if there has never been one. */
  get scriptCache(): ScriptCache | null {
    return this.#scripts?.cache ?? null;
  }

  /** A script that takes long, and keeps all others waiting; else null. */
  get busyScript(): Busy | null {
    return this.#busyScript;
  }

  set busyScript(script: Busy | null) {
    this.#busyScript = script;
    this.special = script === null ? this.special & ~BUSY_BIT : this.special | BUSY_BIT;
  }

  /** What the pause holds back. */
  get pauseMode(): PauseMode {
    return (this.special & PAUSE_BITS) as PauseMode;
  }

  set pauseMode(mode: PauseMode) {
    this.special = (this.special & ~PAUSE_BITS) | mode;
  }

  /** Data is loaded from files: only few commands are run. */
  get loading(): Loading | null {
    return this.#loading;
  }

  set loading(loading: Loading | null) {
    this.#loading = loading;
    this.special = loading === null ? this.special & ~LOADING_BIT : this.special | LOADING_BIT;
  }

  /** Why writes are refused, with the error's code, or null if they are not. */
  get writeRefusal(): string | null {
    return this.#writeRefusals.snapshot ?? this.#writeRefusals.log;
  }

  /** Refuses writes from now on, for a reason that the snapshot or the log has; null: not any more. */
  refuseWrites(source: "snapshot" | "log", error: string | null): void {
    this.#writeRefusals[source] = error;
    const refused = this.writeRefusal !== null;
    this.special = refused ? this.special | REFUSAL_BIT : this.special & ~REFUSAL_BIT;
  }

  /** Some client tracks keys: what has changed, and what was read, is looked at after every command. */
  get tracks(): boolean {
    return (this.special & TRACKING_BIT) !== 0;
  }

  set tracks(tracks: boolean) {
    this.special = tracks ? this.special | TRACKING_BIT : this.special & ~TRACKING_BIT;
  }

  /** Somebody wants to know of every command. */
  get isObserved(): boolean {
    return (this.special & OBSERVED_BIT) !== 0;
  }

  #observe(): void {
    // The options of both are read while they are made.
    const timed = this.slowLog?.wantsAll === true || this.latency?.active === true;
    const observed = timed || this.monitors.size > 0;
    this.special = observed ? this.special | OBSERVED_BIT : this.special & ~OBSERVED_BIT;
  }

  /** Whoever sees entries before they change, from now on; null: nobody. */
  setGuard(guard: EntryGuard | null): void {
    this.keyspace.store.guard = guard;
    this.special = guard === null ? this.special & ~GUARD_BIT : this.special | GUARD_BIT;
  }

  /** A new session with an id of its own; the caller adds it to `sessions` if it is a client. */
  createSession(): Session {
    return new Session(this, this.#nextId++, this.pool);
  }

  /** Forgets a client that has gone. */
  removeSession(session: Session): void {
    this.sessions.delete(session.id);
    this.clientMemory.forget(session);
    this.held.delete(session);
    this.blocking.forget(session);
    this.channels.forget(session);
    this.tracking.disable(session);
    this.monitors.forget(session);
    session.endTransaction();
  }

  /** Begins or ends the recording of what writes do in the effect stream. */
  record(active: boolean): void {
    const { effects } = this;
    effects.active = active;
    this.keyspace.store.onExpire = active
      ? (database, entry) => {
          database.readKey(entry, goneKey);
          const { bytes, start, end } = goneKey;
          effects.expired(database.index, bytes, start, end);
        }
      : null;
    const { options } = this;
    this.keyspace.store.onEvict = active
      ? (database, entry) => {
          database.readKey(entry, goneKey);
          const { bytes, start, end } = goneKey;
          const name = options.flag("lazyfree-lazy-eviction") ? "UNLINK" : "DEL";
          effects.delete(database.index, bytes, start, end, name);
        }
      : null;
    this.keyspace.store.onMemberExpire = active
      ? (database, entry, member) => {
          database.readKey(entry, goneKey);
          const { bytes, start, end } = goneKey;
          const name = REMOVERS[this.keyspace.store.entries.type(entry)]!;
          const { bytes: own, start: from, end: to } = member;
          effects.memberExpired(database.index, name, bytes, start, end, own, from, to);
        }
      : null;
  }

  /** Runs what parts of the server want done `hz` times a second. */
  beat(): void {
    for (const task of this.beatTasks) task();
  }

  /** Reads the clock; once at the start of every turn. */
  beginTurn(): void {
    this.clock.refresh();
    renewSearches();
    const { store } = this.keyspace;
    store.refreshAccess();
    this.memoryLimit.beginTurn();
    this.special = store.timedKeys === 0 ? this.special & ~TIMED_BIT : this.special | TIMED_BIT;
  }

  changeReplicationId(): void {
    this.replicationId = this.#randomId();
  }

  /** 40 random hex digits. */
  #randomId(): string {
    return Array.from({ length: 40 }, () => this.random.below(16).toString(16)).join("");
  }
}
