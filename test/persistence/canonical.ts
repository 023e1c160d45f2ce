/** Everything that a server holds, in a form in which equal data is equal text, whoever holds it. */
import { RespClient } from "../support/resp-client.ts";
import type { RespValue } from "../support/resp-value.ts";
import { quote, show } from "../support/resp-value.ts";

type Line = readonly string[];
/** Runs commands and gives their replies. */
export type Ask = (lines: readonly Line[]) => Promise<RespValue[]>;

/** Keys that are asked for at once. */
const BATCH = 500;
const SHOWN_MAX = 3;

/** The commands that tell a value, by type. */
const READS: Readonly<Record<string, (key: string) => Line[]>> = {
  string: (key) => [["GET", key]],
  list: (key) => [["LRANGE", key, "0", "-1"]],
  set: (key) => [["SMEMBERS", key]],
  zset: (key) => [["ZRANGE", key, "0", "-1", "WITHSCORES"]],
  hash: (key) => [["HGETALL", key]],
  stream: (key) => [
    ["XRANGE", key, "-", "+"],
    ["XINFO", "STREAM", key, "FULL", "COUNT", "0"],
  ],
};

/** @returns a text by database and key */
export async function canonicalData(ask: Ask): Promise<Map<string, string>> {
  const held = new Map<string, string>();
  const [info] = await ask([["INFO", "keyspace"]]);
  for (const [, database] of textOf(info!).matchAll(/^db(\d+):/gm)) {
    const [, found] = await ask([
      ["SELECT", database!],
      ["KEYS", "*"],
    ]);
    if (found!.type !== "array") throw new Error(show(found!));
    const keys = found!.items.map(textOf);
    for (let at = 0; at < keys.length; at += BATCH) {
      const batch = keys.slice(at, at + BATCH);
      const types = (await ask(batch.map((key) => ["TYPE", key]))).map(textOf);
      const reads = batch.map((key, i) => [["PEXPIRETIME", key], ...READS[types[i]!]!(key)]);
      const replies = await ask(reads.flat());
      let next = 0;
      for (const [i, key] of batch.entries()) {
        const type = types[i]!;
        const own = replies.slice(next, (next += reads[i]!.length));
        const texts = own.map((reply) => shown(reply, type));
        held.set(`db${database} ${quote(key)}`, [type, ...texts].join("\n"));
      }
    }
  }
  return held;
}

/** The same of a server behind a port. */
export async function canonicalDataOf(port: number): Promise<Map<string, string>> {
  const client = await RespClient.connect(port);
  try {
    return await canonicalData((lines) => client.pipeline(lines));
  } finally {
    client.close();
  }
}

/** @returns what differs, of some keys */
export function differences(
  a: ReadonlyMap<string, string>,
  b: ReadonlyMap<string, string>,
): string[] {
  const keys = new Set([...a.keys(), ...b.keys()]);
  const different = [...keys].filter((key) => a.get(key) !== b.get(key));
  return different.slice(0, SHOWN_MAX).map((key) => `${key}\n${a.get(key)}\n${b.get(key)}`);
}

function shown(reply: RespValue, type: string): string {
  // How entries lie in nodes, and when consumers were last seen, is not data.
  const text = (one: RespValue): string =>
    show(one).replace(/"(radix-tree-\w+|seen-time|active-time)", :-?\d+(, )?/g, "");
  if (reply.type !== "array") return text(reply);
  switch (type) {
    case "set":
      return reply.items.map(text).toSorted().join(", ");
    case "hash":
      return pairsOf(reply.items, text, text).toSorted().join(", ");
    case "zset":
      // Servers write doubles with more digits or fewer.
      return pairsOf(reply.items, text, (score) => {
        const number = textOf(score).replace("inf", "Infinity");
        return String(Number(number));
      }).join(", ");
    default:
      return text(reply);
  }
}

function pairsOf(
  items: readonly RespValue[],
  first: (item: RespValue) => string,
  second: (item: RespValue) => string,
): string[] {
  return Array.from(
    { length: items.length / 2 },
    (_, i) => `${first(items[2 * i]!)} ${second(items[2 * i + 1]!)}`,
  );
}

function textOf(value: RespValue): string {
  if (!("text" in value)) throw new Error(show(value));
  return value.text;
}
