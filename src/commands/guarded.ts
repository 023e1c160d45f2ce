/**
 * Writes to what a snapshot must see first. It sees a value as a whole, and a large one takes long: a command that would change one
 * is held back until the snapshot has written it, in slices, and everybody else is served meanwhile. A session that is held back is
 * blocked, and whoever feeds it runs the same command again.
 *
 * Commands that can't wait, as those inside of others, have the rest of the value written at once.
 */
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Command } from "./command.ts";
import { WRITE } from "./command.ts";
import { someKeyAtHand } from "./keys-at-hand.ts";
import type { Session } from "./session.ts";

/** Holds a command back if it may change a large value that a snapshot has not written yet. Returns whether it does. */
export function holdIfGuarded(session: Session, command: Command, args: Args): boolean {
  const { guard } = session.engine.keyspace.store;
  if (guard === null || !session.mayWait) return false;
  const { db } = session;
  return someKeyAtHand(session, command, args, WRITE, (bytes, start, end) => {
    const entry = db.peek(bytes, start, end);
    if (entry === NULL_REF || !guard.postpones(db.keys, entry, () => goOn(session))) return false;
    session.blocked = true;
    return true;
  });
}

function goOn(session: Session): void {
  session.blocked = false;
  session.peer?.resume();
}
