/**
 * The whole walk of commands without a socket: chunks of 64 requests are parsed, executed on 100 thousand keys, and
 * answered into the batch. A figure is for a chunk. What separates it from a running server is the kernel's share.
 */
import { bench, do_not_optimize, group } from "mitata";
import { OPTION_ROWS } from "../../src/base/option-table.ts";
import { Options } from "../../src/base/options.ts";
import { allRows } from "../../src/all-rows.ts";
import { Engine } from "../../src/commands/engine.ts";
import { execute, run } from "../../src/commands/execute.ts";
import type { Session } from "../../src/commands/session.ts";
import { NativeParser } from "../../src/protocol/native.ts";
import { FRAME, RespParser } from "../../src/protocol/resp-request.ts";
import { chunks } from "../rig/inputs.ts";
import { KEY_RANGE, keyOf, requestOf } from "../rig/requests.ts";

const DEPTH = 64;
const SEED = 11;

/** An engine of which every key of the range holds a string of 16 bytes. */
function filledSession(): Session {
  const engine = new Engine({ options: new Options(OPTION_ROWS), rows: allRows(), seed: SEED });
  const session = engine.createSession();
  const parser = new RespParser();
  for (let i = 0; i < KEY_RANGE; i++) {
    const request = requestOf("resp", "SET", keyOf(i));
    parser.pos = 0;
    while (parser.next(request, request.length) === FRAME) execute(session, parser.args);
    session.reply.clear();
  }
  return session;
}

const session: Session = filledSession();
const { nativeCommands } = session.engine;

/** Runs `runChunk` over chunks of one kind, and forgets the replies after each. */
function walkBench(
  name: string,
  inputs: readonly Buffer[],
  runChunk: (chunk: Buffer) => void,
): void {
  let at = 0;
  bench(name, () => {
    at = (at + 1) % inputs.length;
    runChunk(inputs[at]!);
    do_not_optimize(session.reply.buffer[session.reply.pos - 1]);
    session.reply.clear();
  });
}

const respParser = new RespParser();
const nativeParser = new NativeParser();

function runResp(chunk: Buffer): void {
  respParser.pos = 0;
  while (respParser.next(chunk, chunk.length) === FRAME) execute(session, respParser.args);
}

function runNative(chunk: Buffer): void {
  nativeParser.pos = 0;
  while (nativeParser.next(chunk, chunk.length) === FRAME) {
    run(session, nativeCommands[nativeParser.command]!, nativeParser.args);
  }
}

group("parse, execute and answer 64 requests", () => {
  walkBench("SET", chunks("resp", "SET", DEPTH), runResp);
  walkBench("GET", chunks("resp", "GET", DEPTH), runResp);
  const { users } = session.engine.access;
  users.set("alice", ["+@read", "+@write", "~own:*", "~key:*"]);
  const asUser = (chunk: Buffer): void => {
    session.user = users.find("alice");
    runResp(chunk);
    session.user = users.default;
  };
  walkBench("SET, a restricted user", chunks("resp", "SET", DEPTH), asUser);
  walkBench("GET, a restricted user", chunks("resp", "GET", DEPTH), asUser);
  walkBench("native SET", chunks("native", "SET", DEPTH), runNative);
  walkBench("MULTI of ten SETs, five of them", chunks("resp", "MULTI", 5), runResp);
  walkBench("native GET", chunks("native", "GET", DEPTH), runNative);
});
