/** Commands that place members of a sorted set on the earth and say where they are. */
import { changed } from "./changed.ts";
import { ZADD } from "../keyspace/key-events.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { decode, distance, encode, Point, TEXT_LENGTH, writeText } from "../types/geo.ts";
import { TYPE_ZSET } from "../types/kinds.ts";
import { pointOrReply, replyDistance, replyPoint, UNIT_SYNTAX, unitOrReply } from "./geo-values.ts";
import { SYNTAX_ERROR, WRONG } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";
import { findOrReply, readOrReply, sortedSetsOf, zset } from "./sorted-set-values.ts";

const point = new Point();
const other = new Point();
const geohash = Buffer.alloc(TEXT_LENGTH);

function geoadd(session: Session, args: Args, reply: Reply): void {
  let nx = false;
  let xx = false;
  let ch = false;
  let from = 2;
  for (; from < args.count; from++) {
    if (args.is(from, "NX")) nx = true;
    else if (args.is(from, "XX")) xx = true;
    else if (args.is(from, "CH")) ch = true;
    else break;
  }
  if (from === args.count || (args.count - from) % 3 !== 0 || (nx && xx)) {
    return reply.error(SYNTAX_ERROR);
  }
  for (let i = from; i < args.count; i += 3) {
    if (!pointOrReply(args, i, point, reply)) return;
  }
  const { db } = session;
  const { store } = session.engine.keyspace;
  const sets = store.sortedSets;
  const entry = findOrReply(session, args, 1, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF) {
    if (xx) return reply.integer(0);
    sets.create(zset);
  }
  let added = 0;
  let updated = 0;
  for (let i = from; i < args.count; i += 3) {
    // Read again, which costs less than keeping all of them.
    pointOrReply(args, i, point, reply);
    const score = encode(point.longitude, point.latitude);
    const start = args.start(i + 2);
    const end = args.end(i + 2);
    if (!sets.find(zset, args.bytes, start, end)) {
      if (xx) continue;
      sets.insert(zset, args.bytes, start, end, score);
      added++;
    } else if (!nx && sets.score !== score) {
      sets.setScore(zset, args.bytes, start, end, score);
      updated++;
    }
  }
  if (entry === NULL_REF) db.create(args.bytes, args.start(1), args.end(1), TYPE_ZSET, zset);
  else db.save(entry, zset);
  changed(session, args, 1, ZADD, added + updated);
  reply.integer(ch ? added + updated : added);
}

function geodist(session: Session, args: Args, reply: Reply): void {
  if (args.count > 5) return reply.error(SYNTAX_ERROR);
  const unit = args.count === 5 ? unitOrReply(args, 4, reply) : 1;
  if (Number.isNaN(unit)) return;
  const entry = readOrReply(session, args, 1, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF || !findPoint(session, args, 2, point)) return reply.null();
  if (!findPoint(session, args, 3, other)) return reply.null();
  const { longitude, latitude } = point;
  replyDistance(reply, distance(longitude, latitude, other.longitude, other.latitude) / unit);
}

function geohashes(session: Session, args: Args, reply: Reply): void {
  const entry = readOrReply(session, args, 1, reply);
  if (entry === WRONG) return;
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) {
    if (entry === NULL_REF || !findPoint(session, args, i, point)) {
      reply.null();
      continue;
    }
    writeText(point, geohash);
    reply.bulk(geohash, 0, TEXT_LENGTH);
  }
}

function geopos(session: Session, args: Args, reply: Reply): void {
  const entry = readOrReply(session, args, 1, reply);
  if (entry === WRONG) return;
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) {
    if (entry === NULL_REF || !findPoint(session, args, i, point)) reply.nullArray();
    else replyPoint(reply, point.longitude, point.latitude);
  }
}

/** Where the member at `index` is; false if the set lacks it. */
function findPoint(session: Session, args: Args, index: number, out: Point): boolean {
  const sets = sortedSetsOf(session);
  if (!sets.find(zset, args.bytes, args.start(index), args.end(index))) return false;
  decode(sets.score, out);
  return true;
}

export const geoRows: readonly CommandRow[] = [
  {
    name: "geoadd",
    memberAt: -1,
    arity: -5,
    flags: "write denyoom",
    keys: oneKey("RW update"),
    since: "3.2.0",
    group: "geo",
    summary: "Places members on the earth, by longitude and latitude.",
    complexity: "O(log(N)) for each member, where N is the number of members in the set.",
    syntax:
      "key:key [condition:<nx:NX|xx:XX>@6.2.0] [change:CH@6.2.0] " +
      "data:(longitude:double latitude:double member:string)...",
    history: [["6.2.0", "The options `CH`, `NX` and `XX`."]],
    handler: geoadd,
  },
  {
    name: "geodist",
    arity: -4,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "3.2.0",
    group: "geo",
    summary: "Returns the distance between two members.",
    complexity: "O(1)",
    syntax: `key:key member1:string member2:string [${UNIT_SYNTAX}]`,
    handler: geodist,
  },
  {
    name: "geohash",
    memberAt: 2,
    arity: -2,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "3.2.0",
    group: "geo",
    summary: "Returns the places of members as geohash strings.",
    complexity: "O(M) where M is the number of members asked for.",
    syntax: "key:key [member:string...]",
    handler: geohashes,
  },
  {
    name: "geopos",
    memberAt: 2,
    arity: -2,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "3.2.0",
    group: "geo",
    summary: "Returns the longitudes and latitudes of members.",
    complexity: "O(M) where M is the number of members asked for.",
    syntax: "key:key [member:string...]",
    handler: geopos,
  },
];
