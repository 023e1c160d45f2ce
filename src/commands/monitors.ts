/** MONITOR: clients that see every command that runs, as a line of text each. */
import { quotedSizeMax, writeQuoted } from "../base/quote.ts";
import { Slice } from "../base/slice.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Command } from "./command.ts";
import { ADMIN } from "./command.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";
import type { Deliveries } from "./deliveries.ts";
import { BATCH_SIZE_MAX, MessageBatch } from "./push-queue.ts";
import { readShown } from "./shown-arguments.ts";

const MICROSECONDS = 1e6;
const SPACE = 0x20;
/**
 * Redis shows arguments of any length. A byte may take four in a line, so that a few commands would fill the memory: what is longer
 * than anybody reads is cut.
 */
const ARGUMENT_SIZE_MAX: number = 4 * 1024 * 1024;
const LINE_SIZE_MAX: number = 4 * ARGUMENT_SIZE_MAX;

const shown = new Slice();

export class Monitors {
  readonly #sessions: Set<Session> = new Set();
  readonly #deliveries: Deliveries;
  readonly #changed: () => void;
  #batch: MessageBatch;

  /** @param changed called when somebody begins or ends watching */
  constructor(deliveries: Deliveries, changed: () => void) {
    this.#deliveries = deliveries;
    this.#changed = changed;
    this.#batch = new MessageBatch(deliveries.epoch);
  }

  get size(): number {
    return this.#sessions.size;
  }

  has(session: Session): boolean {
    return this.#sessions.has(session);
  }

  add(session: Session): void {
    this.#sessions.add(session);
    this.#changed();
  }

  /** Ends the watching of a session: it is gone, or begins anew. */
  forget(session: Session): void {
    session.leaveBatches();
    if (this.#sessions.delete(session)) this.#changed();
  }

  /** Shows a command. What is for administrators is not shown. */
  feed(session: Session, command: Command, args: Args): void {
    if (this.#sessions.size === 0 || (command.flags & ADMIN) !== 0) return;
    const { db, engine } = session;
    const place = placeOf(session);
    const time = engine.clock.unixMicroseconds();
    const fraction = String(time % MICROSECONDS).padStart(6, "0");
    const head = `+${Math.floor(time / MICROSECONDS)}.${fraction} [${db.index} ${place}]`;
    const batch = this.#nextBatch();
    for (const watching of this.#sessions) watching.follow(batch);
    // In the native protocol the name is a number, and no argument.
    append(batch, session.native ? `${head} "${command.fullName}"` : head);
    const end = batch.length + LINE_SIZE_MAX;
    for (let i = 0; i < args.count; i++) {
      if (batch.length > end) {
        append(batch, ` ... (${args.count - i} more arguments)`);
        break;
      }
      readShown(session, command, args, i, shown);
      const more = shown.length - ARGUMENT_SIZE_MAX;
      const size = Math.min(shown.length, ARGUMENT_SIZE_MAX);
      batch.ensure(1 + quotedSizeMax(size));
      const { bytes } = batch;
      bytes[batch.length] = SPACE;
      const from = shown.start;
      batch.length = writeQuoted(bytes, batch.length + 1, shown.bytes, from, from + size);
      if (more > 0) append(batch, `... (${more} more bytes)`);
    }
    append(batch, "\r\n");
  }

  /** What all who watch get until the end of the turn. */
  #nextBatch(): MessageBatch {
    const { epoch } = this.#deliveries;
    const batch = this.#batch;
    if (batch.epoch !== epoch) batch.reuse(epoch);
    if (batch.length < BATCH_SIZE_MAX) return batch;
    this.#batch = new MessageBatch(epoch);
    return this.#batch;
  }
}

/** Where a command comes from, as Redis writes it. */
function placeOf({ peer, mayWait }: Session): string {
  // Who may never wait and has no connection is a script.
  if (peer === null) return mayWait ? "local" : "lua";
  return peer.kind === "unix" ? `unix:${peer.address.replace(/:0$/, "")}` : peer.address;
}

/** @param text ASCII */
function append(batch: MessageBatch, text: string): void {
  batch.ensure(text.length);
  batch.length += batch.bytes.write(text, batch.length, "latin1");
}

function monitor(session: Session, _args: Args, reply: Reply): void {
  if (session.peer === null) {
    return reply.error("ERR MONITOR isn't allowed for DENY BLOCKING client");
  }
  const { monitors } = session.engine;
  // As in Redis, one that watches already is not even answered.
  if (monitors.has(session)) return;
  monitors.add(session);
  reply.ok();
}

export const monitorRows: readonly CommandRow[] = [
  {
    name: "monitor",
    arity: 1,
    flags: "admin noscript loading stale",
    since: "1.0.0",
    group: "server",
    summary: "Shows every command that the server runs, as it runs it.",
    complexity: "",
    handler: monitor,
  },
];
