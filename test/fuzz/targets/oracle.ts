/**
 * Random command lines to Hutch and to redis-server at once: every reply must be the same, and after each case all that the two
 * hold. Hutch is a process of its own, as its users start it, and its memory is watched.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Random } from "../../../src/base/random.ts";
import { isAllowed } from "../../differential/allow-list.ts";
import type { Compare } from "../../differential/case.ts";
import { isEqual, showLine } from "../../differential/case.ts";
import { compareData } from "../../differential/data-set.ts";
import type { HutchProcess } from "../../support/hutch-process.ts";
import { startHutch } from "../../support/hutch-process.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import { redisMissing, startRedis } from "../../support/redis-server.ts";
import { encodeCommand, RespClient } from "../../support/resp-client.ts";
import type { RespValue } from "../../support/resp-value.ts";
import { show } from "../../support/resp-value.ts";
import { CommandLines, ENCODING_OPTIONS } from "../command-lines.ts";
import { compareOfLine, following, preceding } from "../comparisons.ts";
import { Conversation, linesOf, partsOf } from "../conversation.ts";
import { redisPayloads } from "../redis-payloads.ts";
import type { Run, Target } from "../target.ts";
import { randomOf } from "../target.ts";

/** Commands of a case; then the data is compared, and the next one begins with nothing. */
const CASE_LINES = 1000;
/** Lines in one write at most. */
const BATCH = 50;
/** Differences that a report shows. */
const SHOWN_MAX = 5;

/** Name and password of a user that no line knows. */
const HELPER = "helper";

/** Commands that do not work on data and take part all the same. */
const OTHERS: ReadonlySet<string> = new Set([
  ...["client|caching", "client|getname", "client|getredir", "client|id", "client|no-evict"],
  ...["client|setname", "client|trackinginfo", "client|unblock", "client|unpause", "auth"],
  ...["acl|deluser", "acl|dryrun", "acl|setuser", "acl|users", "acl|whoami"],
  ...["publish", "spublish", "pubsub|channels", "pubsub|numpat", "pubsub|numsub"],
  ...["pubsub|shardchannels", "pubsub|shardnumsub", "script|exists", "script|load"],
  ...["function|delete", "function|flush", "function|list", "watch", "unwatch", "discard", "exec"],
  ...["lastsave", "time", "role", "command|count"],
]);

/** What does not take part, and why. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  // Talks to another server; takes seconds.
  ...["migrate", "pfselftest"],
  // Shows how Redis keeps what it keeps.
  "pfdebug",
  // Refuses more since 7.2.
  "xsetid",
  // Depends on how fast each of the servers is.
  "object|idletime",
  // The number of commands and the time are the server's own.
  ...["command|count", "time", "lastsave"],
]);

export const oracle: Target = {
  name: "oracle",
  what: "random commands of all kinds beside redis-server: replies and data (L10, S8, S18)",
  hangMs: 60_000,
  isTimed: true,
  missing: redisMissing,
  start: () => OracleRun.start(),
};

class OracleRun implements Run {
  readonly #hutch: HutchProcess;
  readonly #redis: RedisServer;
  readonly #folder: string;
  readonly #lines: CommandLines;
  #commands = 0;

  private constructor(
    hutch: HutchProcess,
    redis: RedisServer,
    folder: string,
    lines: CommandLines,
  ) {
    this.#hutch = hutch;
    this.#redis = redis;
    this.#folder = folder;
    this.#lines = lines;
  }

  static async start(): Promise<OracleRun> {
    const folder = mkdtempSync(join(tmpdir(), "hutch-oracle-"));
    const redis = await startRedis();
    const hutch = await startHutch({
      args: ["--enable-debug-command", "yes", "--dir", folder],
      cwd: folder,
    });
    const [ours, theirs] = await Promise.all([
      RespClient.connect(hutch.port, 3),
      RespClient.connect(redis.port, 3),
    ]);
    await Promise.all([makeHelper(ours!), makeHelper(theirs!)]);
    const names = await ours!.call("COMMAND", "DOCS");
    const known = new Set(namesOf(names));
    const source = {
      server: theirs!,
      has: (name: string) => known.has(name),
      others: OTHERS,
      leftOut: LEFT_OUT,
    };
    const lines = await CommandLines.read(source, await redisPayloads(theirs!));
    ours!.close();
    theirs!.close();
    return new OracleRun(hutch, redis, folder, lines);
  }

  get pid(): number {
    return this.#hutch.pid;
  }

  make(random: Random): Buffer {
    const lines: (readonly string[])[] = [["HELLO", random.below(2) === 0 ? "2" : "3"]];
    while (lines.length < CASE_LINES) lines.push(...this.#lines.next(random));
    return Buffer.concat(lines.map(encodeCommand));
  }

  async check(bytes: Buffer): Promise<string> {
    const random = randomOf(bytes);
    const all = linesOf(bytes);
    const protocol = all[0]?.[0] === "HELLO" && all[0][1] === "3" ? 3 : 2;
    const lines = all.filter(([name]) => name !== "HELLO").flatMap(stepsOf);
    const ports = [this.#hutch.port, this.#redis.port];
    const [ours, theirs] = await Promise.all(
      ports.map(async (port) => Conversation.open(port, protocol, await reset(port))),
    );
    try {
      const comparison = new Comparison();
      for (let at = 0; at < lines.length;) {
        const batch = lines.slice(at, at + 1 + random.below(BATCH));
        at += batch.length;
        const sent = batch.map(({ line }) => line);
        const [our, their] = await Promise.all([ours!.send(sent), theirs!.send(sent)]);
        for (const [i, step] of batch.entries()) comparison.add(step, our![i]!, their![i]!);
        if (comparison.differences.length > 0) break;
      }
      const differences = [...comparison.differences];
      if (differences.length === 0) {
        // Who compares the data must be allowed to see it.
        await Promise.all(ports.map(async (port) => (await reset(port, false)).close()));
        differences.push(...(await compareData(this.#hutch.port, this.#redis.port)));
      }
      if (differences.length > 0) throw new Error(differences.slice(0, SHOWN_MAX).join("\n"));
    } finally {
      ours!.close();
      theirs!.close();
    }
    this.#commands += lines.length;
    return `RESP${protocol}`;
  }

  parts(bytes: Buffer): readonly Buffer[] {
    return partsOf(bytes);
  }

  figures(): Readonly<Record<string, number>> {
    return { "commands of the table": this.#lines.commands, "commands sent": this.#commands };
  }

  async stop(): Promise<void> {
    await Promise.all([this.#hutch.stop(), this.#redis.stop()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A line and how its reply is compared. */
interface Step {
  readonly line: readonly string[];
  readonly compare: Compare;
}

/** What has to be sent for a line, beside it what makes both servers equal again. */
function stepsOf(line: readonly string[]): Step[] {
  const beside = (other: readonly string[]): Step => ({ line: other, compare: "type" });
  return [
    ...preceding(line).map(beside),
    { line, compare: compareOfLine(line) },
    ...following(line).map(beside),
  ];
}

/** What ends a write. */
const ECHO: Step = { line: ["ECHO"], compare: "exact" };

/** Compares replies; those of a transaction as their commands' are. */
class Comparison {
  readonly differences: string[] = [];
  #queued: Step[] = [];

  add(step: Step, ours: RespValue, theirs: RespValue): void {
    const isQueued = show(theirs) === "+QUEUED";
    if (isQueued) this.#queued.push(step);
    const name = step.line[0]?.toUpperCase();
    if (name === "EXEC" && ours.type === "array" && theirs.type === "array") {
      this.#compareAll(ours.items, theirs.items);
    } else if (!isEqual(ours, theirs, isQueued ? "exact" : step.compare)) {
      this.#report(step.line, ours, theirs);
    }
    if (!isQueued && (name === "MULTI" || name === "EXEC" || name === "DISCARD")) this.#queued = [];
  }

  /** What EXEC has answered. */
  #compareAll(ours: readonly RespValue[], theirs: readonly RespValue[]): void {
    if (ours.length !== theirs.length) {
      this.differences.push(`EXEC: ${ours.length} replies of hutch, ${theirs.length} of redis`);
      return;
    }
    // Between two writes an ECHO is queued too.
    const hasEchoes = ours.length > this.#queued.length;
    const steps = this.#queued.slice();
    for (const [i, our] of ours.entries()) {
      if (hasEchoes && /^"--token-\d+--"$/.test(show(our))) steps.splice(i, 0, ECHO);
      const { line, compare } = steps[i] ?? ECHO;
      if (!isEqual(our, theirs[i]!, compare)) this.#report(line, our, theirs[i]!);
    }
  }

  #report(line: readonly string[], ours: RespValue, theirs: RespValue): void {
    const command = showLine(line);
    if (isAllowed(command, show(ours), show(theirs))) return;
    const [a, b] = shown(ours, theirs);
    this.differences.push(`${command.slice(0, 500)}\n  hutch ${a}\n  redis ${b}`);
  }
}

/** Both replies as reports show them: of two lists as long only the first items that differ. */
function shown(ours: RespValue, theirs: RespValue): readonly [string, string] {
  if ("items" in ours && ours.type === "array" && theirs.type === "array") {
    const at = ours.items.findIndex((item, i) => show(item) !== show(theirs.items[i] ?? item));
    if (at >= 0 && ours.items.length === theirs.items.length) {
      const [a, b] = shown(ours.items[at]!, theirs.items[at]!);
      return [`[${at}] ${a}`, `[${at}] ${b}`];
    }
  }
  return [show(ours).slice(0, 300), show(theirs).slice(0, 300)];
}

/**
 * Puts a server back to the beginning, its data too if wanted. Returns a connection of a user whom nobody changes.
 */
async function reset(port: number, empties = true): Promise<RespClient> {
  const client = await RespClient.connect(port);
  await client.call("AUTH", HELPER, HELPER);
  const users = await client.call("ACL", "USERS");
  const others = users.type === "array" ? users.items : [];
  const lines: (readonly string[])[] = [
    ...(empties ? [["FLUSHALL"]] : []),
    ["SCRIPT", "FLUSH"],
    ["FUNCTION", "FLUSH"],
    ["CONFIG", "SET", ...ENCODING_OPTIONS.flat()],
    ["ACL", "SETUSER", "default", "reset", "on", "nopass", "+@all", "~*", "&*"],
  ];
  for (const user of others) {
    if (!("text" in user) || user.text === "default" || user.text === HELPER) continue;
    lines.push(["ACL", "DELUSER", user.text]);
  }
  const replies = await client.pipeline(lines);
  const wrong = replies.find((reply) => reply.type === "error");
  if (wrong !== undefined) throw new Error(show(wrong));
  return client;
}

/** Makes the user that `reset` needs. */
async function makeHelper(client: RespClient): Promise<void> {
  const reply = await client.text(
    ...["ACL", "SETUSER", HELPER, "on", `>${HELPER}`, "+@all", "~*", "&*"],
  );
  if (reply !== "+OK") throw new Error(reply);
}

/** Names of a COMMAND DOCS, those of subcommands too. */
function namesOf(docs: RespValue): string[] {
  if (docs.type !== "map") throw new Error(show(docs));
  return docs.items.flatMap(([name, doc]) => {
    const own = "text" in name ? [name.text] : [];
    if (doc.type !== "map") return own;
    const sub = doc.items.find(([field]) => "text" in field && field.text === "subcommands");
    return sub === undefined ? own : [...own, ...namesOf(sub[1])];
  });
}
