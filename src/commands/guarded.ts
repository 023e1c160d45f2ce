/**
 * Writes to what a snapshot must see first. It sees a value as a whole, and a large one takes long: a command that would change one
 * is held back until the snapshot has written it, in slices, and everybody else is served meanwhile. A session that is held back is
 * blocked, and whoever feeds it runs the same command again.
 *
 * Commands that can't wait, as those inside of others, have the rest of the value written at once.
 */
import type { EntryGuard } from "../keyspace/entry-guard.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Command } from "./command.ts";
import { WRITE } from "./command.ts";
import { extractKeys, KeyList } from "./key-extraction.ts";
import type { Session } from "./session.ts";

const keyList = new KeyList();

/** Holds a command back if it may change a large value that a snapshot has not written yet. Returns whether it does. */
export function holdIfGuarded(session: Session, command: Command, args: Args): boolean {
  const { guard } = session.engine.keyspace.store;
  if (guard === null || !session.mayWait) return false;
  const { transaction } = session;
  if (transaction === null) return holdsBack(guard, session, command, args);
  if (!command.isExec || (transaction.flags & WRITE) === 0) return false;
  transaction.rewind();
  return transaction.commands.some((queued) => {
    return holdsBack(guard, session, queued, transaction.next());
  });
}

function holdsBack(guard: EntryGuard, session: Session, command: Command, args: Args): boolean {
  if ((command.flags & WRITE) === 0 || !extractKeys(command, args, 0, keyList)) return false;
  const { db } = session;
  for (let i = 0; i < keyList.count; i++) {
    const at = keyList.positions[i]!;
    const entry = db.peek(args.bytes, args.start(at), args.end(at));
    if (entry === NULL_REF || !guard.postpones(db.keys, entry, () => goOn(session))) continue;
    session.blocked = true;
    return true;
  }
  return false;
}

function goOn(session: Session): void {
  session.blocked = false;
  session.peer?.resume();
}
