/** MONITOR: clients that see every command that runs, as a line of text each. */
import { quote } from "../base/quote.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Command } from "./command.ts";
import { ADMIN } from "./command.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";
import { shownArguments } from "./shown-arguments.ts";

const MICROSECONDS = 1e6;

export class Monitors {
  readonly #sessions: Set<Session> = new Set();
  readonly #changed: () => void;

  /** @param changed called when somebody begins or ends watching */
  constructor(changed: () => void) {
    this.#changed = changed;
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
    if (this.#sessions.delete(session)) this.#changed();
  }

  /** Shows a command. What is for administrators is not shown. */
  feed(session: Session, command: Command, args: Args): void {
    if (this.#sessions.size === 0 || (command.flags & ADMIN) !== 0) return;
    const { db, engine, peer } = session;
    // Who may never wait and has no connection is a script.
    const place = peer?.address ?? (session.mayWait ? "local" : "lua");
    const time = engine.clock.unixMicroseconds();
    const fraction = String(time % MICROSECONDS).padStart(6, "0");
    let line = `+${Math.floor(time / MICROSECONDS)}.${fraction} [${db.index} ${place}]`;
    for (const text of shownArguments(session, command, args, Infinity)) line += ` ${quote(text)}`;
    const message = Buffer.from(`${line}\r\n`, "latin1");
    for (const watching of this.#sessions) watching.push(message);
  }
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
