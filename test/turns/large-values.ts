/** Values of any number of elements, sent to a server in few commands and without an object an element on the way. */
import type { RespClient } from "../support/resp-client.ts";

/** Elements of one command. */
const BATCH = 2000;
/** Commands that are under way at once. */
const AHEAD = 16;

/** A kind of large value: how OBJECT ENCODING calls it, and the command that adds elements `from` to `end`. */
export interface LargeKind {
  readonly name: string;
  readonly encoding: string;
  add(key: string, from: number, end: number): string;
  /** Another value of the type, small; stored over the large one by `overwrite`. */
  readonly small: string;
  /** Stores something else under the key `big`, if the type has a command that does. */
  readonly overwrite: string | null;
}

/** A command in RESP: `words`, and for each element what `elements` gives. */
function command(words: string, from: number, end: number, each: (n: number) => string[]): string {
  const parts = words.split(" ").map(bulk);
  let count = parts.length;
  for (let n = from; n < end; n++) {
    for (const word of each(n)) {
      parts.push(bulk(word));
      count++;
    }
  }
  return `*${count}\r\n${parts.join("")}`;
}

function bulk(word: string): string {
  return `$${word.length}\r\n${word}\r\n`;
}

/** Values that are long enough for a block of their own stand among the short ones. */
function content(n: number): string {
  return n % 64 === 0 ? "v".repeat(300) : `value:${n}`;
}

export const LARGE_KINDS: readonly LargeKind[] = [
  {
    name: "list",
    encoding: "quicklist",
    add: (key, from, end) => command(`RPUSH ${key}`, from, end, (n) => [content(n)]),
    small: "RPUSH small 1",
    overwrite: "SORT small STORE big",
  },
  {
    name: "hash",
    encoding: "hashtable",
    add: (key, from, end) => command(`HSET ${key}`, from, end, (n) => [`field:${n}`, content(n)]),
    small: "HSET small field 1",
    overwrite: null,
  },
  {
    name: "set",
    encoding: "hashtable",
    add: (key, from, end) => command(`SADD ${key}`, from, end, (n) => [`member:${n}`]),
    small: "SADD small member",
    overwrite: "SUNIONSTORE big small",
  },
  {
    name: "sorted set",
    encoding: "skiplist",
    add: (key, from, end) =>
      command(`ZADD ${key}`, from, end, (n) => [String((n * 7919) % 1_000_003), `member:${n}`]),
    small: "ZADD small 1 member",
    overwrite: "ZUNIONSTORE big 1 small",
  },
  {
    name: "stream",
    encoding: "stream",
    add: (key, from, end) => {
      const entries: string[] = [];
      for (let n = from; n < end; n++)
        entries.push(command(`XADD ${key} ${n + 1}-1 field ${n}`, 0, 0, () => []));
      return entries.join("");
    },
    small: "XADD small * field 1",
    overwrite: null,
  },
];

/** Adds `count` elements to the key. */
export async function fillLarge(
  client: RespClient,
  kind: LargeKind,
  key: string,
  count: number,
): Promise<void> {
  const repliesEach = kind.encoding === "stream" ? BATCH : 1;
  let waiting = 0;
  for (let from = 0; from < count; from += BATCH) {
    client.write(kind.add(key, from, Math.min(count, from + BATCH)));
    waiting += Math.min(repliesEach, count - from);
    if (waiting < AHEAD * repliesEach) continue;
    await client.readMany(waiting);
    waiting = 0;
  }
  await client.readMany(waiting);
}
