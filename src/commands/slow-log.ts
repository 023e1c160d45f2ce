/**
 * The slow log: the last commands that took longer than `slowlog-log-slower-than`.
 *
 * Asking for the time twice would cost a third of a GET, so not every command is timed, and yet none that is slow is missed,
 * since each has a reason to be:
 *
 *   work that grows with the data   such commands (`Command.mayBeSlow`) are timed each time
 *   long arguments or a long reply  are looked at when the command has ended: its time is then that since the turn began, or since
 *                                   the last such command of the turn, to the millisecond (`afterLarge`)
 *   much of one string              is looked at likewise, if the command says how much it was (`afterReading`)
 *   none of these                   takes microseconds; what it does beyond that is the machine's doing, and one call in 64 that
 *                                   is timed for the statistics shows it too
 *
 * That holds for limits from Redis's default of 10 ms on. Below it every command is timed exactly (`wantsAll`), at that price.
 */
import { latin1Text } from "../base/bytes.ts";
import { Slice } from "../base/slice.ts";
import type { Args } from "../protocol/args.ts";
import type { Command } from "./command.ts";
import { SKIP_SLOW_LOG } from "./command.ts";
import type { Engine } from "./engine.ts";
import type { Session } from "./session.ts";
import { readShown } from "./shown-arguments.ts";

/** Limits below this are kept by timing every command. */
const EXACT_BELOW_NS = 1e7;
/** Arguments or replies of so many bytes may take long. */
export const LARGE_SIZE: number = 64 * 1024;
/** Arguments of an entry, and bytes of each, beyond which only the rest is counted. */
const ARGUMENTS_MAX = 32;
const ARGUMENT_SIZE_MAX = 128;

const shown = new Slice();

export interface SlowEntry {
  readonly id: number;
  /** Unix time in seconds. */
  readonly time: number;
  readonly microseconds: number;
  /** One character a byte; too many and too long ones cut. */
  readonly args: readonly string[];
  readonly address: string;
  readonly name: string;
}

export class SlowLog {
  /** Oldest first. */
  readonly entries: SlowEntry[] = [];
  /** Nanoseconds from which a command is slow; Infinity: none is. */
  limitNs = Infinity;
  readonly #engine: Engine;
  #lengthMax = 0;
  #nextId = 0;
  /** The turn in which a command with large arguments or reply ran last, and how far that was into it. */
  #turnMs = 0;
  #atMs = 0;

  /** @param changed called when `wantsAll` may have changed */
  constructor(engine: Engine, changed: () => void) {
    this.#engine = engine;
    engine.options.onChange("slowlog-log-slower-than", (text) => {
      const microseconds = Number(text);
      this.limitNs = microseconds < 0 ? Infinity : microseconds * 1000;
      changed();
    });
    engine.options.onChange("slowlog-max-len", (text) => {
      this.#lengthMax = Number(text);
      this.#trim();
    });
  }

  /** Every command is to be timed. */
  get wantsAll(): boolean {
    return this.limitNs < EXACT_BELOW_NS;
  }

  /** A command took so long, which may be too long. */
  note(session: Session, command: Command, args: Args, ns: number): void {
    if (ns < this.limitNs || (command.flags & SKIP_SLOW_LOG) !== 0) return;
    if (this.#lengthMax === 0) return;
    this.entries.push({
      id: this.#nextId++,
      time: Math.floor(this.#engine.clock.nowMs / 1000),
      microseconds: Math.floor(ns / 1000),
      args: this.#cut(session, command, args),
      address: session.peer?.address ?? "",
      name: session.name,
    });
    this.#trim();
  }

  /** A command with long arguments or a long reply has ended that was not timed. */
  afterLarge(session: Session, command: Command, args: Args): void {
    if (this.limitNs === Infinity) return;
    const { clock } = this.#engine;
    const elapsedMs = clock.sinceRefreshMs;
    const fromMs = this.#turnMs === clock.nowMs ? this.#atMs : 0;
    this.#turnMs = clock.nowMs;
    this.#atMs = elapsedMs;
    this.note(session, command, args, (elapsedMs - fromMs) * 1e6);
  }

  /** A command that is not timed each time has looked at `size` bytes of a value. */
  afterReading(session: Session, args: Args, size: number): void {
    if (size <= LARGE_SIZE) return;
    const command = this.#engine.table.find(args);
    if (command === null || command.calls === command.timedCall) return;
    this.afterLarge(session, command, args);
  }

  reset(): void {
    this.entries.length = 0;
  }

  #trim(): void {
    while (this.entries.length > this.#lengthMax) this.entries.shift();
  }

  #cut(session: Session, command: Command, args: Args): string[] {
    // In the native protocol the name is a number, and no argument.
    const cut: string[] = session.native ? [command.fullName] : [];
    const total = args.count + cut.length;
    const count = total <= ARGUMENTS_MAX ? total : ARGUMENTS_MAX - 1;
    for (let i = 0; cut.length < count && i < args.count; i++) {
      readShown(session, command, args, i, shown);
      cut.push(beginningOf(shown));
    }
    if (count < total) cut.push(`... (${total - count} more arguments)`);
    return cut;
  }
}

/** One character a byte. Nothing is cut off a string: the engine would keep all of it for the sake of the part. */
function beginningOf({ bytes, start, end }: Slice): string {
  const more = end - start - ARGUMENT_SIZE_MAX;
  if (more <= 0) return latin1Text(bytes, start, end);
  return `${latin1Text(bytes, start, start + ARGUMENT_SIZE_MAX)}... (${more} more bytes)`;
}
