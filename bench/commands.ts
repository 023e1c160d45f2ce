/**
 * The commands of all types without sockets: `bun run bench/commands.ts [LPUSH ZADD ...]`. The operations of the
 * comparison (`compare/type-operations.ts`), and some that redis-server 7.0 lacks, are parsed, executed and answered in pipelines of 64, as a connection does it; a
 * figure is nanoseconds a command on the core, the least and the median of some rounds. Good for `bun --cpu-prof`, and for two versions in
 * turn; what separates it from a running server is the kernel's share.
 */
import { readFileSync } from "node:fs";
import { REPLY_FLUSH_SIZE } from "../src/base/limits.ts";
import { OPTION_ROWS } from "../src/base/option-table.ts";
import { Options } from "../src/base/options.ts";
import { Random } from "../src/base/random.ts";
import { allRows } from "../src/all-rows.ts";
import { Engine } from "../src/commands/engine.ts";
import { executeFound } from "../src/commands/execute.ts";
import { Batch } from "../src/net/batch.ts";
import { RespParser } from "../src/protocol/resp-request.ts";
import { say, table } from "./compare/report.ts";
import type { Filler, TypeOperation } from "./compare/type-operations.ts";
import { digits, OWN_OPERATIONS, RANDOM, TYPE_OPERATIONS } from "./compare/type-operations.ts";
import { respFrame } from "./rig/resp-client.ts";
import { parseSchedstat } from "./rig/schedstat.ts";
import { median } from "./rig/statistics.ts";

const DEPTH = 64;
const SEED = 11;
const ROUNDS = 9;
const ROUND_SECONDS = 0.15;
/** Chunks that are prepared; they come again and again. */
const CHUNKS = 4096;

const engine = new Engine({ options: new Options(OPTION_ROWS), rows: allRows(), seed: SEED });
const session = engine.createSession();
const parser = new RespParser();
const batch = new Batch(engine);
const random = new Random(SEED);

/** Runs a chunk as a connection does. */
function runChunk(chunk: Buffer): void {
  parser.pos = 0;
  while (parser.pos < chunk.length) {
    batch.scan(parser, chunk, chunk.length, Infinity);
    if (batch.count > 1) batch.prefetch(session.db, false);
    for (let i = 0; i < batch.count; i++) {
      executeFound(session, batch.commands[i]!, batch.take(i));
      // A connection sends what it has and begins anew.
      if (session.reply.pos > REPLY_FLUSH_SIZE) session.reply.clear();
    }
    batch.clear();
  }
}

const filler: Filler = {
  call(args) {
    runChunk(respFrame(args));
    const reply = Buffer.from(session.reply.buffer.subarray(0, session.reply.pos));
    session.reply.clear();
    return Promise.resolve(reply);
  },
  callMany({ count, command }) {
    for (let i = 0; i < count; i++) {
      runChunk(respFrame(command(i)));
      session.reply.clear();
    }
    return Promise.resolve();
  },
};

/** Nanoseconds that this thread was on a core: what others use of a busy machine is not in it. */
function onCoreNs(): number {
  return parseSchedstat(readFileSync("/proc/thread-self/schedstat", "latin1")).runNs;
}

function frame(operation: TypeOperation): Buffer {
  if (operation.command === null) return Buffer.from("PING\r\n");
  return respFrame(
    operation.command.map((arg) =>
      arg.replaceAll(RANDOM, () => digits(random.below(operation.range))),
    ),
  );
}

/** Nanoseconds a command, of each round. */
async function measure(operation: TypeOperation): Promise<number[]> {
  await filler.call(["FLUSHALL"]);
  await operation.setUp(filler);
  const depth = operation.heavy ? 1 : DEPTH;
  const chunks = Array.from({ length: CHUNKS }, () =>
    Buffer.concat(Array.from({ length: depth }, () => frame(operation))),
  );
  const most = Math.min(operation.requestsMax, operation.rateMax * 2 * ROUND_SECONDS);
  const count = Math.max(1, Math.floor(most / depth));
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await operation.prepare?.(filler, count * depth);
    const begin = onCoreNs();
    for (let i = 0; i < count; i++) {
      runChunk(chunks[i % CHUNKS]!);
      session.reply.clear();
    }
    rounds.push((onCoreNs() - begin) / count / depth);
  }
  return rounds;
}

const wanted = process.argv.slice(2);
const rows: string[][] = [];
for (const operation of [...TYPE_OPERATIONS, ...OWN_OPERATIONS]) {
  if (wanted.length > 0 && !wanted.includes(operation.name)) continue;
  const rounds = await measure(operation);
  rows.push([operation.name, Math.min(...rounds).toFixed(0), median(rounds).toFixed(0)]);
}
say(table(["ns per command", "least", "median"], rows));
