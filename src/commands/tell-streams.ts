/**
 * What commands on streams tell the effect stream: ids that were made, trims as exact ones, pending entries with their
 * times and counts. Each function does nothing while nobody keeps effects.
 */
import { EFFECT_ARGUMENTS_MAX } from "../base/limits.ts";
import type { Args } from "../protocol/args.ts";
import type { StreamId } from "../structures/stream-id.ts";
import { STREAM_ID_DIGITS_MAX } from "../structures/stream-id.ts";
import type { StreamGroup } from "../types/stream-groups.ts";
import type { StreamPlace } from "../types/stream-place.ts";
import type { ReferencePolicy, ReferenceWatcher } from "../types/stream-references.ts";
import { ONLY_ACKNOWLEDGED } from "../types/stream-references.ts";
import type { Session } from "./session.ts";
import { stream, streamsOf } from "./stream-ids.ts";

/** Ids that one XCLAIM names: beside them it has twelve arguments. */
const IDS_MAX: number = EFFECT_ARGUMENTS_MAX - 12;

const digits = Buffer.alloc(STREAM_ID_DIGITS_MAX);

/** Where the arguments of XADD and XTRIM stand that are told in another form; 0 where there is none. */
export interface TrimPlaces {
  /** MAXLEN or MINID. */
  readonly strategyAt: number;
  readonly operatorAt: number;
  readonly thresholdAt: number;
  /** LIMIT, whose number follows. */
  readonly limitAt: number;
  readonly approximate: boolean;
  /** KEEPREF, DELREF or ACKED, which is never told: older servers do not know it. */
  readonly policyAt: number;
  readonly policy: ReferencePolicy;
}

/**
 * XADD or XTRIM with the id that was made, and a trim that gives what there is in the opened stream now, if the one of the
 * command may do something else elsewhere. An XADD that deletes acknowledged entries is told without a trim.
 * @param idAt index of XADD's id, or 0
 */
export function tellTrim(
  session: Session,
  args: Args,
  places: TrimPlaces,
  idAt: number,
  id: StreamId,
): void {
  const { effects } = session.engine;
  if (!effects.active) return;
  const { strategyAt, operatorAt, thresholdAt, approximate } = places;
  let count = 0;
  for (let i = 0; i < args.count; i++) if (!isLeftOut(places, i)) count++;
  effects.begin(session.db.index, count);
  for (let i = 0; i < args.count; i++) {
    if (isLeftOut(places, i)) continue;
    if (i === idAt && i > 0) effects.bytes(digits, 0, id.write(digits, 0));
    else if (!approximate || i === 0) effects.argument(args, i);
    else if (i === strategyAt) effects.text("MAXLEN");
    else if (i === operatorAt) effects.text("=");
    else if (i === thresholdAt) effects.integer(streamsOf(session).length(stream));
    else effects.argument(args, i);
  }
}

/** Whether an argument is not told. */
function isLeftOut(places: TrimPlaces, at: number): boolean {
  const { strategyAt, operatorAt, thresholdAt, limitAt, approximate, policyAt, policy } = places;
  if (at === 0) return false;
  if (at === policyAt) return true;
  const trims = policy !== ONLY_ACKNOWLEDGED;
  if (limitAt > 0 && (approximate || !trims) && (at === limitAt || at === limitAt + 1)) return true;
  return !trims && (at === strategyAt || at === operatorAt || at === thresholdAt);
}

/**
 * A pending entry, which the group's cursor is at, belongs to a consumer now.
 * @param groupAt index of the group's name, which the consumer's follows
 */
export function tellClaim(
  session: Session,
  args: Args,
  keyAt: number,
  groupAt: number,
  id: StreamId,
): void {
  const { effects } = session.engine;
  if (!effects.active) return;
  const { groups } = streamsOf(session);
  beginClaim(session, args, keyAt, groupAt, 1);
  effects.bytes(digits, 0, id.write(digits, 0));
  endClaim(session, groups.deliveredMs(), groups.deliveriesLow(), groups.deliveriesHigh());
}

/**
 * The next `count` entries of the opened stream from `from` on were delivered to a consumer, now and for the first time.
 * @param place where the group had stopped
 */
export function tellDelivery(
  session: Session,
  args: Args,
  keyAt: number,
  groupAt: number,
  from: StreamId,
  place: StreamPlace,
  count: number,
): void {
  const { effects, clock } = session.engine;
  if (!effects.active) return;
  const streams = streamsOf(session);
  const { walk } = streams;
  streams.beginFrom(stream, from, place);
  for (let left = count; left > 0;) {
    const ids = Math.min(left, IDS_MAX);
    beginClaim(session, args, keyAt, groupAt, ids);
    for (let i = 0; i < ids; i++) {
      walk.next();
      effects.bytes(digits, 0, walk.id.write(digits, 0));
    }
    endClaim(session, clock.nowMs, 1, 0);
    left -= ids;
  }
}

/** The last id that the group has seen, and how many entries it has read. */
export function tellGroupId(
  session: Session,
  args: Args,
  keyAt: number,
  groupAt: number,
  group: StreamGroup,
): void {
  const { effects } = session.engine;
  if (!effects.active) return;
  effects.begin(session.db.index, 7);
  effects.text("XGROUP");
  effects.text("SETID");
  effects.argument(args, keyAt);
  effects.argument(args, groupAt);
  effects.bytes(digits, 0, group.lastId.write(digits, 0));
  effects.text("ENTRIESREAD");
  effects.int64(group.readLow, group.readHigh);
}

/** The group has a consumer of that name now. The name stands behind the group's. */
export function tellConsumer(session: Session, args: Args, keyAt: number, groupAt: number): void {
  const { effects } = session.engine;
  if (!effects.active) return;
  effects.begin(session.db.index, 5);
  effects.text("XGROUP");
  effects.text("CREATECONSUMER");
  effects.argument(args, keyAt);
  effects.argument(args, groupAt);
  effects.argument(args, groupAt + 1);
}

/** An entry is not pending in the group any more. @param keyAt index of the stream's key */
export function tellAcknowledged(
  session: Session,
  args: Args,
  keyAt: number,
  group: StreamGroup,
  id: StreamId,
): void {
  const { effects } = session.engine;
  if (!effects.active) return;
  effects.begin(session.db.index, 4);
  effects.text("XACK");
  effects.argument(args, keyAt);
  effects.bytes(group.name, 0, group.name.length);
  effects.bytes(digits, 0, id.write(digits, 0));
}

/** Tells what happens to entries and groups of the stream whose key is the first argument; null while nobody keeps effects. */
export function referenceWatcher(session: Session, args: Args): ReferenceWatcher | null {
  return session.engine.effects.active ? watcherOf(session, args) : null;
}

function watcherOf(session: Session, args: Args): ReferenceWatcher {
  const { effects } = session.engine;
  return {
    deleted(id) {
      effects.begin(session.db.index, 3);
      effects.text("XDEL");
      effects.argument(args, 1);
      effects.bytes(digits, 0, id.write(digits, 0));
    },
    released(group, id) {
      tellAcknowledged(session, args, 1, group, id);
    },
  };
}

/** XCLAIM up to its ids, of which there are to be `ids`. */
function beginClaim(
  session: Session,
  args: Args,
  keyAt: number,
  groupAt: number,
  ids: number,
): void {
  const { effects } = session.engine;
  effects.begin(session.db.index, 5 + ids + 6);
  effects.text("XCLAIM");
  effects.argument(args, keyAt);
  effects.argument(args, groupAt);
  effects.argument(args, groupAt + 1);
  effects.integer(0);
}

function endClaim(session: Session, deliveredMs: number, low: number, high: number): void {
  const { effects } = session.engine;
  effects.text("TIME");
  effects.integer(deliveredMs);
  effects.text("RETRYCOUNT");
  effects.int64(low, high);
  effects.text("FORCE");
  effects.text("JUSTID");
}
