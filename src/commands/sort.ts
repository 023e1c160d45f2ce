/** SORT and SORT_RO: the elements of a list, a set or a sorted set in order, or what keys named after them hold. */
import { changed } from "./changed.ts";
import { DEL, SORTSTORE } from "../keyspace/key-events.ts";
import { int64, isSafe, toNumber } from "../base/numbers.ts";
import { Slice } from "../base/slice.ts";
import type { Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_LIST, TYPE_SET, TYPE_ZSET } from "../types/kinds.ts";
import { SortedSetCursor } from "../types/sorted-set-cursor.ts";
import { Value } from "../types/value.ts";
import { int64OrReply, SYNTAX_ERROR, WRONG_TYPE } from "./guards.ts";
import { mayReadEveryKey } from "./permission.ts";
import type { CommandRow, KeySpec } from "./row.ts";
import type { Session } from "./session.ts";
import { SortElements, sortScore } from "./sort-elements.ts";
import { sortIntegers } from "./sort-numbers.ts";
import { SortPattern } from "./sort-pattern.ts";

interface Options {
  descending: boolean;
  /** By their bytes, not as numbers. */
  alpha: boolean;
  /** LIMIT; a negative count is no limit. */
  offset: number;
  limit: number;
  by: SortPattern | null;
  /** A BY named no key. */
  unsorted: boolean;
  readonly gets: SortPattern[];
  /** Index of the key to store the result under, or 0. */
  storeAt: number;
}

const value = new Value();
const stored = new Value();
const cursor = new SortedSetCursor();
const element = new Slice();
const text = new Slice();

function sort(session: Session, args: Args, reply: Reply): void {
  sortKey(session, args, true, reply);
}

function sortReadOnly(session: Session, args: Args, reply: Reply): void {
  sortKey(session, args, false, reply);
}

function sortKey(session: Session, args: Args, mayStore: boolean, reply: Reply): void {
  const options = optionsOrReply(session, args, mayStore, reply);
  if (options === null) return;
  const { store } = session.engine.keyspace;
  const entry = session.db.read(args.bytes, args.start(1), args.end(1));
  const type = entry === NULL_REF ? TYPE_LIST : store.entries.type(entry);
  if (type !== TYPE_LIST && type !== TYPE_SET && type !== TYPE_ZSET) {
    return reply.error(WRONG_TYPE);
  }
  const elements = load(session, entry, type, options);
  const order = orderOf(session, elements, type, options);
  if (order === null) {
    return reply.error("ERR One or more scores can't be converted into double");
  }
  const { count } = elements;
  const first = Math.min(Math.max(options.offset, 0), count);
  const end = options.limit < 0 ? count : Math.min(first + options.limit, count);
  if (options.storeAt === 0) answer(session, elements, order.subarray(first, end), options, reply);
  else storeResult(session, args, elements, order.subarray(first, end), options, reply);
}

/** The options from argument 2 on; else answers an error and returns null. */
function optionsOrReply(
  session: Session,
  args: Args,
  mayStore: boolean,
  reply: Reply,
): Options | null {
  const options: Options = {
    descending: false,
    alpha: false,
    offset: 0,
    limit: -1,
    by: null,
    unsorted: false,
    gets: [],
    storeAt: 0,
  };
  for (let i = 2; i < args.count; i++) {
    const left = args.count - i - 1;
    if (args.is(i, "ASC")) {
      options.descending = false;
    } else if (args.is(i, "DESC")) {
      options.descending = true;
    } else if (args.is(i, "ALPHA")) {
      options.alpha = true;
    } else if (args.is(i, "LIMIT") && left >= 2) {
      if (!int64OrReply(args, ++i, reply)) return null;
      options.offset = toNumber(int64.low, int64.high);
      if (!int64OrReply(args, ++i, reply)) return null;
      options.limit = toNumber(int64.low, int64.high);
    } else if (args.is(i, "STORE") && left >= 1 && mayStore) {
      options.storeAt = ++i;
    } else if (args.is(i, "BY") && left >= 1) {
      options.by = new SortPattern(args, ++i);
      if (options.by.isConstant) options.unsorted = true;
      else if (!mayReadEveryKey(session, args)) return deny("BY", reply);
    } else if (args.is(i, "GET") && left >= 1) {
      options.gets.push(new SortPattern(args, ++i));
      if (!mayReadEveryKey(session, args)) return deny("GET", reply);
    } else {
      reply.error(SYNTAX_ERROR);
      return null;
    }
  }
  return options;
}

/** Nobody can say beforehand which keys a pattern reads. */
function deny(option: string, reply: Reply): null {
  reply.error(`ERR ${option} option of SORT denied due to insufficient ACL permissions.`);
  return null;
}

/** Whether elements stay in the order that they have. A set that is stored has none, and is sorted. */
function staysInOrder(type: number, options: Options): boolean {
  return options.unsorted && !(type === TYPE_SET && options.storeAt !== 0);
}

/** Copies the elements; those that stay in order already in the direction that is asked for. */
function load(session: Session, entry: Ref, type: number, options: Options): SortElements {
  if (entry === NULL_REF) return new SortElements(0);
  const { lists, sets, sortedSets } = session.engine.keyspace.store;
  session.db.load(entry, value);
  const backward = options.descending && staysInOrder(type, options);
  const asNumbers = !options.alpha;
  if (type === TYPE_LIST) {
    const elements = new SortElements(lists.length(value));
    for (let more = lists.seek(value, backward ? -1 : 0); more; more = lists.step(!backward)) {
      if (asNumbers && lists.readInteger() && isSafe(int64.high)) {
        elements.addInteger(toNumber(int64.low, int64.high));
      } else {
        lists.read(element);
        elements.add(element);
      }
    }
    return elements;
  }
  if (type === TYPE_SET) {
    const elements = new SortElements(sets.length(value));
    const { walk } = sets;
    walk.begin(value);
    while (walk.next()) {
      if (asNumbers && walk.isInteger && isSafe(walk.high)) {
        elements.addInteger(toNumber(walk.low, walk.high));
      } else {
        elements.add(walk.member);
      }
    }
    return elements;
  }
  const count = sortedSets.length(value);
  const elements = new SortElements(count);
  sortedSets.seek(value, backward ? count - 1 : 0, cursor);
  while (cursor.valid) {
    sortedSets.readMember(cursor, element);
    elements.add(element);
    if (backward) sortedSets.prev(cursor);
    else sortedSets.next(cursor);
  }
  return elements;
}

/** The indexes of the elements in order, or null if one of them should be a number and is none. */
function orderOf(
  session: Session,
  elements: SortElements,
  type: number,
  options: Options,
): Uint32Array | null {
  const { count } = elements;
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  if (staysInOrder(type, options)) return order;
  const sign = options.descending ? -1 : 1;
  const by = options.unsorted ? null : options.by;
  if (options.alpha || options.unsorted) {
    const texts = by === null ? elements : readTexts(session, elements, by);
    // The order of a set is chance, and what is stored of it must not be.
    const settles = type === TYPE_SET && texts !== elements;
    return order.sort(
      (a, b) => sign * (texts.compare(a, b) || (settles ? elements.compare(a, b) : 0)),
    );
  }
  const scores = by === null ? elements.scores() : readScores(session, elements, by);
  if (scores === null) return null;
  const settle = (a: number, b: number): number => sign * elements.compare(a, b);
  if (sortIntegers(order, scores, sign, settle)) return order;
  return order.sort((a, b) => {
    const scoreA = scores[a]!;
    const scoreB = scores[b]!;
    if (scoreA !== scoreB) return scoreA < scoreB ? -sign : sign;
    return settle(a, b);
  });
}

/** What the pattern gives for each element. */
function readTexts(session: Session, elements: SortElements, by: SortPattern): SortElements {
  const texts = new SortElements(elements.count);
  for (let i = 0; i < elements.count; i++) {
    elements.read(i, element);
    if (by.read(session, element, text)) texts.add(text);
    else texts.addNone();
  }
  return texts;
}

/** What the pattern gives for each element as a number, 0 where that is nothing; null if one is no number. */
function readScores(
  session: Session,
  elements: SortElements,
  by: SortPattern,
): Float64Array | null {
  const scores = new Float64Array(elements.count);
  let allNumbers = true;
  for (let i = 0; i < elements.count; i++) {
    elements.read(i, element);
    if (by.read(session, element, text)) scores[i] = sortScore(text);
    if (Number.isNaN(scores[i])) allNumbers = false;
  }
  return allNumbers ? scores : null;
}

function answer(
  session: Session,
  elements: SortElements,
  order: Uint32Array,
  options: Options,
  reply: Reply,
): void {
  const { gets } = options;
  reply.array(order.length * Math.max(1, gets.length));
  for (const index of order) {
    if (gets.length === 0) {
      elements.reply(index, reply);
      continue;
    }
    elements.read(index, element);
    for (const get of gets) {
      if (get.read(session, element, text)) reply.bulk(text.bytes, text.start, text.end);
      else reply.null();
    }
  }
}

/** Stores the result as a list and answers its length; an empty one deletes the key. */
function storeResult(
  session: Session,
  args: Args,
  elements: SortElements,
  order: Uint32Array,
  options: Options,
  reply: Reply,
): void {
  const { db } = session;
  const { lists } = session.engine.keyspace.store;
  const { gets, storeAt } = options;
  // What the patterns give is copied before it goes into the list: it may lie in memory that moves.
  const result = gets.length === 0 ? elements : new SortElements(order.length * gets.length);
  for (const index of gets.length === 0 ? [] : order) {
    elements.read(index, element);
    for (const get of gets) {
      if (get.read(session, element, text)) result.add(text);
      else result.addNone();
    }
  }
  const length = gets.length === 0 ? order.length : result.count;
  const start = args.start(storeAt);
  const end = args.end(storeAt);
  if (length > 0) lists.create(stored);
  for (let i = 0; i < length; i++) {
    result.read(gets.length === 0 ? order[i]! : i, element);
    lists.grow(stored, 1, element.length);
    lists.push(stored, false, element.bytes, element.start, element.end);
  }
  const old = db.find(args.bytes, start, end);
  if (old !== NULL_REF) db.remove(old);
  if (length > 0) {
    db.create(args.bytes, start, end, TYPE_LIST, stored, old === NULL_REF);
    changed(session, args, storeAt, SORTSTORE, length);
  } else if (old !== NULL_REF) {
    changed(session, args, storeAt, DEL);
  }
  reply.integer(length);
}

const KEYS: readonly KeySpec[] = [
  { flags: "RO access", begin: 1, find: { last: 0, step: 1 } },
  {
    flags: "RO access",
    begin: "unknown",
    find: "unknown",
    notes: "The keys that BY and GET read are named after the elements.",
  },
];

/** The last STORE counts, as when the command runs. */
function destination(args: Args, from: number): number {
  let at = 0;
  for (let i = from + 2; i < args.count; i++) {
    const left = args.count - i - 1;
    if (args.is(i, "LIMIT") && left >= 2) i += 2;
    else if ((args.is(i, "BY") || args.is(i, "GET")) && left >= 1) i++;
    else if (args.is(i, "STORE") && left >= 1) at = ++i;
  }
  return at;
}

const DESTINATION: KeySpec = {
  flags: "OW update",
  begin: "unknown",
  find: "unknown",
  locate: destination,
  notes: "STORE may stand anywhere among the options.",
};
const SYNTAX =
  "key:key [BY by-pattern:pattern#1/pattern] [LIMIT limit:(offset:integer count:integer)] " +
  "[GET get-pattern:pattern#1/pattern+...] [order:<asc:ASC|desc:DESC>] [sorting:ALPHA]";
const COMMON = {
  arity: -2,
  group: "generic",
  complexity:
    "O(N+M*log(M)) where N is the number of elements of the key and M the number of elements returned. O(N) where they " +
    "are not sorted.",
  categories: "-keyspace set sortedset list dangerous",
} as const;

export const sortRows: readonly CommandRow[] = [
  {
    ...COMMON,
    name: "sort",
    flags: "write denyoom movablekeys",
    keys: [...KEYS, DESTINATION],
    since: "1.0.0",
    summary: "Sorts the elements of a list, a set or a sorted set, and returns or stores them.",
    syntax: `${SYNTAX} [STORE destination:key#2]`,
    handler: sort,
  },
  {
    ...COMMON,
    name: "sort_ro",
    flags: "readonly movablekeys",
    keys: KEYS,
    since: "7.0.0",
    summary: "Sorts the elements of a list, a set or a sorted set, and returns them.",
    syntax: SYNTAX,
    handler: sortReadOnly,
  },
];
