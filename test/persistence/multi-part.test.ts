/**
 * Logs in several files (D8): the states of a folder that Redis's own tests (aof-multi-part.tcl) start a server on, and some more,
 * have the same verdict, the same data and the same manifest here and with redis-server; and so has what rewriting and switching
 * the log off and on leaves.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createServer } from "../../src/create-server.ts";
import { DataError } from "../../src/persistence/data-error.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { encodeCommand, RespClient } from "../support/resp-client.ts";
import { until } from "../support/until.ts";
import { inFolder, logFolder, manifestPath } from "./folder.ts";

const LOG = "appendonly.aof";

/** A log that sets these keys. */
function sets(...keys: readonly string[]): Buffer {
  return Buffer.concat(keys.map((key) => encodeCommand(["SET", key, "1"])));
}

/** The line of a manifest about a base or an increment. */
function line(seq: number, type: "b" | "i", more = ""): string {
  return `file ${LOG}.${seq}.${type === "b" ? "base" : "incr"}.aof seq ${seq} type ${type}${more}\n`;
}

const BASE = line(1, "b");
const FIRST = line(1, "i");
const SECOND = line(2, "i");
const THIRD = line(3, "i");

/** What lies in the folder of the log, by the number and type of its file. */
const base1 = { [`${LOG}.1.base.aof`]: sets("a") };
const base2 = { [`${LOG}.2.base.aof`]: sets("b") };
const first = { [`${LOG}.1.incr.aof`]: sets("c") };
const second = { [`${LOG}.2.incr.aof`]: sets("d") };
const third = { [`${LOG}.3.incr.aof`]: sets("e") };

interface State {
  /** null: there is none. */
  readonly manifest: string | null;
  /** In the folder of the log; null: there is no such folder. */
  readonly files: Readonly<Record<string, Buffer>> | null;
  /** The one file of a Redis before 7, beside that folder. */
  readonly single?: Buffer;
}

const STATES: Readonly<Record<string, State>> = {
  "a file is missing": { manifest: BASE + FIRST + SECOND, files: { ...base1, ...second } },
  "numbers go down": { manifest: SECOND + FIRST, files: { ...first, ...second } },
  "a number comes twice": { manifest: FIRST + FIRST, files: first },
  "a line is blank": { manifest: `${FIRST}\n${THIRD}`, files: { ...first, ...third } },
  "there are two bases": {
    manifest: BASE + line(2, "b") + FIRST,
    files: { ...base1, ...base2, ...first },
  },
  "a type is unknown": {
    manifest: BASE.replace("type b", "type x") + FIRST,
    files: { ...base1, ...first },
  },
  "a key is wrong": {
    manifest: BASE.replace("file", "filx") + FIRST,
    files: { ...base1, ...first },
  },
  "a line is too short": {
    manifest: BASE + FIRST.replace("seq 1 ", ""),
    files: { ...base1, ...first },
  },
  "a line is too long": {
    manifest: `${`${BASE.trim()} `.repeat(45)}\n${FIRST}`,
    files: { ...base1, ...first },
  },
  "a key has no value": {
    manifest: BASE + FIRST.replace("\n", " newkey\n"),
    files: { ...base1, ...first },
  },
  "a name is a path": { manifest: BASE.replace(LOG, `../${LOG}`), files: base1 },
  "a name has an open quote": { manifest: BASE.replace("file ", 'file "'), files: base1 },
  "the last line does not end": { manifest: BASE + FIRST.trim(), files: { ...base1, ...first } },
  "the manifest is empty": { manifest: "", files: {} },
  "there is nothing": { manifest: null, files: null },
  "the folder is empty": { manifest: null, files: {} },
  "numbers have a gap": {
    manifest: BASE + FIRST + THIRD,
    files: { ...base1, ...first, ...third },
  },
  "a line has keys of the future": {
    manifest: line(1, "b", " newkey newvalue") + FIRST + THIRD,
    files: { ...base1, ...first, ...third },
  },
  "a line is a comment": { manifest: `# by hand\n${BASE}${FIRST}`, files: { ...base1, ...first } },
  "a file in the middle is empty": {
    manifest: BASE + FIRST + THIRD,
    files: { ...base1, [`${LOG}.1.incr.aof`]: Buffer.alloc(0), ...third },
  },
  "the only file is empty": {
    manifest: FIRST,
    files: { [`${LOG}.1.incr.aof`]: Buffer.alloc(0) },
  },
  "there is a base alone": { manifest: BASE, files: base1 },
  "there are increments alone": { manifest: FIRST + SECOND, files: { ...first, ...second } },
  "the last file is torn": {
    manifest: FIRST + SECOND,
    files: {
      ...first,
      [`${LOG}.2.incr.aof`]: Buffer.concat([sets("d"), sets("torn").subarray(0, 10)]),
    },
  },
  "a transaction is open": {
    manifest: FIRST,
    files: {
      [`${LOG}.1.incr.aof`]: Buffer.concat([sets("c"), encodeCommand(["MULTI"]), sets("d")]),
    },
  },
  "bytes are no command": {
    manifest: FIRST,
    files: { [`${LOG}.1.incr.aof`]: Buffer.concat([sets("c"), Buffer.from("hello\r\n")]) },
  },
  "history is gone": {
    manifest: `${BASE}file ${LOG}.0.base.aof seq 1 type h\n`,
    files: base1,
  },
  "history is there": {
    manifest: `${line(2, "b")}file ${LOG}.1.base.aof seq 1 type h\n`,
    files: { ...base1, ...base2 },
  },
  "a file of an older Redis": { manifest: null, files: null, single: sets("old") },
  "a file of an older Redis whose taking over was interrupted": {
    manifest: `file ${LOG} seq 1 type b\n`,
    files: {},
    single: sets("old"),
  },
  "files of an older Redis in both places": {
    manifest: `file ${LOG} seq 1 type b\n`,
    files: { [LOG]: sets("new") },
    single: sets("old"),
  },
  "a file of an older Redis that is in neither place": {
    manifest: `file ${LOG} seq 1 type b\n`,
    files: {},
  },
};

/** A server under test, in one of its two kinds. */
interface Running {
  readonly client: RespClient;
  stop(): Promise<void>;
}

/** null: it refuses to start. */
type Start = (folder: string, name?: string, appendonly?: string) => Promise<Running | null>;

const startHutch: Start = async (folder, name = LOG, appendonly = "yes") => {
  try {
    const server = await createServer({
      ...{ port: 0, dir: folder, appendonly, appendfilename: name },
      "enable-debug-command": "yes",
    });
    const client = await RespClient.connect(server.port);
    return { client, stop: () => (client.close(), server.stop()) };
  } catch (error) {
    if (error instanceof DataError) return null;
    throw error;
  }
};

const startReference: Start = async (folder, name = LOG, appendonly = "yes") => {
  let redis;
  try {
    redis = await startRedis([
      ...["--appendonly", appendonly, "--dir", folder, "--appendfilename", name],
    ]);
  } catch {
    return null;
  }
  const client = await RespClient.connect(redis.port);
  return { client, stop: () => (client.close(), redis.terminate()) };
};

function put(folder: string, { manifest, files, single }: State): void {
  if (files !== null) mkdirSync(logFolder(folder));
  if (manifest !== null) writeFileSync(manifestPath(folder), manifest);
  for (const [name, bytes] of Object.entries(files ?? {})) {
    writeFileSync(join(logFolder(folder), name), bytes);
  }
  if (single !== undefined) writeFileSync(join(folder, LOG), single);
}

/** The keys, and what stands in the manifest; an empty base, which redis-server begins with and Hutch does not, is left out. */
async function told({ client }: Running, manifest: string): Promise<string> {
  const keys = [...(await client.text("KEYS", "*")).matchAll(/[a-z]+/g)].map(([key]) => key);
  const text = readFileSync(manifest, "latin1");
  return `${keys.toSorted().join(" ")}\n${keys.length === 0 ? text.replace(/.*base.rdb.*\n/, "") : text}`;
}

async function verdict(start: Start, state: State): Promise<string> {
  return inFolder(async (folder) => {
    put(folder, state);
    const server = await start(folder);
    if (server === null) return "refused";
    try {
      await until("the end of history", () => {
        return !readFileSync(manifestPath(folder), "latin1").includes("type h");
      });
      return await told(server, manifestPath(folder));
    } finally {
      await server.stop();
    }
  });
}

/** What a log's files are after each of these steps; `rewrite` waits for the end of one. */
const STEPS: readonly (readonly string[])[] = [
  ["SET", "a", "1"],
  ["CONFIG", "SET", "appendonly", "yes"],
  ["SET", "b", "1"],
  ["BGREWRITEAOF"],
  ["CONFIG", "SET", "appendonly", "no"],
  ["BGREWRITEAOF"],
  ["DEBUG", "LOADAOF"],
  ["CONFIG", "SET", "appendonly", "yes"],
  ["CONFIG", "SET", "aof-disable-auto-gc", "yes"],
  ["BGREWRITEAOF"],
  ["SET", "c", "1"],
  ["BGREWRITEAOF"],
  ["CONFIG", "SET", "aof-disable-auto-gc", "no"],
  ["DEBUG", "LOADAOF"],
  ["BGREWRITEAOF"],
  ["SET", "d", "1"],
  ["DEBUG", "LOADAOF"],
];

/** Waits until no rewrite goes on, and no file is there that the manifest does not name. */
async function settled({ client }: Running, folder: string): Promise<void> {
  await until("the end of a rewrite", async () => {
    if (!existsSync(manifestPath(folder))) return false;
    const info = await client.text("INFO", "persistence");
    if (!/rewrite_in_progress:0.*rewrite_scheduled:0/.test(info)) return false;
    const files = readdirSync(logFolder(folder)).filter((name) => /\.(base|incr)\./.test(name));
    const text = readFileSync(manifestPath(folder), "latin1");
    return files.every((name) => text.includes(name));
  });
}

async function story(start: Start): Promise<string[]> {
  return inFolder(async (folder) => {
    const server = await start(folder, LOG, "no");
    if (server === null) throw new Error("it did not start");
    const lines: string[] = [];
    try {
      for (const step of STEPS) {
        const reply = await server.client.text(...step);
        lines.push(`${step.join(" ")}: ${reply.slice(0, 1)}`);
        if (step[0] === "SET") continue;
        await settled(server, folder);
        lines.push(await told(server, manifestPath(folder)));
      }
    } finally {
      await server.stop();
    }
    return lines;
  });
}

describe.skipIf(redisMissing !== null)("a start where", () => {
  for (const [name, state] of Object.entries(STATES)) {
    test(`${name} has redis-server's verdict (D8)`, async () => {
      expect(await verdict(startHutch, state)).toBe(await verdict(startReference, state));
    });
  }
});

describe.skipIf(redisMissing !== null)("the files of a log", () => {
  test("are those of redis-server after each rewrite, off and on (D8)", async () => {
    expect(await story(startHutch)).toEqual(await story(startReference));
  }, 60_000);

  test("of two servers may lie in one folder, each with its own name (D8)", async () => {
    const verdicts: string[] = [];
    for (const start of [startHutch, startReference]) {
      await inFolder(async (folder) => {
        writeFileSync(join(folder, LOG), sets("a"));
        writeFileSync(join(folder, "other.aof"), sets("b"));
        for (const name of [LOG, "other.aof"]) {
          const server = await start(folder, name);
          if (server === null) throw new Error(`${name} was refused`);
          verdicts.push(await told(server, join(logFolder(folder), `${name}.manifest`)));
          await server.stop();
        }
      });
    }
    expect(verdicts.slice(0, 2)).toEqual(verdicts.slice(2));
  });
});
