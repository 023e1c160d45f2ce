/** CLIENT KILL: closes connections, chosen by their address (the old form) or by filters that all have to match. */
import { int64, parseInt64, toNumber } from "../base/numbers.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { clientTypeOrReply, isOfType } from "./client-list.ts";
import { SYNTAX_ERROR } from "./guards.ts";
import type { User } from "../security/user.ts";
import type { Engine } from "./engine.ts";
import type { Session } from "./session.ts";

interface Filter {
  id: number | null;
  address: string | null;
  localAddress: string | null;
  type: string | null;
  user: User | null;
  /** At least this old, in seconds. */
  ageMin: number | null;
  skipSelf: boolean;
}

export function clientKill(session: Session, args: Args, reply: Reply): void {
  const filter: Filter = {
    id: null,
    address: null,
    localAddress: null,
    type: null,
    user: null,
    ageMin: null,
    skipSelf: true,
  };
  const old = args.count === 3;
  if (old) {
    filter.address = args.text(2);
    filter.skipSelf = false;
  } else if (!readFilterOrReply(session.engine, args, filter, reply)) {
    return;
  }
  const { engine } = session;
  const chosen = [...engine.sessions.values()].filter((one) => matches(one, filter, session));
  if (!old) reply.integer(chosen.length);
  else if (chosen.length > 0) reply.ok();
  else reply.error("ERR No such client");
  for (const one of chosen) {
    if (one === session) {
      // The reply is sent first.
      one.peer?.closeAfterReplies();
      continue;
    }
    engine.removeSession(one);
    one.peer?.close();
  }
}

/** Reads pairs of a filter's name and its value; else answers an error and returns false. */
function readFilterOrReply(engine: Engine, args: Args, filter: Filter, reply: Reply): boolean {
  for (let i = 2; i < args.count; i += 2) {
    if (i + 1 === args.count || !readPairOrReply(engine, args, i, filter, reply)) {
      if (i + 1 === args.count) reply.error(SYNTAX_ERROR);
      return false;
    }
  }
  return true;
}

function readPairOrReply(
  engine: Engine,
  args: Args,
  at: number,
  filter: Filter,
  reply: Reply,
): boolean {
  const value = at + 1;
  if (args.is(at, "ID")) {
    filter.id = positive(args, value) ?? 0;
    if (filter.id === 0) return refuse(reply, "ERR client-id should be greater than 0");
  } else if (args.is(at, "MAXAGE")) {
    filter.ageMin = positive(args, value);
    if (filter.ageMin === null) {
      return refuse(reply, "ERR maxage is not an integer or out of range");
    }
    if (filter.ageMin === 0) return refuse(reply, "ERR maxage should be greater than 0");
  } else if (args.is(at, "TYPE")) {
    filter.type = clientTypeOrReply(args, value, reply);
    return filter.type !== null;
  } else if (args.is(at, "ADDR")) {
    filter.address = args.text(value);
  } else if (args.is(at, "LADDR")) {
    filter.localAddress = args.text(value);
  } else if (args.is(at, "USER")) {
    const name = args.text(value);
    filter.user = engine.access.users.find(name);
    if (filter.user === null) return refuse(reply, `ERR No such user '${name}'`);
  } else if (args.is(at, "SKIPME") && (args.is(value, "YES") || args.is(value, "NO"))) {
    filter.skipSelf = args.is(value, "YES");
  } else {
    return refuse(reply, SYNTAX_ERROR);
  }
  return true;
}

function refuse(reply: Reply, error: string): false {
  reply.error(error);
  return false;
}

/** The argument if it is a positive integer, 0 if it is another integer, null if it is none. */
function positive(args: Args, index: number): number | null {
  if (!parseInt64(args.bytes, args.start(index), args.end(index))) return null;
  return Math.max(0, toNumber(int64.low, int64.high));
}

function matches(one: Session, filter: Filter, self: Session): boolean {
  if (one === self && filter.skipSelf) return false;
  if (filter.id !== null && one.id !== filter.id) return false;
  if (filter.address !== null && one.peer?.address !== filter.address) return false;
  if (filter.localAddress !== null && one.peer?.localAddress !== filter.localAddress) return false;
  if (filter.type !== null && !isOfType(one, filter.type)) return false;
  if (filter.user !== null && one.user !== filter.user) return false;
  if (filter.ageMin === null) return true;
  return ageSeconds(one) >= filter.ageMin;
}

/** Whole seconds of the clock between now and the second in which the client came. */
function ageSeconds(session: Session): number {
  const { nowMs } = session.engine.clock;
  return Math.floor(nowMs / 1000) - Math.floor(session.createdMs / 1000);
}
