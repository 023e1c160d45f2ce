/**
 * How a command reports what it has changed: `changed` counts the change, which is how everybody learns that the command wrote
 * something, and tells the key's event to those who listen. Nearly always nobody does.
 *
 * What consumer groups do with the entries of a stream is counted only: the entries stay as they are, and where Redis has no
 * event for it nobody is told.
 */
import type { Database } from "../keyspace/database.ts";
import type { KeyEvent } from "../keyspace/key-events.ts";
import type { Args } from "../protocol/args.ts";
import type { Session } from "./session.ts";

/** The key of an argument, in the session's database, was changed `count` times, which may be none. */
export function changed(
  session: Session,
  args: Args,
  at: number,
  event: KeyEvent,
  count = 1,
): void {
  const { store } = session.engine.keyspace;
  store.changes += count;
  if (store.observer !== null && count > 0) happened(session, args, at, event);
}

/** Something more has happened to the key of an argument: `changed` has counted it already, or it is no change. */
export function happened(
  session: Session,
  args: Args,
  at: number,
  event: KeyEvent,
  database: Database = session.db,
): void {
  const { observer } = session.engine.keyspace.store;
  if (observer !== null)
    observer.happened(event, database, args.bytes, args.start(at), args.end(at));
}
