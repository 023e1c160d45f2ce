/**
 * A script or function that takes long, whatever its language: what others are told of it, and how it is stopped. While there is
 * one, nobody else's commands run, but for those that ask about it or end it.
 */
import type { Reply } from "../protocol/reply.ts";
import type { Engine } from "./engine.ts";
import type { Session } from "./session.ts";

export const BUSY_SCRIPT =
  "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
export const BUSY_FUNCTION =
  "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.";
const NOT_BUSY = "NOTBUSY No scripts in execution right now.";
const HAS_WRITTEN =
  "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the " +
  "script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.";

export interface Busy {
  /** Of the client that waits for it. */
  readonly session: Session;
  /** As errors call it. */
  readonly name: string;
  /** A function, not a script for EVAL. */
  readonly isFunction: boolean;
  /** The command that runs it. */
  readonly commandLine: readonly string[];
  /** Monotonic time in ms at which it began. */
  readonly startedMs: number;
  /** It has run a command that writes. */
  readonly hasWritten: boolean;
  /** What others are told meanwhile. */
  readonly refusal: string;
  /** Ends it, and answers its client. */
  kill(): void;
  /** The server stops: nobody is answered any more. */
  stop(): void;
}

/** SCRIPT KILL or FUNCTION KILL. @param functions it must be a function, and not a script for EVAL */
export function killOrReply(engine: Engine, functions: boolean, reply: Reply): void {
  const { busyScript } = engine;
  if (busyScript === null) return reply.error(NOT_BUSY);
  if (busyScript.hasWritten) return reply.error(HAS_WRITTEN);
  if (busyScript.isFunction !== functions) return reply.error(busyScript.refusal);
  busyScript.kill();
  reply.ok();
}

/** What was busy has ended: answers the client that waited for it, and lets that one go on. */
export function endBusy(engine: Engine, session: Session, answer: () => void): void {
  const { reply } = session;
  const { pos, errors } = reply;
  answer();
  if (reply.errors !== errors) {
    if (session.lastCommand !== null) session.lastCommand.failed++;
    engine.stats.countError(reply.lastError);
  }
  session.blocked = false;
  session.endReply(pos);
  // Not inside the command that ends it: no command runs within another.
  queueMicrotask(() => session.resume());
}
