/**
 * What commands tell the effect stream when their own words would not do the same again: which key went, what a key holds now
 * and until when, what was popped. Each function does nothing while nobody keeps effects.
 */
import type { Args } from "../protocol/args.ts";
import type { Session } from "./session.ts";

/** The key of an argument is gone. */
export function tellDelete(session: Session, args: Args, at: number): void {
  const { effects } = session.engine;
  if (!effects.active) return;
  effects.delete(session.db.index, args.bytes, args.start(at), args.end(at));
}

/** The key of an argument expires at a time: Unix time in ms in two words. */
export function tellExpiry(
  session: Session,
  args: Args,
  at: number,
  low: number,
  high: number,
): void {
  const { effects } = session.engine;
  if (!effects.active) return;
  effects.begin(session.db.index, 3);
  effects.text("PEXPIREAT");
  effects.argument(args, at);
  effects.int64(low, high);
}

/** The key of an argument does not expire any more. */
export function tellPersist(session: Session, args: Args, at: number): void {
  const { effects } = session.engine;
  if (!effects.active) return;
  effects.begin(session.db.index, 2);
  effects.text("PERSIST");
  effects.argument(args, at);
}

/** A key holds the string value[from, to). @param keep its time of expiry, if any, stays */
export function tellSet(
  session: Session,
  key: Buffer,
  start: number,
  end: number,
  value: Buffer,
  from: number,
  to: number,
  keep: boolean,
): void {
  const { effects } = session.engine;
  if (!effects.active) return;
  beginSet(session, keep ? 4 : 3, key, start, end, value, from, to);
  if (keep) effects.text("KEEPTTL");
}

/** A key holds the string value[from, to) and expires at a time: Unix time in ms in two words. */
export function tellSetUntil(
  session: Session,
  key: Buffer,
  start: number,
  end: number,
  value: Buffer,
  from: number,
  to: number,
  low: number,
  high: number,
): void {
  const { effects } = session.engine;
  if (!effects.active) return;
  beginSet(session, 5, key, start, end, value, from, to);
  effects.text("PXAT");
  effects.int64(low, high);
}

/** SET up to the value. @param count arguments in all */
function beginSet(
  session: Session,
  count: number,
  key: Buffer,
  start: number,
  end: number,
  value: Buffer,
  from: number,
  to: number,
): void {
  const { effects } = session.engine;
  effects.begin(session.db.index, count);
  effects.text("SET");
  effects.bytes(key, start, end);
  effects.bytes(value, from, to);
}

/** The field of the second argument, in the hash of the first, holds a text. @param keep fields have times, which stay */
export function tellField(session: Session, args: Args, text: Buffer, keep: boolean): void {
  const { effects } = session.engine;
  if (!effects.active) return;
  effects.begin(session.db.index, keep ? 7 : 4);
  effects.text(keep ? "HSETEX" : "HSET");
  effects.argument(args, 1);
  if (keep) {
    effects.text("KEEPTTL");
    effects.text("FIELDS");
    effects.text("1");
  }
  effects.argument(args, 2);
  effects.bytes(text, 0, text.length);
}

/**
 * The members of some arguments, in the key of the first, expire at a time, or live for ever again.
 * @param name of the command that does it
 * @param dueMs Unix time, or -1 if the command takes none
 * @param word that stands before the number of members
 */
export function tellMemberTimes(
  session: Session,
  args: Args,
  name: string,
  dueMs: number,
  word: string,
  members: readonly number[],
): void {
  const { effects } = session.engine;
  if (!effects.active) return;
  effects.begin(session.db.index, members.length + (dueMs === -1 ? 4 : 5));
  effects.text(name);
  effects.argument(args, 1);
  if (dueMs !== -1) effects.integer(dueMs);
  effects.text(word);
  effects.integer(members.length);
  for (const at of members) effects.argument(args, at);
}

/** The members of some arguments are gone from the key of the first. @param name of the command that removes them */
export function tellMembersGone(
  session: Session,
  args: Args,
  name: string,
  members: readonly number[],
): void {
  const { effects } = session.engine;
  if (!effects.active) return;
  effects.begin(session.db.index, members.length + 2);
  effects.text(name);
  effects.argument(args, 1);
  for (const at of members) effects.argument(args, at);
}

/**
 * Elements were popped from the key of an argument.
 * @param name of the command that pops from this one key
 * @param count how many, or 0 for one popped without a count
 */
export function tellPop(
  session: Session,
  args: Args,
  at: number,
  name: string,
  count: number,
): void {
  const { effects } = session.engine;
  if (!effects.active) return;
  effects.begin(session.db.index, count === 0 ? 2 : 3);
  effects.text(name);
  effects.argument(args, at);
  if (count > 0) effects.integer(count);
}

/** An element was moved from the list of the first argument to that of the second. */
export function tellMove(session: Session, args: Args, fromFront: boolean, toFront: boolean): void {
  const { effects } = session.engine;
  if (!effects.active) return;
  effects.begin(session.db.index, 5);
  effects.text("LMOVE");
  effects.argument(args, 1);
  effects.argument(args, 2);
  effects.text(fromFront ? "LEFT" : "RIGHT");
  effects.text(toFront ? "LEFT" : "RIGHT");
}

/** The fields of the arguments from `from` on are gone from the hash of the first. */
export function tellFieldsGone(session: Session, args: Args, from: number): void {
  const { effects } = session.engine;
  if (!effects.active) return;
  effects.begin(session.db.index, 2 + args.count - from);
  effects.text("HDEL");
  effects.argument(args, 1);
  for (let i = from; i < args.count; i++) effects.argument(args, i);
}
