/** Compares everything that two servers hold: keys, types, encodings, values, times to live. */
import { RespClient } from "../support/resp-client.ts";
import type { RespValue } from "../support/resp-value.ts";
import { quote, show } from "../support/resp-value.ts";
import { isAllowed } from "./allow-list.ts";
import type { Compare } from "./case.ts";
import { isEqual } from "./case.ts";

/** Both servers were asked at slightly different times. */
const TTL_TOLERANCE_MS = 5000;

/** The command that gives a whole value, by type. */
const VALUE_OF: Readonly<Record<string, (key: string) => string[]>> = {
  string: (key) => ["GET", key],
  list: (key) => ["LRANGE", key, "0", "-1"],
  set: (key) => ["SMEMBERS", key],
  zset: (key) => ["ZRANGE", key, "0", "-1", "WITHSCORES"],
  hash: (key) => ["HGETALL", key],
  stream: (key) => ["XRANGE", key, "-", "+"],
};

/** Of types whose values have an order. */
const COMPARES: Readonly<Record<string, Compare>> = {
  list: "exact",
  zset: "doubles",
  stream: "exact",
};

interface Held {
  readonly type: string;
  readonly encoding: string;
  readonly value: RespValue;
  readonly ttl: RespValue;
  /** By DEBUG DIGEST-VALUE, which sees what a reply may not show. */
  readonly digest: RespValue;
}

/** @returns the differences, each a line or more of text */
export async function compareData(ourPort: number, theirPort: number): Promise<string[]> {
  const [ours, theirs] = await Promise.all([readAll(ourPort), readAll(theirPort)]);
  const differences: string[] = [];
  for (const key of new Set([...ours!.keys(), ...theirs!.keys()])) {
    const our = ours!.get(key);
    const their = theirs!.get(key);
    if (our === undefined || their === undefined) {
      if (isExpiring(our ?? their!)) continue;
      differences.push(`${key} is only in ${our === undefined ? "redis" : "hutch"}`);
      continue;
    }
    const compared = [
      [
        "value",
        our.value,
        their.value,
        isEqual(our.value, their.value, COMPARES[our.type] ?? "unordered"),
      ],
      ["PTTL", our.ttl, their.ttl, isEqual(our.ttl, their.ttl, { near: TTL_TOLERANCE_MS })],
    ] as const;
    for (const [what, a, b, same] of compared) {
      if (same) continue;
      differences.push(`${what} of ${key}\n  hutch ${show(a)}\n  redis ${show(b)}`);
    }
    if (compared.every(([, , , same]) => same) && !isExpiring(our)) {
      if (show(our.digest) !== show(their.digest)) differences.push(`digest of ${key}`);
    }
    if (our.encoding === their.encoding) continue;
    const asked = `OBJECT ENCODING of a ${our.type}`;
    if (isAllowed(asked, our.encoding, their.encoding)) continue;
    differences.push(`encoding of ${key}\n  hutch ${our.encoding}\n  redis ${their.encoding}`);
  }
  return differences;
}

/** Whether the key may be gone when the other server is asked. */
function isExpiring(held: Held): boolean {
  return held.ttl.type === "integer" && held.ttl.value >= 0 && held.ttl.value <= TTL_TOLERANCE_MS;
}

/** Everything the server holds, by database and key. */
async function readAll(port: number): Promise<Map<string, Held>> {
  const client = await RespClient.connect(port);
  const held = new Map<string, Held>();
  try {
    const keyspace = textOf(await client.call("INFO", "keyspace"));
    for (const [, number] of keyspace.matchAll(/^db(\d+):/gm)) {
      await client.call("SELECT", number!);
      const keys = await client.call("KEYS", "*");
      if (keys.type !== "array") throw new Error(`KEYS was answered with ${show(keys)}`);
      for (const item of keys.items) {
        const key = textOf(item);
        const [type, encoding, ttl, digest] = await client.pipeline([
          ["TYPE", key],
          ["OBJECT", "ENCODING", key],
          ["PTTL", key],
          ["DEBUG", "DIGEST-VALUE", key],
        ]);
        const kind = textOf(type!);
        // A key that expires while it is read is no difference.
        if (kind === "none") continue;
        const command = VALUE_OF[kind];
        if (command === undefined) throw new Error(`no command reads a value of type ${kind}`);
        const value = await client.call(...command(key));
        if (value.type === "null bulk") continue;
        held.set(`db${number} ${quote(key)}`, {
          type: kind,
          encoding: show(encoding!),
          value,
          ttl: ttl!,
          digest: digest!,
        });
      }
    }
  } finally {
    client.close();
  }
  return held;
}

function textOf(value: RespValue): string {
  if (!("text" in value)) throw new Error(`not a string: ${show(value)}`);
  return value.text;
}
