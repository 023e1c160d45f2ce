/** CLIENT LIST and CLIENT INFO: a client as a line of fields, those of Redis 7.4 in its order. */
import { CHANNEL, PATTERN, SHARD } from "./channels.ts";
import { clientBytes, unsentBytes } from "./client-memory.ts";
import { int64, parseInt64, toNumber } from "../base/numbers.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { SYNTAX_ERROR } from "./guards.ts";
import type { Session } from "./session.ts";

/** Redis's classes of clients. Here they are normal ones or subscribers. */
const CLIENT_TYPES: ReadonlySet<string> = new Set([
  "normal",
  "master",
  "slave",
  "replica",
  "pubsub",
]);

/** The class of clients that an argument names, in lower case; else answers an error and returns null. */
export function clientTypeOrReply(args: Args, index: number, reply: Reply): string | null {
  const type = args.text(index);
  const lower = type.toLowerCase();
  if (CLIENT_TYPES.has(lower)) return lower;
  reply.error(`ERR Unknown client type '${type}'`);
  return null;
}

export function isOfType(session: Session, type: string): boolean {
  return type === (session.subscriptions === null ? "normal" : "pubsub");
}

export function clientInfo(session: Session, args: Args, reply: Reply): void {
  reply.verbatim(`${describeClient(session, argumentBytes(args))}\n`, "txt");
}

export function clientList(session: Session, args: Args, reply: Reply): void {
  const { sessions } = session.engine;
  let listed: Iterable<Session> = sessions.values();
  if (args.count === 4 && args.is(2, "TYPE")) {
    const type = clientTypeOrReply(args, 3, reply);
    if (type === null) return;
    listed = [...sessions.values()].filter((one) => isOfType(one, type));
  } else if (args.count > 3 && args.is(2, "ID")) {
    const named = sessionsOfIdsOrReply(session, args, reply);
    if (named === null) return;
    listed = named;
  } else if (args.count !== 2) {
    return reply.error(SYNTAX_ERROR);
  }
  let lines = "";
  for (const one of listed) {
    lines += `${describeClient(one, one === session ? argumentBytes(args) : 0)}\n`;
  }
  reply.verbatim(lines, "txt");
}

/** The clients whose ids stand from argument 3 on, as often as they are named; else answers an error. */
function sessionsOfIdsOrReply(session: Session, args: Args, reply: Reply): Session[] | null {
  const found: Session[] = [];
  for (let i = 3; i < args.count; i++) {
    if (!parseInt64(args.bytes, args.start(i), args.end(i))) {
      reply.error("ERR Invalid client ID");
      return null;
    }
    // Beyond 2^53 it is rounded, to an id that no client has.
    const one = session.engine.sessions.get(toNumber(int64.low, int64.high));
    if (one !== undefined) found.push(one);
  }
  return found;
}

/** A session as a line of fields. @param argumentsSize bytes of the arguments of the command that it runs right now */
export function describeClient(session: Session, argumentsSize: number): string {
  const { engine, peer, reply, subscriptions, transaction } = session;
  const { nowMs } = engine.clock;
  const input = peer?.inputBytes ?? 0;
  const inputFree = peer?.inputFreeBytes ?? 0;
  const unsent = unsentBytes(session);
  const total = clientBytes(session) + argumentsSize;
  const fields = [
    `id=${session.id}`,
    `addr=${peer?.address ?? ""}`,
    `laddr=${peer?.localAddress ?? ""}`,
    `fd=${peer?.fd ?? -1}`,
    `name=${session.name}`,
    `age=${seconds(nowMs - session.createdMs)}`,
    `idle=${seconds(nowMs - session.lastActiveMs)}`,
    `flags=${flagsOf(session)}`,
    `db=${session.db.index}`,
    `sub=${subscriptions?.audiences[CHANNEL.index]!.size ?? 0}`,
    `psub=${subscriptions?.audiences[PATTERN.index]!.size ?? 0}`,
    `ssub=${subscriptions?.audiences[SHARD.index]!.size ?? 0}`,
    `multi=${transaction?.commands.length ?? -1}`,
    `watch=${session.watch?.keys.size ?? 0}`,
    `qbuf=${input}`,
    `qbuf-free=${inputFree}`,
    `argv-mem=${argumentsSize}`,
    `multi-mem=${transaction?.memory ?? 0}`,
    `rbs=${reply.buffer.length}`,
    `rbp=${reply.pos}`,
    `obl=${reply.pos}`,
    `oll=${unsent > 0 ? 1 : 0}`,
    `omem=${unsent}`,
    `tot-mem=${total}`,
    `events=${unsent > 0 ? "rw" : "r"}`,
    `cmd=${session.lastCommand?.fullName ?? "NULL"}`,
    `user=${session.user?.name ?? "(superuser)"}`,
    `redir=${session.tracker?.options.redirect ?? -1}`,
    `resp=${session.version}`,
    `lib-name=${session.libraryName}`,
    `lib-ver=${session.libraryVersion}`,
  ];
  return fields.join(" ");
}

function seconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000));
}

/**
 * Redis's letters: O sees all commands, P with subscriptions, x in a transaction, b blocked, d watches a key that has changed, U by a Unix socket, e not evicted, T reads
 * do not count as uses, N none of them.
 */
function flagsOf(session: Session): string {
  let flags = "";
  if (session.engine.monitors.has(session)) flags += "O";
  if (session.subscriptions !== null) flags += "P";
  if (session.transaction !== null) flags += "x";
  if (session.blocked) flags += "b";
  if (session.tracker !== null) flags += "t";
  if (session.tracker?.isBroken === true) flags += "R";
  if (session.tracker?.options.broadcasts === true) flags += "B";
  if (session.watch?.touched === true) flags += "d";
  if (session.peer?.kind === "unix") flags += "U";
  if (session.noEvict) flags += "e";
  if (session.noTouch) flags += "T";
  return flags === "" ? "N" : flags;
}

function argumentBytes(args: Args): number {
  let size = 0;
  for (let i = 0; i < args.count; i++) size += args.length(i);
  return size;
}
