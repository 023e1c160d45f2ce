/**
 * Commands on a key of which very many members are due, others not. No command sees a member whose time has come, so the due
 * ones have to go first; where they are too many for one turn, the command is held back while housekeeping removes them in
 * slices, and everybody else is served. So is one on a large value that is due, or members of it, while a snapshot has still to
 * see it. As with CLIENT PAUSE, a command that is held back has not run.
 *
 * Where nobody can wait (in a script, in a command that looks at keys which its arguments do not name) the members go at once,
 * however many they are.
 */
import type { Args } from "../protocol/args.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Command } from "./command.ts";
import { someKeyAtHand } from "./keys-at-hand.ts";
import { hold } from "./pause.ts";
import type { Session } from "./session.ts";

/**
 * Holds a command back if a key of its own is overdue.
 * @returns whether it is held back
 */
export function holdIfOverdue(session: Session, command: Command, args: Args): boolean {
  const { engine, db } = session;
  const { overdue, store } = engine.keyspace;
  if (!session.mayWait || overdue.onWork === null || engine.beatPaused) return false;
  // While a snapshot is made, whatever expires may be due and large.
  const mayBeDue = db.keys.members.mayBeDue || (store.guard !== null && db.expiring > 0);
  if (!mayBeDue) return false;
  return someKeyAtHand(session, command, args, 0, (bytes, start, end) => {
    if (db.overdue(bytes, start, end) === NULL_REF) return false;
    overdue.add(db, bytes, start, end);
    hold(session);
    return true;
  });
}
