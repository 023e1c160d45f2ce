/** Unions, intersections and differences of sorted sets and sets, whose members all have the score 1. */
import { ZDIFFSTORE, ZINTERSTORE, ZUNIONSTORE } from "../keyspace/key-events.ts";
import type { KeyEvent } from "../keyspace/key-events.ts";
import { parseDouble } from "../base/doubles.ts";
import { int64, toNumber } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { ENCODING_SKIPLIST, TYPE_SET, TYPE_ZSET } from "../types/kinds.ts";
import type { SetWalk } from "../types/set-walk.ts";
import { SortedSetCursor } from "../types/sorted-set-cursor.ts";
import { Value } from "../types/value.ts";
import { int64OrReply, SYNTAX_ERROR, WRONG_TYPE } from "./guards.ts";
import type { CommandRow, KeySpec } from "./row.ts";
import type { Session } from "./session.ts";
import { countOrReply, replaceKey, replyRange } from "./sorted-set-values.ts";

const UNION = 0;
const INTERSECTION = 1;
const DIFFERENCE = 2;

type Aggregate = (a: number, b: number) => number;

const AGGREGATES: readonly (readonly [string, Aggregate])[] = [
  // Two infinities that cancel each other out are 0.
  ["SUM", (a, b) => a + b || zeroOf(a + b)],
  ["MIN", (a, b) => (b < a ? b : a)],
  ["MAX", (a, b) => (b > a ? b : a)],
];

/** One input: a sorted set, a set, or nothing. */
interface Source {
  type: number;
  readonly value: Value;
  length: number;
  weight: number;
}

/** Sources for more keys than this are let go after the command. */
const POOL_MAX = 64;
const NO_TYPE = -1;

/** One command of this kind at a time, which is how commands run. */
const pool: Source[] = [];
const sources: Source[] = [];
const query = { aggregate: AGGREGATES[0]![1], withScores: false, limit: 0 };
const result = new Value();
/** A negative zero was put into the result while that was packed. */
let hasLostSign = false;
const cursor = new SortedSetCursor();
const member = new Slice();
let walk: SetWalk | null = null;
let walkOwner: unknown = null;

// ---- arguments ----

/**
 * Reads the keys and the options; else answers an error.
 * @param countAt index of the number of keys, which follow it
 * @param scores whether WITHSCORES may be asked for
 * @param card whether only a number is wanted
 */
function sourcesOrReply(
  session: Session,
  args: Args,
  countAt: number,
  operation: number,
  scores: boolean,
  card: boolean,
  reply: Reply,
): boolean {
  if (!int64OrReply(args, countAt, reply)) return false;
  const keys = toNumber(int64.low, int64.high);
  if (keys < 1) {
    const name = args.text(0).toLowerCase();
    reply.error(`ERR at least 1 input key is needed for '${name}' command`);
    return false;
  }
  if (keys > args.count - countAt - 1) {
    reply.error(SYNTAX_ERROR);
    return false;
  }
  sources.length = 0;
  if (pool.length > POOL_MAX) pool.length = POOL_MAX;
  for (let i = 0; i < keys; i++) {
    if (!openSource(session, args, countAt + 1 + i)) {
      reply.error(WRONG_TYPE);
      return false;
    }
  }
  return optionsOrReply(args, countAt + 1 + keys, operation, scores, card, reply);
}

/** Adds what the key at `index` holds to the sources; false if it is neither set nor sorted set. */
function openSource(session: Session, args: Args, index: number): boolean {
  const { db } = session;
  const { store } = session.engine.keyspace;
  const source = (pool[sources.length] ??= {
    type: NO_TYPE,
    value: new Value(),
    length: 0,
    weight: 1,
  });
  sources.push(source);
  source.type = NO_TYPE;
  source.length = 0;
  source.weight = 1;
  const entry = db.read(args.bytes, args.start(index), args.end(index));
  if (entry === NULL_REF) return true;
  source.type = store.entries.type(entry);
  if (source.type !== TYPE_ZSET && source.type !== TYPE_SET) return false;
  db.load(entry, source.value);
  source.length = store.collections[source.type]!.length(source.value);
  return true;
}

function optionsOrReply(
  args: Args,
  from: number,
  operation: number,
  scores: boolean,
  card: boolean,
  reply: Reply,
): boolean {
  query.aggregate = AGGREGATES[0]![1];
  query.withScores = false;
  query.limit = 0;
  const weighs = operation !== DIFFERENCE && !card;
  for (let i = from; i < args.count;) {
    const left = args.count - i;
    if (weighs && left > sources.length && args.is(i, "WEIGHTS")) {
      for (let k = 0; k < sources.length; k++) {
        const weight = parseDouble(args.bytes, args.start(i + 1 + k), args.end(i + 1 + k));
        if (Number.isNaN(weight)) {
          reply.error("ERR weight value is not a float");
          return false;
        }
        sources[k]!.weight = weight;
      }
      i += 1 + sources.length;
    } else if (weighs && left >= 2 && args.is(i, "AGGREGATE")) {
      const chosen = AGGREGATES.find(([name]) => args.is(i + 1, name));
      if (chosen === undefined) {
        reply.error(SYNTAX_ERROR);
        return false;
      }
      query.aggregate = chosen[1];
      i += 2;
    } else if (scores && args.is(i, "WITHSCORES")) {
      query.withScores = true;
      i++;
    } else if (card && left >= 2 && args.is(i, "LIMIT")) {
      query.limit = countOrReply(args, i + 1, 0, "ERR LIMIT can't be negative", reply);
      if (Number.isNaN(query.limit)) return false;
      i += 2;
    } else {
      reply.error(SYNTAX_ERROR);
      return false;
    }
  }
  return true;
}

// ---- the result ----

/** Makes `result` what the operation makes of the sources. */
function compute(session: Session, operation: number): void {
  const { sortedSets } = session.engine.keyspace.store;
  const byLength = (a: Source, b: Source): number => a.length - b.length;
  // The order in which scores are added up is Redis's, down to the last bit of the sum.
  if (operation !== DIFFERENCE) sources.sort(byLength);
  const longest = operation === UNION ? sources.at(-1)!.length : 0;
  hasLostSign = false;
  sortedSets.create(result, longest);
  fill(session, operation);
  if (!hasLostSign || result.encoding !== ENCODING_SKIPLIST) return;
  // In Redis a result is packed at the end only: what has grown too large for that never was.
  const { reclaimer, store } = session.engine.keyspace;
  reclaimer.freeCollection(sortedSets, result);
  sortedSets.create(result, store.kit.limits.zsetMaxListpackEntries + 1);
  fill(session, operation);
}

function fill(session: Session, operation: number): void {
  const { sortedSets } = session.engine.keyspace.store;
  if (operation !== UNION) {
    each(session, sources[0]!, operation === INTERSECTION ? addCommon : addOwn);
    return;
  }
  // Members of a large union are put in order when they have their last scores.
  const isLoose = result.encoding === ENCODING_SKIPLIST;
  for (const source of sources) each(session, source, isLoose ? addLoose : addUnion);
  if (isLoose) sortedSets.arrange(result);
}

/** Calls `use` with the score of each member of a source, which stands in `member`; ends when it returns false. */
function each(
  session: Session,
  source: Source,
  use: (session: Session, source: Source, score: number) => boolean,
): void {
  const { store } = session.engine.keyspace;
  if (source.length === 0) return;
  if (source.type === TYPE_ZSET) {
    const { sortedSets } = store;
    for (sortedSets.seek(source.value, 0, cursor); cursor.valid; sortedSets.next(cursor)) {
      sortedSets.readMember(cursor, member);
      if (!use(session, source, sortedSets.scoreAt(cursor))) return;
    }
    return;
  }
  if (walk === null || walkOwner !== store) {
    walk = store.sets.newWalk();
    walkOwner = store;
  }
  walk.begin(source.value);
  while (walk.next()) {
    const { bytes, start, end } = walk.member;
    member.set(bytes, start, end);
    if (!use(session, source, 1)) return;
  }
}

function addUnion(session: Session, source: Source, score: number): boolean {
  const { sortedSets } = session.engine.keyspace.store;
  const { bytes, start, end } = member;
  const weighted = source.weight * score || zeroOf(source.weight * score);
  if (sortedSets.find(result, bytes, start, end)) {
    const sum = query.aggregate(sortedSets.score, weighted);
    noteSign(sum);
    if (sum !== sortedSets.score) sortedSets.setScore(result, bytes, start, end, sum);
  } else {
    noteSign(weighted);
    sortedSets.insert(result, bytes, start, end, weighted);
  }
  return true;
}

/** The same for a result that is put in order at the end. */
function addLoose(session: Session, source: Source, score: number): boolean {
  const { sortedSets } = session.engine.keyspace.store;
  const { bytes, start, end } = member;
  const weighted = source.weight * score || zeroOf(source.weight * score);
  if (sortedSets.find(result, bytes, start, end)) {
    sortedSets.setLooseScore(query.aggregate(sortedSets.score, weighted));
  } else {
    sortedSets.insertLoose(result, bytes, start, end, weighted);
  }
  return true;
}

function addCommon(session: Session, source: Source, score: number): boolean {
  const common = commonScore(session, source, score);
  if (!Number.isNaN(common)) append(session, common);
  return true;
}

/** The score of `member` in the intersection, or NaN if not all have it. */
function commonScore(session: Session, source: Source, score: number): number {
  let sum = source.weight * score;
  sum = sum || zeroOf(sum);
  for (let i = 1; i < sources.length; i++) {
    const other = sources[i]!;
    const own = scoreIn(session, other);
    if (Number.isNaN(own)) return NaN;
    const weighted = other.weight * own;
    sum = query.aggregate(sum, weighted || zeroOf(weighted));
  }
  return sum;
}

function addOwn(session: Session, _source: Source, score: number): boolean {
  for (let i = 1; i < sources.length; i++) {
    if (!Number.isNaN(scoreIn(session, sources[i]!))) return true;
  }
  append(session, score);
  return true;
}

/** Adds `member`, which is not in the result yet. */
function append(session: Session, score: number): void {
  const { sortedSets } = session.engine.keyspace.store;
  const { bytes, start, end } = member;
  noteSign(score);
  sortedSets.find(result, bytes, start, end);
  sortedSets.insert(result, bytes, start, end, score);
}

/** A packed set keeps no sign of a zero. */
function noteSign(score: number): void {
  if (Object.is(score, -0) && result.encoding !== ENCODING_SKIPLIST) hasLostSign = true;
}

/** The score of `member` in a source, or NaN. */
function scoreIn(session: Session, source: Source): number {
  const { sortedSets, sets } = session.engine.keyspace.store;
  const { bytes, start, end } = member;
  if (source.length === 0) return NaN;
  if (source.type === TYPE_SET) return sets.has(source.value, bytes, start, end) ? 1 : NaN;
  return sortedSets.find(source.value, bytes, start, end) ? sortedSets.score : NaN;
}

/** A zero as it is, and 0 for what is no number: an infinite score with the weight 0. */
function zeroOf(score: number): number {
  return Number.isNaN(score) ? 0 : score;
}

// ---- commands ----

function answer(session: Session, args: Args, operation: number, reply: Reply): void {
  if (!sourcesOrReply(session, args, 1, operation, true, false, reply)) return;
  compute(session, operation);
  const { store, reclaimer } = session.engine.keyspace;
  const length = store.sortedSets.length(result);
  replyRange(reply, store.sortedSets, result, 0, length, false, query.withScores);
  reclaimer.freeCollection(store.sortedSets, result);
}

function storeResult(
  session: Session,
  args: Args,
  operation: number,
  event: KeyEvent,
  reply: Reply,
): void {
  if (!sourcesOrReply(session, args, 2, operation, false, false, reply)) return;
  compute(session, operation);
  reply.integer(replaceKey(session, args, 1, result, event));
}

function zunion(session: Session, args: Args, reply: Reply): void {
  answer(session, args, UNION, reply);
}

function zinter(session: Session, args: Args, reply: Reply): void {
  answer(session, args, INTERSECTION, reply);
}

function zdiff(session: Session, args: Args, reply: Reply): void {
  answer(session, args, DIFFERENCE, reply);
}

function zunionstore(session: Session, args: Args, reply: Reply): void {
  storeResult(session, args, UNION, ZUNIONSTORE, reply);
}

function zinterstore(session: Session, args: Args, reply: Reply): void {
  storeResult(session, args, INTERSECTION, ZINTERSTORE, reply);
}

function zdiffstore(session: Session, args: Args, reply: Reply): void {
  storeResult(session, args, DIFFERENCE, ZDIFFSTORE, reply);
}

let counted = 0;

function countCommon(session: Session, source: Source, score: number): boolean {
  if (!Number.isNaN(commonScore(session, source, score))) counted++;
  return query.limit === 0 || counted < query.limit;
}

function zintercard(session: Session, args: Args, reply: Reply): void {
  if (!sourcesOrReply(session, args, 1, INTERSECTION, false, true, reply)) return;
  sources.sort((a, b) => a.length - b.length);
  counted = 0;
  each(session, sources[0]!, countCommon);
  reply.integer(counted);
}

// ---- rows ----

const READ: readonly KeySpec[] = [
  { flags: "RO access", begin: 1, find: { countAt: 0, firstKey: 1, step: 1 } },
];
const STORE: readonly KeySpec[] = [
  { flags: "OW update", begin: 1, find: { last: 0, step: 1 } },
  { flags: "RO access", begin: 2, find: { countAt: 0, firstKey: 1, step: 1 } },
];
const WEIGHTS = "[WEIGHTS weight:integer...]";
const AGGREGATE = "[AGGREGATE aggregate:<sum:SUM|min:MIN|max:MAX>]";
const SCORES = "[withscores:WITHSCORES]";
const MADE = "with M members in the result.";
const UNION_COMPLEXITY = `O(N)+O(M*log(M)) where N is the number of members of all sets, ${MADE}`;
const INTERSECTION_COMPLEXITY = `O(N*K)+O(M*log(M)) where N is the size of the smallest of K sets, ${MADE}`;
const DIFFERENCE_COMPLEXITY = `O(N*K)+O(M*log(M)) where N is the size of the first of K sets, ${MADE}`;

type Described = Pick<CommandRow, "name" | "since" | "summary" | "complexity" | "handler">;

function reader(row: Described, options: string): CommandRow {
  return {
    ...row,
    arity: -3,
    flags: "readonly movablekeys",
    keys: READ,
    group: "sorted-set",
    syntax: `numkeys:integer key:key... ${options}`,
  };
}

function storer(row: Described, options: string): CommandRow {
  return {
    ...row,
    arity: -4,
    flags: "write denyoom movablekeys",
    keys: STORE,
    group: "sorted-set",
    syntax: `destination:key numkeys:integer key:key#1... ${options}`,
  };
}

export const sortedSetAlgebraRows: readonly CommandRow[] = [
  reader(
    {
      name: "zunion",
      since: "6.2.0",
      summary: "Returns the members that any of several sorted sets has.",
      complexity: UNION_COMPLEXITY,
      handler: zunion,
    },
    `${WEIGHTS} ${AGGREGATE} ${SCORES}`,
  ),
  reader(
    {
      name: "zinter",
      since: "6.2.0",
      summary: "Returns the members that all of several sorted sets have.",
      complexity: INTERSECTION_COMPLEXITY,
      handler: zinter,
    },
    `${WEIGHTS} ${AGGREGATE} ${SCORES}`,
  ),
  reader(
    {
      name: "zdiff",
      since: "6.2.0",
      summary: "Returns the members that the first of several sorted sets has alone.",
      complexity: DIFFERENCE_COMPLEXITY,
      handler: zdiff,
    },
    SCORES,
  ),
  storer(
    {
      name: "zunionstore",
      since: "2.0.0",
      summary: "Makes a sorted set of the members that any of several sorted sets has.",
      complexity: UNION_COMPLEXITY,
      handler: zunionstore,
    },
    `${WEIGHTS} ${AGGREGATE}`,
  ),
  storer(
    {
      name: "zinterstore",
      since: "2.0.0",
      summary: "Makes a sorted set of the members that all of several sorted sets have.",
      complexity: INTERSECTION_COMPLEXITY,
      handler: zinterstore,
    },
    `${WEIGHTS} ${AGGREGATE}`,
  ),
  storer(
    {
      name: "zdiffstore",
      since: "6.2.0",
      summary: "Makes a sorted set of the members that the first of several sorted sets has alone.",
      complexity: DIFFERENCE_COMPLEXITY,
      handler: zdiffstore,
    },
    "",
  ),
  reader(
    {
      name: "zintercard",
      since: "7.0.0",
      summary: "Counts the members that all of several sorted sets have.",
      complexity: "O(N*K) where N is the size of the smallest of K sets.",
      handler: zintercard,
    },
    "[LIMIT limit:integer]",
  ),
];
