/** CLIENT TRACKING, CACHING, GETREDIR and TRACKINGINFO: how a client that caches wants to be told of changes. */
import { int64, toNumber } from "../base/numbers.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import { int64OrReply, SYNTAX_ERROR } from "./guards.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";
import type { Tracker, TrackingMode } from "./tracking.ts";

const NOT_ASKED =
  "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled";

/** Prefixes that are compared with each other, every one. */
const COMPARED_MAX = 1000;

/** The options of CLIENT TRACKING as they are read. */
interface Request {
  redirect: number;
  broadcasts: boolean;
  optIn: boolean;
  optOut: boolean;
  noLoop: boolean;
  readonly prefixes: string[];
}

function tracking(session: Session, args: Args, reply: Reply): void {
  const request = readOrReply(session, args, reply);
  if (request === null) return;
  const { tracking: all } = session.engine;
  if (args.is(2, "OFF")) {
    all.disable(session);
  } else if (args.is(2, "ON")) {
    const error = conflict(request, session.tracker);
    if (error !== null) return reply.error(error);
    let mode: TrackingMode = "all";
    if (request.optIn) mode = "optin";
    else if (request.optOut) mode = "optout";
    all.enable(session, { ...request, mode });
  } else {
    return reply.error(SYNTAX_ERROR);
  }
  reply.ok();
}

/** Reads the options; else answers an error and returns null. */
function readOrReply(session: Session, args: Args, reply: Reply): Request | null {
  const request: Request = {
    redirect: 0,
    broadcasts: false,
    optIn: false,
    optOut: false,
    noLoop: false,
    prefixes: [],
  };
  for (let i = 3; i < args.count; i++) {
    const more = i + 1 < args.count;
    if (args.is(i, "REDIRECT") && more) {
      if (request.redirect !== 0) {
        reply.error("ERR A client can only redirect to a single other client");
        return null;
      }
      if (!int64OrReply(args, ++i, reply)) return null;
      // Beyond 2^53 it is rounded, to a number that no client has.
      request.redirect = toNumber(int64.low, int64.high);
      if (!session.engine.sessions.has(request.redirect)) {
        reply.error("ERR The client ID you want redirect to does not exist");
        return null;
      }
    } else if (args.is(i, "PREFIX") && more) {
      request.prefixes.push(args.text(++i));
    } else if (args.is(i, "BCAST")) {
      request.broadcasts = true;
    } else if (args.is(i, "OPTIN")) {
      request.optIn = true;
    } else if (args.is(i, "OPTOUT")) {
      request.optOut = true;
    } else if (args.is(i, "NOLOOP")) {
      request.noLoop = true;
    } else {
      reply.error(SYNTAX_ERROR);
      return null;
    }
  }
  return request;
}

/** Why the options can't be had together, or not after those that the client has now; null if they can. */
function conflict(request: Request, tracker: Tracker | null): string | null {
  const { broadcasts, optIn, optOut, prefixes } = request;
  if (!broadcasts && prefixes.length > 0) {
    return "ERR PREFIX option requires BCAST mode to be enabled";
  }
  if (tracker !== null && tracker.options.broadcasts !== broadcasts) {
    return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.";
  }
  if (broadcasts && (optIn || optOut)) return "ERR OPTIN and OPTOUT are not compatible with BCAST";
  if (optIn && optOut) return "ERR You can't specify both OPTIN mode and OPTOUT mode";
  const mode = tracker?.options.mode;
  if ((optIn && mode === "optout") || (optOut && mode === "optin")) {
    return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.";
  }
  return broadcasts ? overlap(prefixes, tracker) : null;
}

/** Why the prefixes overlap with each other or with those that the client has, or null. */
function overlap(prefixes: readonly string[], tracker: Tracker | null): string | null {
  // In order, a prefix of another stands right before one that it is a prefix of.
  const kept = tracker?.prefixes ?? [];
  const sorted = [...kept, ...prefixes].toSorted(compareBytes);
  const at = sorted.findIndex((prefix, i) => i > 0 && overlaps(prefix, sorted[i - 1]!));
  if (at === -1) return null;
  // Which two Redis would name is found out by comparing all of them, if they are few.
  if (sorted.length > COMPARED_MAX) {
    return overlapError(sorted[at - 1]!, "another provided", sorted[at]!);
  }
  for (const [index, prefix] of prefixes.entries()) {
    for (const other of kept) {
      if (overlaps(prefix, other)) return overlapError(prefix, "an existing", other);
    }
    for (const other of prefixes.slice(index + 1)) {
      if (overlaps(prefix, other)) return overlapError(prefix, "another provided", other);
    }
  }
  return null;
}

/** The order of two texts of one character a byte. */
function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function overlaps(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a);
}

function overlapError(prefix: string, which: string, other: string): string {
  return `ERR Prefix '${prefix}' overlaps with ${which} prefix '${other}'. Prefixes for a single client must not overlap.`;
}

function caching(session: Session, args: Args, reply: Reply): void {
  const { tracker } = session;
  if (tracker === null) return reply.error(NOT_ASKED);
  const { mode } = tracker.options;
  if (args.is(2, "YES")) {
    if (mode !== "optin") {
      return reply.error(
        "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.",
      );
    }
  } else if (args.is(2, "NO")) {
    if (mode !== "optout") {
      return reply.error(
        "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.",
      );
    }
  } else {
    return reply.error(SYNTAX_ERROR);
  }
  tracker.caching = true;
  reply.ok();
}

function getRedirection(session: Session, _args: Args, reply: Reply): void {
  reply.integer(session.tracker?.options.redirect ?? -1);
}

function trackingInfo(session: Session, _args: Args, reply: Reply): void {
  const { tracker } = session;
  reply.map(3);
  reply.text("flags");
  const flags = tracker === null ? ["off"] : flagsOf(tracker);
  reply.set(flags.length);
  for (const flag of flags) reply.text(flag);
  reply.text("redirect");
  getRedirection(session, _args, reply);
  reply.text("prefixes");
  const prefixes = (tracker?.prefixes ?? []).toSorted(compareBytes);
  reply.array(prefixes.length);
  for (const prefix of prefixes) reply.text(prefix);
}

function flagsOf({ options, caching: isGiven, isBroken }: Tracker): string[] {
  const flags = ["on"];
  if (options.broadcasts) flags.push("bcast");
  if (options.mode !== "all") flags.push(options.mode);
  if (isGiven && options.mode === "optin") flags.push("caching-yes");
  if (isGiven && options.mode === "optout") flags.push("caching-no");
  if (options.noLoop) flags.push("noloop");
  if (isBroken) flags.push("broken_redirect");
  return flags;
}

const COMMON = { flags: "noscript loading stale", group: "connection" } as const;

/** Subcommands of CLIENT. */
export const clientTrackingRows: readonly CommandRow[] = [
  {
    ...COMMON,
    name: "caching",
    arity: 3,
    since: "6.0.0",
    summary: "Says whether the keys of the next command are to be tracked.",
    complexity: "O(1)",
    syntax: "mode:<yes:YES|no:NO>",
    handler: caching,
  },
  {
    ...COMMON,
    name: "getredir",
    arity: 2,
    since: "6.0.0",
    summary: "Returns the number of the connection that messages of tracking are redirected to.",
    complexity: "O(1)",
    handler: getRedirection,
  },
  {
    ...COMMON,
    name: "tracking",
    arity: -3,
    since: "6.0.0",
    summary: "Tells the connection when keys change that it may have copies of.",
    complexity: "O(1). Some options may introduce additional complexity.",
    syntax:
      "status:<on:ON|off:OFF> [REDIRECT client-id:integer] [PREFIX prefix:string+...] [bcast:BCAST] " +
      "[optin:OPTIN] [optout:OPTOUT] [noloop:NOLOOP]",
    handler: tracking,
  },
  {
    ...COMMON,
    name: "trackinginfo",
    arity: 2,
    since: "6.2.0",
    summary: "Describes how the connection tracks.",
    complexity: "O(1)",
    handler: trackingInfo,
  },
];
