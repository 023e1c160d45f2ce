/**
 * Runs the same commands against Hutch and against redis-server and reports every difference: of each reply, of the
 * number of replies, and of the data set that is left.
 *
 * A case runs on empty databases and fresh connections, once with RESP2 and once with RESP3. Steps that follow one another on
 * one connection are sent in one write, with an ECHO of a token behind them: after N commands there must be N frames and
 * then the token, neither fewer nor more.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tapEvents } from "./events.ts";
import type { EventTap } from "./events.ts";
import type { Instance } from "../../src/instance.ts";
import { startInProcess } from "../support/in-process.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { startRedis } from "../support/redis-server.ts";
import type { Argument } from "../support/resp-client.ts";
import { encodeCommand, RespClient } from "../support/resp-client.ts";
import type { RespValue } from "../support/resp-value.ts";
import { show } from "../support/resp-value.ts";
import { isAllowed } from "./allow-list.ts";
import type { Case, PlainStep } from "./case.ts";
import { connectionOf, isEqual, plainStep, splitLine } from "./case.ts";
import { compareData } from "./data-set.ts";

/** What came back for some steps of one connection. */
interface Answers {
  readonly frames: readonly RespValue[];
  /** Why there are no more: the connection was closed, or nothing came. Null if the token came back. */
  readonly end: string | null;
}

interface Segment {
  readonly on: string;
  readonly steps: PlainStep[];
}

/** What a server that holds back commands answers to the token. */
const TOKEN_REFUSED = /^(-NOAUTH|-NOPERM|-ERR Can't execute 'echo')/;

export class Differential {
  readonly hutch: Instance;
  readonly redis: RedisServer;
  readonly #folder: string;
  /** Taps of the events of both, if they are compared. */
  #taps: readonly EventTap[] = [];
  #tokens = 0;

  private constructor(hutch: Instance, redis: RedisServer, folder: string) {
    this.hutch = hutch;
    this.redis = redis;
    this.#folder = folder;
  }

  /** Starts both servers. */
  static async start(): Promise<Differential> {
    const redis = await startRedis();
    // For snapshots: those of Redis are in a folder of its own too.
    const dir = mkdtempSync(join(tmpdir(), "hutch-differential-"));
    const hutch = startInProcess({ "enable-debug-command": "yes", dir });
    return new Differential(hutch, redis, dir);
  }

  /** From now on the events of keys must be the same too, but for those that a test excepts. */
  async compareEvents(): Promise<void> {
    this.#taps = [await tapEvents(this.hutch.port), await tapEvents(this.redis.port)];
  }

  async stop(): Promise<void> {
    for (const tap of this.#taps) tap.close();
    await Promise.all([this.hutch.stop(), this.redis.stop()]);
    rmSync(this.#folder, { recursive: true });
  }

  /**
   * Runs a case with every protocol. The servers have a clock each, and a millisecond may begin between two commands on one of
   * them only; so a difference counts if it is there when the same protocol runs again. One that is not is printed.
   * @param exceptEvents events that are not compared
   * @returns the differences, each a few lines of text
   */
  async run(testCase: Case, exceptEvents?: RegExp): Promise<string[]> {
    const differences: string[] = [];
    for (const protocol of testCase.protocols ?? ([2, 3] as const)) {
      const first = await this.#runOnce(testCase, protocol, exceptEvents);
      if (first.length === 0) continue;
      const again = await this.#runOnce(testCase, protocol, exceptEvents);
      if (again.length === 0) {
        console.log(`${testCase.name}: differed once, and not again: RESP${protocol} ${first[0]}`);
      }
      differences.push(...again.map((difference) => `RESP${protocol} ${difference}`));
    }
    return differences;
  }

  /** Like `run`; throws if there is a difference. */
  async check(testCase: Case, exceptEvents?: RegExp): Promise<void> {
    const differences = await this.run(testCase, exceptEvents);
    if (differences.length === 0) return;
    const shown = differences.slice(0, 20).join("\n");
    const more = differences.length > 20 ? `\n... and ${differences.length - 20} more` : "";
    throw new Error(`${testCase.name}: Hutch and redis-server differ\n${shown}${more}`);
  }

  async #runOnce(testCase: Case, protocol: 2 | 3, exceptEvents?: RegExp): Promise<string[]> {
    const ports = [this.hutch.port, this.redis.port];
    await Promise.all(ports.map(flush));
    await Promise.all(this.#taps.map((tap) => tap.take()));
    const segments = split(testCase);
    const tokens = segments.map(() => `--token-${this.#tokens++}--`);
    const [ours, theirs] = await Promise.all(
      ports.map((port) => converse(port, protocol, segments, tokens)),
    );
    const differences = segments.flatMap((segment, index) =>
      compareAnswers(segment, ours![index]!, theirs![index]!),
    );
    const events = await Promise.all(this.#taps.map((tap) => tap.take()));
    const [ourEvents = [], theirEvents = []] = events.map((all) =>
      exceptEvents === undefined ? all : all.filter((event) => !exceptEvents.test(event)),
    );
    differences.push(...compareEvents(ourEvents, theirEvents));
    if (testCase.data !== false) {
      differences.push(...(await compareData(this.hutch.port, this.redis.port)));
    }
    if (testCase.cleanup !== undefined) {
      for (const port of ports) await cleanUp(port, testCase.cleanup);
    }
    return differences;
  }
}

/** Steps in runs of one connection. */
function split(testCase: Case): Segment[] {
  const segments: Segment[] = [];
  for (const step of testCase.steps) {
    const plain = plainStep(step, testCase.compare ?? "exact");
    const last = segments.at(-1);
    if (last !== undefined && last.on === plain.on) last.steps.push(plain);
    else segments.push({ on: plain.on, steps: [plain] });
  }
  return segments;
}

async function converse(
  port: number,
  protocol: 2 | 3,
  segments: readonly Segment[],
  tokens: readonly string[],
): Promise<Answers[]> {
  const answers: Answers[] = [];
  const clients = new Map<string, RespClient>();
  const ids = new Map<string, string>();
  const named = new Set(segments.flatMap(({ steps }) => steps.flatMap(({ ids: all }) => all)));
  const clientOf = async (name: string): Promise<RespClient> => {
    let client = clients.get(name);
    if (client !== undefined) return client;
    client = await RespClient.connect(port, protocol);
    clients.set(name, client);
    if (named.has(name)) ids.set(name, (await client.text("CLIENT", "ID")).slice(1));
    return client;
  };
  try {
    for (const [index, segment] of segments.entries()) {
      for (const { ids: all } of segment.steps) for (const name of all) await clientOf(name);
      const client = await clientOf(segment.on);
      answers.push(await send(client, segment, tokens[index]!, ids));
    }
  } finally {
    for (const client of clients.values()) client.close();
  }
  return answers;
}

async function send(
  client: RespClient,
  segment: Segment,
  token: string,
  ids: ReadonlyMap<string, string>,
): Promise<Answers> {
  const parts = segment.steps.map(
    (step) => step.bytes ?? encodeCommand(step.args!.map((argument) => withId(argument, ids))),
  );
  client.write(Buffer.concat([...parts, encodeCommand(["ECHO", token])]));
  const expected = frameCount(segment);
  const frames: RespValue[] = [];
  try {
    for (;;) {
      const frame = await client.read();
      if (frame.type === "bulk" && frame.text === token) break;
      // Inside MULTI, or where the connection may not run ECHO, the token does not come back as such.
      if (frames.length === expected && isTokenRefused(show(frame))) break;
      frames.push(frame);
    }
  } catch (error) {
    return { frames, end: (error as Error).message };
  }
  return { frames, end: null };
}

/** The argument, or the number of the connection that it names. */
function withId(argument: Argument, ids: ReadonlyMap<string, string>): Argument {
  const name = connectionOf(argument);
  return name === null ? argument : ids.get(name)!;
}

function isTokenRefused(shown: string): boolean {
  return shown === "+QUEUED" || TOKEN_REFUSED.test(shown);
}

function frameCount(segment: Segment): number {
  return segment.steps.reduce((sum, step) => sum + step.frames, 0);
}

function compareAnswers(segment: Segment, ours: Answers, theirs: Answers): string[] {
  const differences: string[] = [];
  let at = 0;
  for (const step of segment.steps) {
    for (let i = 0; i < step.frames; i++, at++) {
      const our = ours.frames[at];
      const their = theirs.frames[at];
      if (our === undefined && their === undefined) continue;
      if (our !== undefined && their !== undefined) {
        if (isEqual(our, their, step.compare)) continue;
        if (isAllowed(step.shown, show(our), show(their))) continue;
      }
      const pair = [our, their].map((value) => (value === undefined ? "nothing" : show(value)));
      differences.push(report(step.shown, pair[0]!, pair[1]!));
    }
  }
  if (ours.end !== theirs.end) {
    const last = segment.steps.at(-1)!.shown;
    differences.push(report(`after ${last}`, ours.end ?? "goes on", theirs.end ?? "goes on"));
  }
  const expected = frameCount(segment);
  for (const [name, answers] of [["hutch", ours] as const, ["redis", theirs] as const]) {
    const { length } = answers.frames;
    if (answers.end === null && length !== expected) {
      differences.push(`${expected} replies were expected, ${name} sent ${length}`);
    }
  }
  return differences;
}

/** The first event that differs, with those before it. */
function compareEvents(ours: readonly string[], theirs: readonly string[]): string[] {
  const length = Math.max(ours.length, theirs.length);
  for (let i = 0; i < length; i++) {
    if (ours[i] === theirs[i]) continue;
    const from = Math.max(0, i - 3);
    const [our, their] = [ours, theirs].map((events) => events.slice(from, i + 4).join(", "));
    return [report(`event ${i}`, our!, their!)];
  }
  return [];
}

function report(subject: string, ours: string, theirs: string): string {
  return `${shorten(subject)}\n  hutch ${shorten(ours)}\n  redis ${shorten(theirs)}`;
}

function shorten(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300)}... (${text.length})`;
}

async function flush(port: number): Promise<void> {
  const client = await RespClient.connect(port);
  const reply = await client.text("FLUSHALL");
  client.close();
  if (reply !== "+OK") throw new Error(`FLUSHALL on port ${port} was answered with ${reply}`);
}

async function cleanUp(port: number, lines: NonNullable<Case["cleanup"]>): Promise<void> {
  const client = await RespClient.connect(port);
  await client.pipeline(lines.map(splitLine));
  client.close();
}
