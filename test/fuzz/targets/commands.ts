/**
 * Random commands of all kinds, those that redis-server 7.0 does not have among them, on a server in this process whose memory
 * checks every block, and moves blocks between them. Each is answered by one frame (S18), none keeps the server for long, and afterwards the data is what it
 * says it is: keys are counted, saved and loaded, and replayed from the log, and the digest stays the same; when all is deleted
 * nothing is left.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Random } from "../../../src/base/random.ts";
import type { Instance } from "../../../src/instance.ts";
import { emptyAll, startInProcess } from "../../support/in-process.ts";
import { encodeCommand, RespClient } from "../../support/resp-client.ts";
import { show } from "../../support/resp-value.ts";
import { until } from "../../support/until.ts";
import { CommandLines, ENCODING_OPTIONS } from "../command-lines.ts";
import { Conversation, linesOf, partsOf } from "../conversation.ts";
import type { Run, Target } from "../target.ts";
import { randomOf } from "../target.ts";

const CASE_LINES = 200;
/** Lines in one write at most. */
const BATCH = 40;
/** The log is written anew when it has this size. */
const LOG_SIZE_MAX = 1024 * 1024;
/** Blocks of structures that come into being with the first key that needs them. */
const LASTING_MAX = 4;
/** Time stands still: what expires does not depend on how fast this machine is. */
const NOW_MS = 1.8e12;
const PAYLOADS: readonly (readonly string[])[] = [
  ["SET", "k", "hello"],
  ["RPUSH", "k", "a", "b", "17"],
  ["SADD", "k", "1", "2", "3"],
  ["HSET", "k", "a", "1", "b", "2"],
  ["ZADD", "k", "1", "a", "2", "b"],
  ["XADD", "k", "1-1", "a", "1"],
];

/** Commands that do not work on data and take part all the same. */
const OTHERS: ReadonlySet<string> = new Set([
  ...["publish", "spublish", "script|exists", "script|load", "function|list", "function|delete"],
  ...["watch", "unwatch", "discard", "exec", "config|get", "client|list", "client|info", "info"],
  ...["memory|stats", "memory|doctor", "latency|latest", "slowlog|get", "command|docs", "acl|list"],
  ...["acl|dryrun", "acl|getuser", "pubsub|channels", "lolwut", "role", "time", "object|freq"],
]);

/** Talks to another server; takes seconds; waits for a disk. */
const LEFT_OUT: ReadonlySet<string> = new Set(["migrate", "pfselftest", "waitaof"]);

export const commands: Target = {
  name: "commands",
  what: "random commands of all kinds in verify mode: frames, digests, saving, the log (S18, S23, S26)",
  hangMs: 30_000,
  start: () => CommandsRun.start(),
};

class CommandsRun implements Run {
  readonly #server: Instance;
  readonly #folder: string;
  readonly #lines: CommandLines;
  readonly #admin: RespClient;
  #blocksEmpty = Infinity;
  /** What was thrown in a callback of the server. */
  #thrown: unknown = null;
  #sent = 0;
  readonly #onThrown = (error: unknown): void => {
    this.#thrown = error;
  };

  private constructor(server: Instance, folder: string, lines: CommandLines, admin: RespClient) {
    this.#server = server;
    this.#folder = folder;
    this.#lines = lines;
    this.#admin = admin;
    process.on("uncaughtException", this.#onThrown);
    process.on("unhandledRejection", this.#onThrown);
  }

  static async start(): Promise<CommandsRun> {
    const folder = mkdtempSync(join(tmpdir(), "hutch-commands-"));
    const server = startInProcess({
      "enable-debug-command": "yes",
      dir: folder,
      appendonly: "yes",
      appendfsync: "no",
    });
    await server.loaded;
    server.engine.clock.freeze(NOW_MS);
    const admin = await RespClient.connect(server.port, 3);
    const source = { server: admin, has: () => true, others: OTHERS, leftOut: LEFT_OUT };
    const lines = await CommandLines.read(source, await payloads(admin));
    return new CommandsRun(server, folder, lines, admin);
  }

  /** Moves blocks of some keys, as many as there can be, whatever is under way: nobody may notice. */
  #moveBlocks(random: Random): void {
    const { arena } = this.#server.engine.keyspace.store;
    const { walk } = this.#server.engine.keyspace.defragmentation;
    arena.movesAll = true;
    walk.largeFrom = random.below(2) === 0 ? 4 : 1000;
    if (!walk.step(random.below(200))) walk.begin();
    arena.movesAll = false;
  }

  make(random: Random): Buffer {
    const lines: (readonly string[])[] = [["HELLO", random.below(2) === 0 ? "2" : "3"]];
    const mayChange = random.below(3) === 0;
    while (lines.length < CASE_LINES) {
      lines.push(...this.#lines.next(random).filter((line) => mayChange || !isConfigSet(line)));
    }
    return Buffer.concat(lines.map(encodeCommand));
  }

  async check(bytes: Buffer): Promise<string> {
    const random = randomOf(bytes);
    const [first, ...lines] = linesOf(bytes);
    const protocol = first?.[1] === "3" ? 3 : 2;
    await this.#reset();
    const helper = await RespClient.connect(this.#server.port);
    const conversation = await Conversation.open(this.#server.port, protocol, helper);
    try {
      for (let at = 0; at < lines.length;) {
        const batch = lines.slice(at, at + 1 + random.below(BATCH));
        at += batch.length;
        await conversation.send(batch);
        this.#moveBlocks(random);
      }
    } finally {
      conversation.close();
    }
    this.#sent += lines.length;
    await this.#checkData(lines.some(isConfigSet));
    if (this.#thrown !== null) throw this.#thrown;
    return `RESP${protocol}`;
  }

  parts(bytes: Buffer): readonly Buffer[] {
    return partsOf(bytes);
  }

  figures(): Readonly<Record<string, number>> {
    return { "commands of the table": this.#lines.commands, "commands sent": this.#sent };
  }

  async stop(): Promise<void> {
    process.off("uncaughtException", this.#onThrown);
    process.off("unhandledRejection", this.#onThrown);
    this.#admin.close();
    await this.#server.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Runs a command that must be answered with what is expected. */
  async #run(line: readonly string[], expected: string): Promise<void> {
    const reply = await this.#admin.text(...line);
    if (reply !== expected) throw new Error(`${line.join(" ")} is answered with ${reply}`);
  }

  async #reset(): Promise<void> {
    await this.#run(["FLUSHALL"], "+OK");
    await this.#run(["SCRIPT", "FLUSH"], "+OK");
    await this.#run(["FUNCTION", "FLUSH"], "+OK");
    await this.#run(["CONFIG", "SET", ...ENCODING_OPTIONS.flat()], "+OK");
    emptyAll(this.#server);
    const { blocks } = this.#server.engine.keyspace.store.arena;
    // Some structures come into being with the first key that needs them, and stay.
    if (blocks > this.#blocksEmpty + LASTING_MAX) {
      throw new Error(`${blocks} blocks are left, and were ${this.#blocksEmpty}`);
    }
    this.#blocksEmpty = Math.min(this.#blocksEmpty, blocks);
    const { base, current } = logSizes(show(await this.#admin.call("INFO", "persistence")));
    if (current < base + LOG_SIZE_MAX) return;
    await this.#run(["BGREWRITEAOF"], "+Background append only file rewriting started");
    await until("the log's rewriting", async () =>
      show(await this.#admin.call("INFO", "persistence")).includes("aof_rewrite_in_progress:0"),
    );
  }

  /** @param isChanged options were changed: a log that is run again under others may give strings of another form */
  async #checkData(isChanged: boolean): Promise<void> {
    await this.#checkCounts();
    const before = await this.#admin.text("DEBUG", "DIGEST");
    for (const how of isChanged ? ["RELOAD"] : ["RELOAD", "LOADAOF"]) {
      await this.#run(["DEBUG", how], "+OK");
      const after = await this.#admin.text("DEBUG", "DIGEST");
      if (after !== before) throw new Error(`DEBUG ${how} changes ${before} to ${after}`);
      await this.#checkCounts();
    }
  }

  /** As many keys are found as there are said to be. */
  async #checkCounts(): Promise<void> {
    for (const [number, { size }] of this.#server.engine.keyspace.databases.entries()) {
      if (size === 0 && number > 2) continue;
      await this.#run(["SELECT", `${number}`], "+OK");
      // A key that was born too late is counted until it is taken away: by SCAN, since the clock stands still.
      await this.#admin.call("SCAN", "0", "COUNT", "1000000");
      const keys = await this.#admin.call("KEYS", "*");
      const counted = await this.#admin.text("DBSIZE");
      if (keys.type === "array" && counted === `:${keys.items.length}`) continue;
      throw new Error(`database ${number} counts ${counted} keys, and has ${show(keys)}`);
    }
    await this.#run(["SELECT", "0"], "+OK");
  }
}

function isConfigSet([name, sub]: readonly string[]): boolean {
  return /^config$/i.test(name ?? "") && /^set$/i.test(sub ?? "");
}

async function payloads(admin: RespClient): Promise<string[]> {
  const found: string[] = [];
  for (const line of PAYLOADS) {
    await admin.call("DEL", "k");
    await admin.call(...line);
    const dump = await admin.call("DUMP", "k");
    if (dump.type !== "bulk") throw new Error(show(dump));
    found.push(dump.text);
  }
  await admin.call("DEL", "k");
  return found;
}

/** Bytes of the log, when it was written anew and now. */
function logSizes(info: string): { readonly base: number; readonly current: number } {
  const field = (name: string): number => Number(new RegExp(`${name}:(\\d+)`).exec(info)?.[1] ?? 0);
  return { base: field("aof_base_size"), current: field("aof_current_size") };
}
