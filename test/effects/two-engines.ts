/** An engine whose effects are kept, and a second one that runs them again: both must hold the same data. */
import { OPTION_ROWS } from "../../src/base/option-table.ts";
import { Options } from "../../src/base/options.ts";
import { allRows } from "../../src/all-rows.ts";
import { Engine } from "../../src/commands/engine.ts";
import { execute } from "../../src/commands/execute.ts";
import type { Session } from "../../src/commands/session.ts";
import type { Database } from "../../src/keyspace/database.ts";
import { digestOfValue } from "../../src/keyspace/digest.ts";
import type { Ref } from "../../src/memory/arena.ts";
import { EffectReplay } from "../../src/persistence/effect-replay.ts";
import type { Args } from "../../src/protocol/args.ts";
import { RespParser } from "../../src/protocol/resp-request.ts";
import { Value } from "../../src/types/value.ts";
import { encodeCommand } from "../support/resp-client.ts";

export function createEngine(): Engine {
  const options = new Options(OPTION_ROWS);
  options.set("enable-debug-command", "yes");
  const engine = new Engine({ options, rows: allRows(), verify: true });
  engine.clock.freeze(1_700_000_000_000);
  return engine;
}

/** Runs a command as if it had come over a connection. @returns its reply, one character a byte, "" while it waits */
export function send(session: Session, line: readonly string[]): string {
  const bytes = encodeCommand(line);
  const parser = new RespParser();
  session.engine.beginTurn();
  parser.next(bytes, bytes.length);
  execute(session, parser.args);
  return takeReply(session);
}

export function takeReply(session: Session): string {
  const { reply } = session;
  const text = reply.buffer.toString("latin1", 0, reply.pos);
  reply.clear();
  return text;
}

/** The effects so far, which are taken. */
export function takeEffects(engine: Engine): Buffer {
  const { effects } = engine;
  const bytes = Buffer.from(effects.buffer.subarray(0, effects.pos));
  effects.taken(effects.pos);
  return bytes;
}

/** The commands of a stream, their arguments one character a byte. */
export function commandsOf(stream: Buffer): string[][] {
  const commands: string[][] = [];
  walk(stream, (args) => {
    commands.push(Array.from({ length: args.count }, (_, i) => args.text(i)));
  });
  return commands;
}

/** Runs the effects on an engine. Throws where they are no effects. */
export function replay(engine: Engine, stream: Buffer): void {
  const run = new EffectReplay(engine);
  replayFurther(run, stream);
  run.end();
}

/** Goes on with a replay. */
export function replayFurther(run: EffectReplay, stream: Buffer): void {
  walk(stream, (args) => {
    const error = run.run(args);
    if (error !== null) throw new Error(error);
  });
  if (run.inTransaction) throw new Error("a transaction without an end");
  if (run.failed > 0) throw new Error(run.firstError);
}

function walk(stream: Buffer, visit: (args: Args) => void): void {
  const parser = new RespParser();
  while (parser.pos < stream.length) {
    if (parser.next(stream, stream.length) !== 0) throw new Error("the stream is no RESP");
    visit(parser.args);
  }
}

/** The members of a value that expire, with their times. */
function memberTimesOf(engine: Engine, database: Database, entry: Ref): string[] {
  if (!engine.keyspace.store.entries.isTimed(entry)) return [];
  const times: string[] = [];
  const value = new Value();
  database.load(entry, value);
  engine.keyspace.store.kit.memberTimes.forSome(value.timed, 0, Infinity, (member, dueMs) => {
    times.push(`${JSON.stringify(member.copy().toString("latin1"))} until ${dueMs}`);
  });
  return times;
}

/** Everything that an engine holds, as text: of each key its database, digest, time of expiry, and the groups of streams. */
export function dataOf(engine: Engine): string[] {
  const lines: string[] = [];
  const session = engine.createSession();
  session.authenticated = true;
  for (const database of engine.keyspace.databases) {
    const entries: Ref[] = [];
    for (let cursor = -1; cursor !== 0;) {
      cursor = database.scan(cursor === -1 ? 0 : cursor, (entry) => entries.push(entry));
    }
    for (const entry of entries) {
      if (database.hasExpired(entry)) continue;
      database.due.removeMembers(entry, Infinity);
      const key = database.keyOf(entry);
      const name = JSON.stringify(key.toString("latin1"));
      const digest = digestOfValue(engine.keyspace, database, entry).toString("hex");
      const due = database.expiryMs(entry) < 0 ? "" : ` until ${database.expiryMs(entry)}`;
      lines.push(`${database.index} ${name} ${digest}${due}`);
      lines.push(...memberTimesOf(engine, database, entry).map((time) => `${name} ${time}`));
      session.db = database;
      const groups = send(session, ["XINFO", "STREAM", key.toString("latin1"), "FULL"]);
      if (groups.startsWith("-")) continue;
      // When a consumer was seen last is no data: it differs after every restart.
      lines.push(groups.replace(/(seen-time|active-time)\r\n:-?\d+/g, "$1"));
    }
  }
  return lines.toSorted();
}
