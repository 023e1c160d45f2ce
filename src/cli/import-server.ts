/**
 * Copies a running server's keys into another running server: SCAN, then PTTL and DUMP of some keys at a time, then RESTORE.
 * While the target takes some, the source is asked for the next.
 *
 * It is a copy and no replica. A key that is there from beginning to end is copied, with a value and a time to live that belong
 * together (the two are read in one transaction); what is written meanwhile may be missing.
 *
 * The state (`import-state.ts`) follows behind what the target has acknowledged, so an import that is stopped in any way goes on
 * where it was.
 */
import { readFileSync } from "node:fs";
import { systemErrorText } from "../base/system-errors.ts";
import { RespConnection } from "../client/resp-connection.ts";
import type { Command, TlsTrust } from "../client/resp-connection.ts";
import { ReplyError } from "../protocol/resp-reply-decoder.ts";
import type { ReplyValue } from "../protocol/resp-reply-decoder.ts";
import type { Address, ServerImport } from "./import-request.ts";
import type { ImportState } from "./import-state.ts";
import { readState, removeState, writeState } from "./import-state.ts";
import type { ProgressPlace } from "./progress.ts";
import { grouped, Progress } from "./progress.ts";
import { quoteIfNeeded } from "./words.ts";

/** Keys that SCAN is asked for. */
const PAGE_KEYS = "512";
/** Keys that are asked for at once, and about how many bytes of values they are to have. */
const BATCH_KEYS_MAX = 128;
const BATCH_SIZE = 4 << 20;
const STATE_INTERVAL_MS = 250;
/** Keys that could not be copied are named up to this many. */
const NAMED_MAX = 10;
/** Bytes of a dump of no function libraries: version and checksum. */
const EMPTY_DUMP_SIZE = 10;

/** Why an import can't go on, in words for whoever started it. */
export class ImportError extends Error {
  override name = "ImportError";
}

/** What one page of SCAN has come to. */
class Tally {
  done = 0;
  copied = 0;
  kept = 0;
  failed = 0;
}

/** Copies everything. Throws `ImportError` or `ConnectionClosedError` (as a rejection). @returns whether nothing is missing */
export async function importServer(request: ServerImport, place: ProgressPlace): Promise<boolean> {
  const trust = trustOf(request);
  const source = await connect(request.source, trust);
  try {
    const target = await connect(request.target, trust);
    try {
      return await new ServerCopy(request, source, target, place).run();
    } finally {
      target.close();
    }
  } finally {
    source.close();
  }
}

class ServerCopy {
  readonly #request: ServerImport;
  readonly #source: RespConnection;
  readonly #target: RespConnection;
  readonly #place: ProgressPlace;
  #progress: Progress;
  #state!: ImportState;
  #savedMs = 0;
  #total = 0;
  /** Keys of a batch: few where values are large. */
  #batchKeys: number = BATCH_KEYS_MAX;
  #named = 0;

  constructor(
    request: ServerImport,
    source: RespConnection,
    target: RespConnection,
    place: ProgressPlace,
  ) {
    this.#request = request;
    this.#source = source;
    this.#target = target;
    this.#place = place;
    this.#progress = new Progress(place, "keys");
  }

  async run(): Promise<boolean> {
    const { source, target, statePath } = this.#request;
    const run = await runId(this.#source);
    if (run !== "" && run === (await runId(this.#target))) {
      throw new ImportError(`${source.shown} and ${target.shown} are the same server`);
    }
    const sizes = await databaseSizes(this.#source);
    const databases = [...sizes.keys()]
      .filter((index) => source.database === null || index === source.database)
      .toSorted((a, b) => a - b);
    this.#total = databases.reduce((sum, index) => sum + sizes.get(index)!, 0);
    this.#begin(run);
    for (const index of databases) {
      if (index < this.#state.database) continue;
      if (index > this.#state.database) {
        this.#state.database = index;
        this.#state.cursor = "0";
      }
      await this.#copyDatabase(index);
    }
    const whole = await this.#copyFunctions();
    removeState(statePath);
    const { copied, kept, failed } = this.#state;
    this.#progress.line(`${grouped(copied)} keys imported`);
    if (kept > 0) {
      this.#progress.line(
        `${grouped(kept)} keys were in ${target.shown} already and were left as they are; --replace replaces them`,
      );
    }
    if (failed > 0) this.#progress.line(`${grouped(failed)} keys could not be imported`);
    return whole && failed === 0;
  }

  /** Goes on with the state that there is, or begins. */
  #begin(run: string): void {
    const { source, target, match, replaces, statePath } = this.#request;
    const what =
      `from ${source.shown} to ${target.shown}` +
      `${match === null ? "" : ` matching ${match}`}${replaces ? " replacing" : ""}`;
    let state;
    try {
      state = readState(statePath);
    } catch (error) {
      throw new ImportError(`${statePath}: ${error instanceof Error ? error.message : error}`);
    }
    if (state !== null && state.import !== what) {
      throw new ImportError(
        `${statePath} is of an import ${state.import} that did not come to its end: delete it, or name another with --state`,
      );
    }
    if (state !== null && run !== "" && state.run === run) {
      this.#state = state;
      this.#progress = new Progress(this.#place, "keys", state.done);
      this.#progress.line(`Going on ${what} after ${grouped(state.done)} keys`);
      return;
    }
    if (state !== null) {
      this.#progress.line(`${source.shown} was restarted meanwhile; beginning again`);
    }
    this.#state = {
      ...{ import: what, run, database: 0, cursor: "0" },
      ...{ done: 0, copied: 0, kept: 0, failed: 0 },
    };
    this.#progress.line(`Importing ${grouped(this.#total)} keys ${what}`);
    this.#save();
  }

  async #copyDatabase(index: number): Promise<void> {
    const state = this.#state;
    for (const connection of [this.#source, this.#target]) {
      const { shown } = connection === this.#source ? this.#request.source : this.#request.target;
      valueOf(await connection.call("SELECT", String(index)), `${shown}, database ${index}`);
    }
    const { match, source } = this.#request;
    const filter = match === null ? [] : ["MATCH", match];
    try {
      do {
        const reply = await this.#source.call("SCAN", state.cursor, ...filter, "COUNT", PAGE_KEYS);
        const [cursor, keys] = valueOf(reply, source.shown) as [Buffer, Buffer[]];
        const tally = await this.#copyPage(keys);
        state.cursor = cursor.toString();
        state.done += tally.done;
        state.copied += tally.copied;
        state.kept += tally.kept;
        state.failed += tally.failed;
        if (state.cursor === "0") state.database = index + 1;
        this.#progress.update(state.done, this.#total);
        if (this.#place.nowMs() - this.#savedMs >= STATE_INTERVAL_MS) this.#save();
      } while (state.cursor !== "0");
    } finally {
      this.#save();
    }
  }

  /** Copies keys, and comes back when the target has acknowledged all of them. */
  async #copyPage(keys: readonly Buffer[]): Promise<Tally> {
    const tally = new Tally();
    let restoring: Promise<void> = Promise.resolve();
    for (let at = 0; at < keys.length;) {
      const batch = keys.slice(at, at + this.#batchKeys);
      at += batch.length;
      const restores = await this.#dump(batch);
      await restoring;
      restoring = this.#restore(restores, tally);
      // If the source fails first, nobody waits for this one.
      restoring.catch(() => {});
    }
    await restoring;
    tally.done = keys.length;
    return tally;
  }

  /** The commands that make copies of keys; those of keys that are gone meanwhile are left out. */
  async #dump(keys: readonly Buffer[]): Promise<Command[]> {
    const reads = keys.flatMap((key): Command[] => [
      ["PTTL", key],
      ["DUMP", key],
    ]);
    const replies = await this.#source.pipeline([["MULTI"], ...reads, ["EXEC"]]);
    const { shown } = this.#request.source;
    for (const reply of replies) valueOf(reply, shown);
    const values = replies.at(-1) as ReplyValue[];
    const restores: Command[] = [];
    let size = 0;
    for (const [index, key] of keys.entries()) {
      const left = valueOf(values[index * 2]!, shown) as number;
      const payload = valueOf(values[index * 2 + 1]!, shown) as Buffer | null;
      if (payload === null) continue;
      size += payload.length;
      // The time that is left counts from when the target takes it. 0 would stand for no end.
      const ttl = left < 0 ? "0" : String(Math.max(1, left));
      restores.push(["RESTORE", key, ttl, payload, ...(this.#request.replaces ? ["REPLACE"] : [])]);
    }
    const average = Math.max(1, size / keys.length);
    this.#batchKeys = Math.min(BATCH_KEYS_MAX, Math.max(1, Math.floor(BATCH_SIZE / average)));
    return restores;
  }

  async #restore(restores: readonly Command[], tally: Tally): Promise<void> {
    const replies = await this.#target.pipeline(restores);
    for (const [index, reply] of replies.entries()) {
      if (!(reply instanceof ReplyError)) {
        tally.copied++;
      } else if (reply.code === "BUSYKEY") {
        tally.kept++;
      } else if (reply.code === "ERR") {
        tally.failed++;
        this.#name(restores[index]![1] as Buffer, reply);
      } else {
        // Not this key's fault: no memory, no rights, a disk that is full.
        throw new ImportError(`${this.#request.target.shown}: ${reply.message}`);
      }
    }
  }

  /** Says why a key could not be copied. */
  #name(key: Buffer, reason: ReplyError): void {
    if (this.#named === NAMED_MAX) return;
    this.#named++;
    this.#progress.line(`${quoteIfNeeded(key.toString("latin1"))}: ${reason.message}`);
  }

  /** Copies the function libraries, if all there is is wanted. @returns whether none is missing */
  async #copyFunctions(): Promise<boolean> {
    const { source, match, replaces } = this.#request;
    if (match !== null || source.database !== null) return true;
    const payload = await this.#source.call("FUNCTION", "DUMP");
    if (!Buffer.isBuffer(payload) || payload.length <= EMPTY_DUMP_SIZE) return true;
    const policy = replaces ? "REPLACE" : "APPEND";
    const reply = await this.#target.call("FUNCTION", "RESTORE", payload, policy);
    if (!(reply instanceof ReplyError)) return true;
    this.#progress.line(`The function libraries could not be imported: ${reply.message}`);
    return false;
  }

  #save(): void {
    this.#savedMs = this.#place.nowMs();
    writeState(this.#request.statePath, this.#state);
  }
}

function trustOf({ authoritiesPath, insecure }: ServerImport): TlsTrust {
  if (authoritiesPath === null) return { authorities: null, insecure };
  try {
    return { authorities: readFileSync(authoritiesPath, "utf8"), insecure };
  } catch (error) {
    throw new ImportError(`${authoritiesPath}: ${systemErrorText(error)}`);
  }
}

async function connect(address: Address, trust: TlsTrust): Promise<RespConnection> {
  const { host, port, user, password, tls, shown } = address;
  const connection = await RespConnection.open(host, port, tls ? trust : null);
  try {
    if (password !== "") {
      const words = user === "" ? [password] : [user, password];
      valueOf(await connection.call("AUTH", ...words), shown);
    }
    valueOf(await connection.call("PING"), shown);
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}

/** A reply that is no error. Throws `ImportError`. @param where the server, for the message */
function valueOf(reply: ReplyValue, where: string): ReplyValue {
  if (reply instanceof ReplyError) throw new ImportError(`${where}: ${reply.message}`);
  return reply;
}

/** What tells one process of a server from the next, or "" if it does not say. */
async function runId(connection: RespConnection): Promise<string> {
  const info = await connection.call("INFO", "server");
  return /^run_id:(\w+)/m.exec(String(info))?.[1] ?? "";
}

/** How many keys each database has that has any. */
async function databaseSizes(connection: RespConnection): Promise<Map<number, number>> {
  const info = await connection.call("INFO", "keyspace");
  const lines = String(info).matchAll(/^db(\d+):keys=(\d+)/gm);
  return new Map(Array.from(lines, ([, index, keys]) => [Number(index), Number(keys)]));
}
