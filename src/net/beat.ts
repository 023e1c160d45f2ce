/**
 * The beat: what has to happen without a client asking for it. `hz` times a second, in this order: the clock, the engine's young
 * objects, what waits in the keyspace (keys whose time has come, dicts that resize, memory to give back, blocks to move together),
 * pauses that end, and in a slower rhythm the clients. Work that does not fit one slice goes on in slices of its own between the turns
 * of clients.
 */
import { edenGC } from "bun:jsc";
import { nanoseconds } from "../base/clock.ts";
import { AUTH_TIMEOUT_MS, HANDSHAKE_TIMEOUT_MS } from "../base/limits.ts";
import type { Engine } from "../commands/engine.ts";
import type { Session } from "../commands/session.ts";
import { Connection } from "./connection.ts";
import type { Settings } from "./settings.ts";

/** Housekeeping in one go, in nanoseconds: no turn is longer than about a millisecond for it. */
const SLICE_NS = 1_000_000;
/** All clients are looked at once in this time. */
const CLIENTS_ROUND_MS = 1000;
/** A read buffer that was not used for this long is given back. */
const IDLE_BUFFER_MS = 2000;
/**
 * The engine collects young objects after some 20,000 chunks from sockets, and then frees them between two turns, for up to 10 ms at a
 * time. After so many it takes a millisecond to collect them, and little more to free them.
 */
const READS_COLLECTED = 5000;
/** Timers can't be set for longer. */
const TIMER_MAX_MS: number = 2 ** 31 - 1;

export class Beat {
  readonly #engine: Engine;
  readonly #settings: Settings;
  #timer: ReturnType<typeof setInterval> | undefined;
  #slicing = false;
  #stopped = false;
  #nextRoundMs = 0;
  /** `reads` of the statistics when young objects were collected last. */
  #readsThen = 0;
  /** Fires when a command has waited for keys long enough. */
  #dueTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(engine: Engine, settings: Settings) {
    this.#engine = engine;
    this.#settings = settings;
    engine.keyspace.overdue.onWork = () => this.#sliceSoon();
    engine.memoryLimit.onWork = () => this.#sliceSoon();
    engine.blocking.onDue = (dueMs) => this.#awaitDue(dueMs);
    engine.options.onChange("hz", (hz) => {
      clearInterval(this.#timer);
      if (!this.#stopped) this.#timer = setInterval(() => this.beat(), 1000 / Number(hz));
    });
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    clearTimeout(this.#dueTimer);
    this.#engine.keyspace.overdue.onWork = null;
    this.#settings.spareFile.close();
  }

  /** One beat, now. */
  beat(): void {
    const engine = this.#engine;
    engine.beginTurn();
    this.#countFiles();
    this.#collect();
    if (engine.beatPaused) return;
    if (engine.loading === null) {
      engine.keyspace.defragmentation.beat(1e9 / engine.options.number("hz"));
    }
    this.#slice();
    engine.beat();
    if (engine.clock.monotonicMs < this.#nextRoundMs) return;
    this.#nextRoundMs = engine.clock.monotonicMs + CLIENTS_ROUND_MS;
    for (const session of engine.sessions.values()) this.#visit(session);
  }

  /** Collects young objects if many chunks have come. */
  #collect(): void {
    const { reads } = this.#engine.stats;
    // CONFIG RESETSTAT begins to count anew.
    const since = reads < this.#readsThen ? reads : reads - this.#readsThen;
    if (since < READS_COLLECTED) return;
    this.#readsThen = reads;
    edenGC();
  }

  #countFiles(): void {
    const { spareFile } = this.#settings;
    if (!spareFile.check()) return;
    const { logger } = this.#engine;
    if (spareFile.isSpent) {
      logger.warning("Error accepting a client connection: Too many open files");
    } else logger.notice("Files can be opened again: clients are accepted");
  }

  #awaitDue(dueMs: number): void {
    clearTimeout(this.#dueTimer);
    if (this.#stopped) return;
    const { blocking, clock } = this.#engine;
    this.#dueTimer = setTimeout(
      () => {
        this.#engine.beginTurn();
        blocking.expire();
        blocking.serve();
      },
      Math.min(Math.max(1, dueMs - clock.nowMs), TIMER_MAX_MS),
    );
  }

  #slice(): void {
    if (this.#slicing || this.#stopped) return;
    const { keyspace, latency, memoryLimit } = this.#engine;
    const { expiryNs } = keyspace;
    const more = keyspace.housekeep(SLICE_NS);
    if (latency.active) latency.note("expire-cycle", keyspace.expiryNs - expiryNs);
    const evicts = memoryLimit.step();
    const moves = this.#move();
    if (more || evicts || moves) this.#sliceSoon();
  }

  /** Moves blocks together, if it is time to. Returns whether there is more to do before the next beat. */
  #move(): boolean {
    const { keyspace, latency, loading } = this.#engine;
    if (loading !== null) return false;
    if (!latency.active) return keyspace.defragmentation.step();
    const startNs = nanoseconds();
    const more = keyspace.defragmentation.step();
    latency.note("active-defrag-cycle", nanoseconds() - startNs);
    return more;
  }

  /** Has a slice begin after the turn. */
  #sliceSoon(): void {
    if (this.#slicing) return;
    this.#slicing = true;
    setImmediate(() => {
      this.#slicing = false;
      this.#engine.beginTurn();
      this.#slice();
    });
  }

  /** Closes a client that is idle too long, did not authenticate or does not read. */
  #visit(session: Session): void {
    const { peer } = session;
    if (!(peer instanceof Connection)) return;
    const { clock } = this.#engine;
    if (peer.isHandshaking) {
      if (clock.nowMs - session.createdMs > HANDSHAKE_TIMEOUT_MS) peer.abort();
      return;
    }
    const idleMs = clock.nowMs - session.lastActiveMs;
    const { timeoutMs } = this.#settings;
    const outputLimits = this.#settings.outputLimits(session);
    // Who waits, for keys or for messages, is not idle.
    const listens = session.subscriptions !== null || this.#engine.monitors.has(session);
    const waits = session.blocked || listens;
    if (timeoutMs > 0 && idleMs > timeoutMs && !waits) {
      this.#engine.logger.verbose("Closing idle client");
      peer.close();
      return;
    }
    if (!session.authenticated && clock.nowMs - session.createdMs > AUTH_TIMEOUT_MS) {
      peer.close();
      return;
    }
    if (idleMs > IDLE_BUFFER_MS) peer.trim();
    if (outputLimits.soft === 0 || peer.outputBytes <= outputLimits.soft) {
      peer.softLimitSinceMs = -1;
    } else if (peer.softLimitSinceMs === -1) {
      peer.softLimitSinceMs = clock.monotonicMs;
    } else if (clock.monotonicMs - peer.softLimitSinceMs > outputLimits.softMs) {
      peer.dropForOutput();
    }
  }
}
