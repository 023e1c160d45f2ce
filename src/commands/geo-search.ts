/**
 * Searches around a place: GEOSEARCH, and the older GEORADIUS commands, which are the same with other words.
 *
 * What lies in the area is noted in columns: where the member is in the set, its score, its distance. They are sorted by an
 * order beside them, and the members are read from the set as the reply is written.
 */
import { changed } from "./changed.ts";
import { DEL, GEORADIUSSTORE, GEOSEARCHSTORE } from "../keyspace/key-events.ts";
import { int64, toNumber } from "../base/numbers.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { decode, decodeWithin, Point } from "../types/geo.ts";
import { GeoArea } from "../types/geo-area.ts";
import { Value } from "../types/value.ts";
import {
  doubleOrReply,
  pointOrReply,
  replyDistance,
  replyPoint,
  unitOrReply,
} from "./geo-values.ts";
import { int64OrReply, SYNTAX_ERROR, WRONG } from "./guards.ts";
import type { Session } from "./session.ts";
import {
  cursor,
  member,
  readOrReply,
  replaceKey,
  sortedSetsOf,
  zset,
} from "./sorted-set-values.ts";

// What kind of command it is, as bits.
/** The center and the radius stand at fixed places: a longitude and a latitude ... */
export const AROUND_POINT = 1;
/** ... or a member. */
export const AROUND_MEMBER = 2;
/** They follow words. */
export const SEARCH = 4;
/** The first argument is the key that takes the result. */
export const SEARCH_STORE = 8;
/** STORE and STOREDIST are no options. */
export const NO_STORE = 16;

const NO_MEMBER = "ERR could not decode requested zset member";
const UNSORTED = 0;
const ASCENDING = 1;
const DESCENDING = 2;

const area = new GeoArea();
const point = new Point();
const result = new Value();

// What was found.
const COLUMNS_FIRST = 256;
/** Longer columns than this are let go after the command. */
const COLUMNS_KEEP = 16384;
/** Up to this many rows are sorted by insertion: a comparing function called by the runtime takes longer. */
const INSERTION_MAX = 64;
let found = 0;
let places = new Int32Array(COLUMNS_FIRST);
let scores = new Float64Array(COLUMNS_FIRST);
let distances = new Float64Array(COLUMNS_FIRST);

/** The options of the command that runs. */
const options = {
  withDistance: false,
  withHash: false,
  withCoordinates: false,
  any: false,
  order: UNSORTED,
  /** 0: all. */
  count: 0,
  /** Index of the key that takes the result, 0: none. */
  storeAt: 0,
  storeDistance: false,
  fromMember: false,
  fromPoint: false,
  byRadius: false,
  byBox: false,
  /** Meters of the unit. */
  unit: 1,
};

/** Runs a command of a kind. */
export function search(session: Session, args: Args, kind: number, reply: Reply): void {
  const keyAt = (kind & SEARCH_STORE) === 0 ? 1 : 2;
  const entry = readOrReply(session, args, keyAt, reply);
  if (entry === WRONG) return;
  if (!areaOrReply(session, args, kind, entry, reply)) return;
  if (entry === NULL_REF) {
    if (options.storeAt === 0) return reply.array(0);
    const { db } = session;
    const at = options.storeAt;
    const old = db.find(args.bytes, args.start(at), args.end(at));
    if (old !== NULL_REF) {
      db.remove(old);
      changed(session, args, at, DEL);
    }
    return reply.integer(0);
  }
  const { count, any } = options;
  if (count !== 0 && options.order === UNSORTED && !any) options.order = ASCENDING;
  collect(session, any ? count : Infinity);
  const order = sortFound();
  const length = count === 0 ? found : Math.min(found, count);
  if (options.storeAt === 0) replyFound(session, reply, order, length);
  else storeFound(session, args, reply, order, length);
  if (places.length > COLUMNS_KEEP) resize(COLUMNS_FIRST);
}

// ---- arguments ----

/** Reads everything but the key into `area` and `options`; else answers an error. */
function areaOrReply(
  session: Session,
  args: Args,
  kind: number,
  entry: Ref,
  reply: Reply,
): boolean {
  options.withDistance = options.withHash = options.withCoordinates = options.any = false;
  options.order = UNSORTED;
  options.count = 0;
  options.storeAt = (kind & SEARCH_STORE) === 0 ? 0 : 1;
  options.storeDistance = false;
  options.fromMember = options.fromPoint = options.byRadius = options.byBox = false;
  let index = (kind & SEARCH_STORE) === 0 ? 2 : 3;
  if ((kind & AROUND_POINT) !== 0) {
    if (!centerOrReply(args, 2, reply) || !circleOrReply(args, 4, reply)) return false;
    index = 6;
  } else if ((kind & AROUND_MEMBER) !== 0) {
    if (entry !== NULL_REF) {
      if (!memberOrReply(session, args, 2, reply) || !circleOrReply(args, 3, reply)) return false;
    }
    index = 5;
  }
  while (index < args.count) {
    const words = optionOrReply(session, args, index, kind, entry, reply);
    if (words === 0) return false;
    index += words;
  }
  return checkOrReply(args, kind, reply);
}

/** Reads the option at `index`; returns how many arguments it takes, 0 after answering an error. */
function optionOrReply(
  session: Session,
  args: Args,
  index: number,
  kind: number,
  entry: Ref,
  reply: Reply,
): number {
  const left = args.count - index - 1;
  if (args.is(index, "WITHDIST")) options.withDistance = true;
  else if (args.is(index, "WITHHASH")) options.withHash = true;
  else if (args.is(index, "WITHCOORD")) options.withCoordinates = true;
  else if (args.is(index, "ANY")) options.any = true;
  else if (args.is(index, "ASC")) options.order = ASCENDING;
  else if (args.is(index, "DESC")) options.order = DESCENDING;
  else if (args.is(index, "COUNT") && left >= 1) {
    if (!int64OrReply(args, index + 1, reply)) return 0;
    options.count = toNumber(int64.low, int64.high);
    if (options.count > 0) return 2;
    reply.error("ERR COUNT must be > 0");
    return 0;
  } else if ((kind & SEARCH) !== 0) {
    return searchWordOrReply(session, args, index, kind, entry, reply);
  } else if ((kind & NO_STORE) === 0 && left >= 1 && isStore(args, index)) {
    options.storeAt = index + 1;
    options.storeDistance = args.is(index, "STOREDIST");
    return 2;
  } else {
    reply.error(SYNTAX_ERROR);
    return 0;
  }
  return 1;
}

function isStore(args: Args, index: number): boolean {
  return args.is(index, "STORE") || args.is(index, "STOREDIST");
}

/** The same for the words of GEOSEARCH alone. */
function searchWordOrReply(
  session: Session,
  args: Args,
  index: number,
  kind: number,
  entry: Ref,
  reply: Reply,
): number {
  const left = args.count - index - 1;
  if (args.is(index, "FROMMEMBER") && left >= 1 && !options.fromPoint) {
    // Of a missing key the rest of the line is still checked.
    if (entry !== NULL_REF && !memberOrReply(session, args, index + 1, reply)) return 0;
    options.fromMember = true;
    return 2;
  }
  if (args.is(index, "FROMLONLAT") && left >= 2 && !options.fromMember) {
    if (!centerOrReply(args, index + 1, reply)) return 0;
    options.fromPoint = true;
    return 3;
  }
  if (args.is(index, "BYRADIUS") && left >= 2 && !options.byBox) {
    if (!circleOrReply(args, index + 1, reply)) return 0;
    options.byRadius = true;
    return 3;
  }
  if (args.is(index, "BYBOX") && left >= 3 && !options.byRadius) {
    if (!boxOrReply(args, index + 1, reply)) return 0;
    options.byBox = true;
    return 4;
  }
  if (args.is(index, "STOREDIST") && (kind & SEARCH_STORE) !== 0) {
    options.storeDistance = true;
    return 1;
  }
  reply.error(SYNTAX_ERROR);
  return 0;
}

/** What the options must have together. */
function checkOrReply(args: Args, kind: number, reply: Reply): boolean {
  const { withDistance, withHash, withCoordinates, fromMember, fromPoint } = options;
  if (options.storeAt !== 0 && (withDistance || withHash || withCoordinates)) {
    const what = (kind & SEARCH_STORE) === 0 ? "STORE option in GEORADIUS" : "GEOSEARCHSTORE";
    reply.error(`ERR ${what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`);
    return false;
  }
  if ((kind & SEARCH) !== 0 && !fromMember && !fromPoint) {
    const name = args.text(0);
    reply.error(`ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ${name}`);
    return false;
  }
  if ((kind & SEARCH) !== 0 && !options.byRadius && !options.byBox) {
    const name = args.text(0);
    reply.error(`ERR exactly one of BYRADIUS and BYBOX can be specified for ${name}`);
    return false;
  }
  if (options.any && options.count === 0) {
    reply.error("ERR the ANY argument requires COUNT argument");
    return false;
  }
  return true;
}

function centerOrReply(args: Args, index: number, reply: Reply): boolean {
  if (!pointOrReply(args, index, point, reply)) return false;
  area.longitude = point.longitude;
  area.latitude = point.latitude;
  return true;
}

/** Makes a member of the set that is searched the center. */
function memberOrReply(session: Session, args: Args, index: number, reply: Reply): boolean {
  const sets = sortedSetsOf(session);
  if (!sets.find(zset, args.bytes, args.start(index), args.end(index))) {
    reply.error(NO_MEMBER);
    return false;
  }
  decode(sets.score, point);
  area.longitude = point.longitude;
  area.latitude = point.latitude;
  return true;
}

function circleOrReply(args: Args, index: number, reply: Reply): boolean {
  const radius = doubleOrReply(args, index, "ERR need numeric radius", reply);
  if (Number.isNaN(radius)) return false;
  if (radius < 0) {
    reply.error("ERR radius cannot be negative");
    return false;
  }
  const unit = unitOrReply(args, index + 1, reply);
  if (Number.isNaN(unit)) return false;
  area.isBox = false;
  area.radius = radius * unit;
  options.unit = unit;
  return true;
}

function boxOrReply(args: Args, index: number, reply: Reply): boolean {
  const width = doubleOrReply(args, index, "ERR need numeric width", reply);
  if (Number.isNaN(width)) return false;
  const height = doubleOrReply(args, index + 1, "ERR need numeric height", reply);
  if (Number.isNaN(height)) return false;
  if (width < 0 || height < 0) {
    reply.error("ERR height or width cannot be negative");
    return false;
  }
  const unit = unitOrReply(args, index + 2, reply);
  if (Number.isNaN(unit)) return false;
  area.isBox = true;
  area.width = width * unit;
  area.height = height * unit;
  options.unit = unit;
  return true;
}

// ---- finding ----

/** Notes what lies in the area, at most `limit` members. */
function collect(session: Session, limit: number): void {
  const sets = sortedSetsOf(session);
  found = 0;
  area.cover();
  for (let i = 0; i < area.ranges; i++) {
    const below = area.below[i]!;
    sets.seekScore(zset, area.from[i]!, cursor);
    for (; cursor.valid; sets.next(cursor)) {
      const score = sets.scoreAt(cursor);
      if (score >= below) break;
      if (!decodeWithin(score, area.bounds, point)) continue;
      const meters = area.distanceTo(point);
      if (meters < 0) continue;
      if (found === places.length) resize(found * 2);
      places[found] = cursor.block === NULL_REF ? cursor.entry : cursor.pos;
      scores[found] = score;
      distances[found] = meters;
      found++;
      if (found >= limit) return;
    }
  }
}

function resize(length: number): void {
  const oldPlaces = places;
  const oldScores = scores;
  const oldDistances = distances;
  places = new Int32Array(length);
  scores = new Float64Array(length);
  distances = new Float64Array(length);
  if (oldPlaces.length > length) return;
  places.set(oldPlaces);
  scores.set(oldScores);
  distances.set(oldDistances);
}

/** The rows of the columns in the order that is wanted; null for the order in which they were found. */
function sortFound(): Int32Array | null {
  if (options.order === UNSORTED) return null;
  const order = new Int32Array(found);
  for (let i = 0; i < found; i++) order[i] = i;
  const sign = options.order === ASCENDING ? 1 : -1;
  if (found <= INSERTION_MAX) return insertRows(order, sign);
  return order.sort((a, b) => sign * (distances[a]! - distances[b]!) || a - b);
}

/** Sorts few rows by their distance, those of one distance staying as they are. */
function insertRows(order: Int32Array, sign: number): Int32Array {
  for (let i = 1; i < found; i++) {
    const row = order[i]!;
    const distance = distances[row]! * sign;
    let to = i;
    for (; to > 0 && distances[order[to - 1]!]! * sign > distance; to--) order[to] = order[to - 1]!;
    order[to] = row;
  }
  return order;
}

/** Points `member` at the bytes of what was found in a row. */
function readMember(session: Session, row: number): void {
  // Where the cursor stands otherwise does not matter: it is not moved from here.
  if (cursor.block === NULL_REF) cursor.entry = places[row]! as Ref;
  else cursor.pos = places[row]!;
  sortedSetsOf(session).readMember(cursor, member);
}

// ---- answering ----

function replyFound(
  session: Session,
  reply: Reply,
  order: Int32Array | null,
  length: number,
): void {
  const { withDistance, withHash, withCoordinates } = options;
  const more = Number(withDistance) + Number(withHash) + Number(withCoordinates);
  reply.array(length);
  for (let i = 0; i < length; i++) {
    const row = order === null ? i : order[i]!;
    if (more > 0) reply.array(more + 1);
    readMember(session, row);
    reply.bulk(member.bytes, member.start, member.end);
    if (withDistance) replyDistance(reply, distances[row]! / options.unit);
    if (withHash) replyHash(reply, scores[row]!);
    if (withCoordinates) {
      decode(scores[row]!, point);
      replyPoint(reply, point.longitude, point.latitude);
    }
  }
}

/** A score without its fraction. */
function replyHash(reply: Reply, score: number): void {
  const whole = Math.trunc(score);
  if (Number.isSafeInteger(whole)) reply.integer(whole === 0 ? 0 : whole);
  // What no integer of 64 bits can hold becomes the smallest of them.
  else if (Math.abs(whole) >= 2 ** 63) reply.int64(0, -(2 ** 31));
  else reply.bigInteger(BigInt(whole));
}

function storeFound(
  session: Session,
  args: Args,
  reply: Reply,
  order: Int32Array | null,
  length: number,
): void {
  const sets = sortedSetsOf(session);
  sets.create(result);
  for (let i = 0; i < length; i++) {
    const row = order === null ? i : order[i]!;
    readMember(session, row);
    const score = options.storeDistance ? distances[row]! / options.unit : scores[row]!;
    sets.put(result, member.bytes, member.start, member.end, score);
  }
  const { storeAt } = options;
  replaceKey(session, args, storeAt, result, storeAt === 1 ? GEOSEARCHSTORE : GEORADIUSSTORE);
  // Redis counts each member as a change.
  if (length > 0) session.engine.keyspace.store.changes += length - 1;
  reply.integer(length);
}
