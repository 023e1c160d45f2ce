/** LPOS: where in a list certain elements are. */
import { int64 } from "../base/numbers.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { TYPE_LIST } from "../types/kinds.ts";
import { Value } from "../types/value.ts";
import { NOT_AN_INTEGER, openOrReply, SYNTAX_ERROR, WRONG } from "./guards.ts";
import { numberAt } from "./lists-elements.ts";
import type { CommandRow } from "./row.ts";
import { oneKey } from "./row.ts";
import type { Session } from "./session.ts";

const ARRAY = 0x2a;
const RANK_ZERO =
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list";
const RANK_OUT_OF_RANGE =
  "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807";

const list = new Value();
/** What the options say: the last call of `parseOptionsOrReply`. */
const options = {
  /** The first match to report, counted from the end where it is negative. */
  rank: 1,
  /** Matches to report, 0 for all, -1 for one that is not in an array. */
  count: -1,
  /** Elements to look at, 0 for all. */
  lookedMax: 0,
};

function lpos(session: Session, args: Args, reply: Reply): void {
  if (!parseOptionsOrReply(args, reply)) return;
  const { rank, count } = options;
  const found = session.db.read(args.bytes, args.start(1), args.end(1));
  const entry = openOrReply(session, found, TYPE_LIST, list, reply);
  if (entry === WRONG) return;
  if (entry === NULL_REF) return count === -1 ? reply.null() : reply.array(0);
  const { lists } = session.engine.keyspace.store;
  const { bytes } = args;
  const start = args.start(2);
  const end = args.end(2);
  const forward = rank > 0;
  const length = lists.length(list);
  const place = count === -1 ? 0 : reply.reserveLength();
  const most = count === -1 ? 1 : count === 0 ? Infinity : count;
  const looked = options.lookedMax === 0 ? length : Math.min(length, options.lookedMax);
  let skip = Math.abs(rank) - 1;
  let reported = 0;
  lists.seek(list, forward ? 0 : -1);
  for (let index = 0; index < looked && reported < most; index++) {
    if (index > 0) lists.step(forward);
    if (!lists.equals(bytes, start, end) || skip-- > 0) continue;
    reported++;
    reply.integer(forward ? index : length - 1 - index);
  }
  if (count !== -1) reply.patchLength(place, ARRAY, reported);
  else if (reported === 0) reply.null();
}

function parseOptionsOrReply(args: Args, reply: Reply): boolean {
  options.rank = 1;
  options.count = -1;
  options.lookedMax = 0;
  for (let i = 3; i < args.count; i += 2) {
    if (i + 1 === args.count) return refuse(reply, SYNTAX_ERROR);
    const number = numberAt(args, i + 1);
    if (args.is(i, "RANK")) {
      if (Number.isNaN(number)) return refuse(reply, NOT_AN_INTEGER);
      if (number === 0) return refuse(reply, RANK_ZERO);
      // The one integer whose opposite is none.
      if (int64.low === 0 && int64.high === -0x80000000) return refuse(reply, RANK_OUT_OF_RANGE);
      options.rank = number;
    } else if (args.is(i, "COUNT")) {
      if (!(number >= 0)) return refuse(reply, "ERR COUNT can't be negative");
      options.count = number;
    } else if (args.is(i, "MAXLEN")) {
      if (!(number >= 0)) return refuse(reply, "ERR MAXLEN can't be negative");
      options.lookedMax = number;
    } else {
      return refuse(reply, SYNTAX_ERROR);
    }
  }
  return true;
}

function refuse(reply: Reply, message: string): false {
  reply.error(message);
  return false;
}

export const listFindRows: readonly CommandRow[] = [
  {
    name: "lpos",
    arity: -3,
    flags: "readonly",
    keys: oneKey("RO access"),
    since: "6.0.6",
    group: "list",
    summary: "Returns the indexes of elements of a certain value.",
    complexity: "O(N) where N is the number of elements looked at",
    syntax:
      "key:key element:string [RANK rank:integer] [COUNT num-matches:integer] [MAXLEN len:integer]",
    handler: lpos,
  },
];
