/**
 * The commit gate: no reply leaves before everything that it could show is as safe as the policy demands. A reply carries the
 * offset of the effect stream at which it was made, and leaves when all effects up to that offset are safe; one that was made
 * while nothing unsafe preceded it leaves at once.
 *
 * Who makes effects need not think of the gate: the stream calls it when there is something to keep, and at the end of the turn
 * (`commit`) the log gets the bytes, in one write for all that the turn did. What "safe" means is the log's business: it says
 * `advance` right after the write (`appendfsync no` and `everysec`), or when a sync that covers the bytes has ended (`always`).
 * Then the replies that waited leave, in the order in which their connections came.
 *
 * Where syncs may take long (`always`), who reads keys that nobody has changed since the last one does not wait for the next: then the
 * gate lets an `EffectReader` know all effects, who can tell which of them a reply may show (`discerns`).
 *
 * If the log can't take the bytes, they stay in the stream and are offered again: nothing that waits is lost, and nothing is
 * said to be kept. Those who only read are let through meanwhile (`failing`), as Redis does: a server with a full disk
 * still answers what it holds.
 */
import type { EffectStream } from "./effect-stream.ts";

/** Whoever keeps effects before replies may leave. */
export interface EffectLog {
  /**
   * Takes bytes[0, size), the effects up to `offset`; may write on the TAIL_SIZE bytes behind them.
   * @returns whether they are kept; if not, they are offered again
   */
  write(bytes: Buffer, size: number, offset: number): boolean;
}

/** Whoever wants to know what the effects change, while the gate discerns. */
export interface EffectReader {
  /**
   * Reads the effects among bytes[from, to) that are whole.
   * @param base offset of bytes[0]
   * @returns where they end
   */
  read(bytes: Buffer, from: number, to: number, base: number): number;
  /** Effects before `offset` may be any. */
  forget(offset: number): void;
}

/** Somebody whose replies wait. */
export interface Waiter {
  /** Stands in the gate's list; the gate's own mark. */
  waits: boolean;
  /**
   * Sends what may leave now.
   * @param safe offset up to which everything is safe
   * @param readers lets replies through that come without effects of their own
   * @returns whether something still waits
   */
  release(safe: number, readers: boolean): boolean;
}

export class CommitGate {
  /** All effects up to this offset are as safe as the policy demands. */
  safe = 0;
  /** The log could not take what it was offered last. */
  failing = false;
  /** Is told of all effects while the gate discerns. */
  reader: EffectReader | null = null;
  readonly #effects: EffectStream;
  #discerns = false;
  /** Offset up to which the reader knows the effects. */
  #read = 0;
  #log: EffectLog | null = null;
  #waiters: Waiter[] = [];
  #scheduled = false;
  readonly #endTurn = (): void => {
    this.#scheduled = false;
    this.commit();
  };

  constructor(effects: EffectStream) {
    this.#effects = effects;
    effects.onPending = () => this.#schedule();
  }

  /** Replies made now must wait. */
  get mustWait(): boolean {
    return this.#effects.offset > this.safe;
  }

  /** Offset of the replies that are made now. */
  get offset(): number {
    return this.#effects.offset;
  }

  /** Replies wait only for effects that they could show, as far as that is known; else for all that precede them. */
  get discerns(): boolean {
    return this.#discerns;
  }

  set discerns(value: boolean) {
    if (value && !this.#discerns) this.#forget();
    this.#discerns = value && this.reader !== null;
  }

  /** Lets the reader know the effects so far. @returns whether it knows all of them */
  catchUp(): boolean {
    const effects = this.#effects;
    const { offset, pos } = effects;
    const base = offset - pos;
    // Some have moved, or were taken unread.
    if (effects.movedFrom < this.#read || this.#read < base) this.#forget();
    effects.movedFrom = Infinity;
    if (this.#read === offset) return true;
    this.#read = base + this.reader!.read(effects.buffer, this.#read - base, pos, base);
    return this.#read === offset;
  }

  #forget(): void {
    const { offset } = this.#effects;
    this.#read = offset;
    this.reader?.forget(offset);
  }

  /** From now on effects go to `log`; null: to nobody, and whoever waits goes on. */
  setLog(log: EffectLog | null): void {
    this.#log = log;
    if (log !== null) return;
    this.discerns = false;
    this.#effects.taken(this.#effects.pos);
    this.failing = false;
    this.advance(this.#effects.offset);
  }

  /** Notes somebody whose replies wait. */
  add(waiter: Waiter): void {
    if (waiter.waits) return;
    waiter.waits = true;
    this.#waiters.push(waiter);
  }

  /** Hands the effects so far to the log. Returns whether the log has all of them. */
  commit(): boolean {
    const effects = this.#effects;
    effects.cutBlock();
    if (effects.pos === 0) return true;
    if (this.#log === null) {
      effects.taken(effects.pos);
      this.advance(effects.offset);
      return true;
    }
    const size = effects.pos;
    const { offset } = effects;
    if (this.#discerns && !this.catchUp()) this.#forget();
    if (!this.#log.write(effects.buffer, size, offset)) {
      this.failing = true;
      this.#release();
      return false;
    }
    this.failing = false;
    effects.taken(size);
    return true;
  }

  /** What was written can't be made safe: only readers go on, until the log has found another way. */
  fail(): void {
    this.failing = true;
    this.#release();
  }

  /** All effects up to `offset` are safe. */
  advance(offset: number): void {
    if (offset > this.safe) this.safe = offset;
    if (!this.mustWait) this.failing = false;
    this.#release();
  }

  /** Settles when all effects so far are safe. */
  whenSafe(): Promise<void> {
    if (!this.mustWait) return Promise.resolve();
    const { offset } = this;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.add({
      waits: false,
      release(safe) {
        if (safe < offset) return true;
        resolve();
        return false;
      },
    });
    return promise;
  }

  #release(): void {
    if (this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      // Sending may make room for further commands, and these may wait again.
      waiter.waits = false;
      if (waiter.release(this.safe, this.failing)) this.add(waiter);
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#endTurn);
  }
}
