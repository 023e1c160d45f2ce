/** MEMORY: how much memory keys take, and the server as a whole. */
import { int64, toNumber } from "../base/numbers.ts";
import { memoryUsage } from "../keyspace/key-report.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Args } from "../protocol/args.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Engine } from "./engine.ts";
import { int64OrReply, SYNTAX_ERROR } from "./guards.ts";
import { memoryFigures } from "./memory-figures.ts";
import { helpOf } from "./help.ts";
import type { CommandRow } from "./row.ts";
import type { Session } from "./session.ts";

const MIB: number = 1024 * 1024;
/** Elements of a collection that are weighed unless the client says how many. */
const SAMPLES = 5;

function usage(session: Session, args: Args, reply: Reply): void {
  let samples = SAMPLES;
  for (let i = 3; i < args.count; i += 2) {
    if (!args.is(i, "SAMPLES") || i + 1 === args.count) return reply.error(SYNTAX_ERROR);
    if (!int64OrReply(args, i + 1, reply)) return;
    if (int64.high < 0) return reply.error(SYNTAX_ERROR);
    samples = toNumber(int64.low, int64.high);
  }
  const { db } = session;
  const entry = db.peek(args.bytes, args.start(2), args.end(2));
  if (entry === NULL_REF) return reply.null();
  reply.integer(memoryUsage(session.engine.keyspace.store, db, entry, samples));
}

function stats(session: Session, _args: Args, reply: Reply): void {
  const { engine } = session;
  const { keyspace } = engine;
  const { dict } = keyspace.store;
  const figures = memoryFigures(engine);
  const place = reply.reserveLength();
  let fields = 0;
  const integer = (name: string, value: number): void => {
    reply.text(name);
    reply.integer(Math.round(value));
    fields++;
  };
  const double = (name: string, value: number): void => {
    reply.text(name);
    reply.double(value);
    fields++;
  };
  integer("peak.allocated", figures.peak);
  integer("total.allocated", figures.used);
  integer("startup.allocated", figures.startup);
  integer("replication.backlog", 0);
  integer("clients.slaves", 0);
  integer("clients.normal", figures.clients);
  integer("cluster.links", 0);
  integer("aof.buffer", figures.log);
  integer("lua.caches", session.engine.scriptCache?.memory ?? 0);
  integer("functions.caches", session.engine.functions.memory);
  for (const database of keyspace.databases) {
    if (database.size === 0) continue;
    reply.text(`db.${database.index}`);
    reply.map(2);
    reply.text("overhead.hashtable.main");
    reply.integer(4 * dict.buckets(database.dict));
    reply.text("overhead.hashtable.expires");
    reply.integer(database.wheelBytes);
    fields++;
  }
  integer("overhead.db.hashtable.lut", figures.tables);
  integer("overhead.db.hashtable.rehashing", figures.resizing);
  integer("db.dict.rehashing.count", figures.resizingCount);
  const keys = keyspace.size;
  const net = Math.max(0, figures.used - figures.startup);
  integer("overhead.total", figures.overhead);
  integer("keys.count", keys);
  integer("keys.bytes-per-key", keys === 0 ? 0 : net / keys);
  integer("dataset.bytes", figures.dataset);
  double("dataset.percentage", net === 0 ? 0 : (figures.dataset * 100) / net);
  double("peak.percentage", (figures.used * 100) / figures.peak);
  integer("allocator.allocated", figures.allocated);
  integer("allocator.active", figures.active);
  integer("allocator.resident", figures.resident);
  integer("allocator.muzzy", 0);
  double("allocator-fragmentation.ratio", ratio(figures.active, figures.allocated));
  integer("allocator-fragmentation.bytes", figures.active - figures.allocated);
  double("allocator-rss.ratio", ratio(figures.resident, figures.active));
  integer("allocator-rss.bytes", figures.resident - figures.active);
  double("rss-overhead.ratio", ratio(figures.rss, figures.resident));
  integer("rss-overhead.bytes", figures.rss - figures.resident);
  double("fragmentation", ratio(figures.rss, figures.used));
  integer("fragmentation.bytes", figures.rss - figures.used);
  reply.patchLength(
    place,
    reply.version === 3 ? 0x25 : 0x2a,
    fields * (reply.version === 3 ? 1 : 2),
  );
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 1 : part / whole;
}

function doctor(session: Session, _args: Args, reply: Reply): void {
  reply.verbatim(diagnose(session.engine), "txt");
}

/** What is unusual about a server's memory, in plain words. */
function diagnose(engine: Engine): string {
  const figures = memoryFigures(engine);
  const clients = engine.sessions.size;
  if (figures.allocated < 5 * MIB) {
    return "This server holds less than 5 MiB of data: too little to say anything about its memory.\n";
  }
  const found: string[] = [];
  if (engine.memoryLimit.isFull) {
    found.push(
      "Limit: more memory is used than maxmemory allows, and there is no key that maxmemory-policy lets go. Commands that may need memory are refused.",
    );
  }
  if (figures.peak > figures.used * 1.5) {
    found.push(
      "Peak: the server once used more than one and a half times the memory that it uses now. What was freed went back to the system except where single blocks hold on to their segments of 64 MiB; such memory is used again.",
    );
  }
  if (figures.active > figures.allocated * 1.4 && figures.active - figures.allocated > 10 * MIB) {
    found.push(
      "Fragmentation: pages that hold data are more than 40 % larger than the data. Many keys of one size were deleted or changed their size; new values of that size fill the gaps, and CONFIG SET activedefrag yes has what is left moved together.",
    );
  }
  if (clients > 0 && figures.clients / clients > 200 * 1024) {
    found.push(
      "Clients: the buffers of an average client are larger than 200 KiB. Either clients send commands faster than they read replies, or they use very large values.",
    );
  }
  if (found.length === 0) return "Nothing about the memory of this server is unusual.\n";
  return `${found.map((text) => ` * ${text}\n`).join("\n")}`;
}

function mallocStats(session: Session, _args: Args, reply: Reply): void {
  const { arena } = session.engine.keyspace.store;
  const figures = memoryFigures(session.engine);
  const lines = [
    "Arena:",
    ` blocks in use: ${arena.blocks}`,
    ` bytes in use: ${arena.usedBytes}`,
    ` bytes of pages with blocks: ${figures.active}`,
    ` bytes of segments: ${arena.reservedBytes}`,
    ` entries waiting to be freed: ${session.engine.keyspace.reclaimer.pending}`,
    "JavaScript heap:",
    ` bytes in use: ${figures.heap}`,
    "Process:",
    ` bytes resident: ${figures.rss}`,
    "",
  ];
  reply.verbatim(lines.join("\n"), "txt");
}

/** What free pages of the arena hold goes back in slices; the JavaScript heap, buffers of clients above all, is collected now. */
function purge(session: Session, _args: Args, reply: Reply): void {
  session.engine.keyspace.store.arena.releaseHeld();
  Bun.gc(true);
  reply.ok();
}

const help = helpOf([
  "MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "DOCTOR",
  "    Says what is unusual about the memory of the server.",
  "MALLOC-STATS",
  "    Figures of the allocator.",
  "PURGE",
  "    Gives memory back that is held but not used.",
  "STATS",
  "    How much memory is used, and for what.",
  "USAGE <key> [SAMPLES <count>]",
  "    Bytes that a key and its value take. Of a collection <count> elements are",
  "    measured and the others taken to be alike (default: 5, 0 measures all).",
  "HELP",
  "    Prints this help.",
]);

export const memoryRows: readonly CommandRow[] = [
  {
    name: "memory",
    arity: -2,
    flags: "",
    since: "4.0.0",
    group: "server",
    summary: "Tells how memory is used.",
    complexity: "Depends on subcommand.",
    subcommands: [
      {
        name: "usage",
        arity: -3,
        flags: "readonly",
        keys: [{ flags: "RO", begin: 2, find: { last: 0, step: 1 } }],
        since: "4.0.0",
        group: "server",
        summary: "Returns the bytes that a key and its value take.",
        complexity: "O(N) where N is the number of samples.",
        syntax: "key:key [SAMPLES count:integer]",
        handler: usage,
      },
      {
        name: "stats",
        arity: 2,
        flags: "",
        since: "4.0.0",
        group: "server",
        summary: "Returns how much memory is used, and for what.",
        complexity: "O(1)",
        tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
        handler: stats,
      },
      {
        name: "doctor",
        arity: 2,
        flags: "",
        since: "4.0.0",
        group: "server",
        summary: "Says what is unusual about the memory of the server.",
        complexity: "O(1)",
        tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
        handler: doctor,
      },
      {
        name: "malloc-stats",
        arity: 2,
        flags: "",
        since: "4.0.0",
        group: "server",
        summary: "Returns figures of the allocator.",
        complexity: "O(1)",
        tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
        handler: mallocStats,
      },
      {
        name: "purge",
        arity: 2,
        flags: "",
        since: "4.0.0",
        group: "server",
        summary: "Gives memory back that is held but not used.",
        complexity: "Depends on how much memory is held.",
        tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
        handler: purge,
      },
      {
        name: "help",
        arity: 2,
        flags: "loading stale",
        since: "4.0.0",
        group: "server",
        summary: "Lists the subcommands.",
        complexity: "O(1)",
        handler: help,
      },
    ],
  },
];
