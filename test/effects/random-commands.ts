/** Random commands of all kinds, and more than by chance of those whose effects differ from what was sent. */
import type { Random } from "../../src/base/random.ts";
import type { DocCommand } from "../differential/grammar.ts";
import { isOfData, randomCommand, readDocs } from "../differential/grammar.ts";
import { startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { pick } from "../support/seed.ts";

const POLICIES: readonly string[] = ["KEEPREF", "DELREF", "ACKED"];

/** Commands on consumer groups that mean the same few streams, groups and consumers. */
function groupCommand(random: Random): string[] {
  const key = pick(random, ["a", "b"]);
  const group = pick(random, ["g", "h"]);
  const consumer = pick(random, ["c", "d", "e"]);
  const id = pick(random, ["1", "2", "3", "4", "5"]);
  const idle = pick(random, ["0", "0", "1000"]);
  return pick(random, [
    ["DEL", key],
    ["XADD", key, "*", "f", "v"],
    ["XADD", key, "MAXLEN", "~", "3", "*", "f", "v"],
    ["XADD", key, id, "f", "v"],
    ["XDEL", key, id],
    ["XGROUP", "CREATE", key, group, pick(random, ["0", "$", id]), "MKSTREAM"],
    ["XGROUP", "SETID", key, group, pick(random, ["0", "$", id])],
    ["XGROUP", "DELCONSUMER", key, group, consumer],
    ["XREADGROUP", "GROUP", group, consumer, "COUNT", "2", "STREAMS", key, ">"],
    ["XREADGROUP", "GROUP", group, consumer, "NOACK", "COUNT", "1", "STREAMS", key, ">"],
    ["XREADGROUP", "GROUP", group, consumer, "STREAMS", key, "0"],
    ["XREADGROUP", "GROUP", group, consumer, "BLOCK", "0", "STREAMS", "a", "b", ">", ">"],
    ["XACK", key, group, id],
    ["XCLAIM", key, group, consumer, idle, id, "1", "2", "3"],
    ["XCLAIM", key, group, consumer, idle, id, "FORCE", "LASTID", "4", "JUSTID"],
    ["XAUTOCLAIM", key, group, consumer, idle, "0", "COUNT", "2"],
    ["XTRIM", key, "MAXLEN", "~", "2"],
    ["XTRIM", key, "MAXLEN", pick(random, ["=", "~"]), "1", pick(random, POLICIES)],
    ["XADD", key, pick(random, POLICIES), "MAXLEN", "~", "2", "LIMIT", "9", "*", "f", "v"],
    ["XADD", key, "MINID", id, pick(random, POLICIES), "6-*", "f", "v"],
    ["XDELEX", key, pick(random, POLICIES), "IDS", "3", id, "1", "2"],
    ["XACKDEL", key, group, pick(random, POLICIES), "IDS", "3", id, "1", "2"],
    ["XREADGROUP", "GROUP", group, consumer, "CLAIM", idle, "STREAMS", key, ">"],
    ["XREADGROUP", "GROUP", group, consumer, "BLOCK", "0", "CLAIM", "500", "STREAMS", key, ">"],
  ]);
}

/** Commands on a few hashes, sets and sorted sets whose members expire. */
function memberCommand(random: Random): string[] {
  const key = pick(random, ["a", "b"]);
  const member = pick(random, ["m", "n", "5"]);
  const letter = pick(random, ["H", "S", "Z"]);
  const word = letter === "H" ? "FIELDS" : "MEMBERS";
  const ms = pick(random, ["0", "1", "500", "2000", "100000"]);
  return pick(random, [
    ["DEL", key],
    ["HSET", `h${key}`, "m", "1", member, "2"],
    ["SADD", `s${key}`, "m", member],
    ["ZADD", `z${key}`, "1", "m", "2", member],
    [`${letter}PEXPIRE`, `${letter.toLowerCase()}${key}`, ms, word, "2", member, "m"],
    [`${letter}PEXPIRE`, `${letter.toLowerCase()}${key}`, ms, "LT", word, "1", member],
    [`${letter}EXPIRE`, `${letter.toLowerCase()}${key}`, "1", "NX", word, "1", member],
    [`${letter}PERSIST`, `${letter.toLowerCase()}${key}`, word, "1", member],
    ["HINCRBYFLOAT", `h${key}`, member, "1.5"],
    ["HSETEX", `h${key}`, "PX", ms, "FIELDS", "2", member, "3", "m", "4"],
    ["HGETEX", `h${key}`, "PX", ms, "FIELDS", "1", member],
    ["HGETEX", `h${key}`, "PERSIST", "FIELDS", "1", member],
    ["SPOP", `s${key}`, "1"],
    ["ZPOPMAX", `z${key}`, "1"],
    ["SMOVE", "sa", "sb", member],
    ["RENAME", `${letter.toLowerCase()}a`, `${letter.toLowerCase()}b`],
    ["COPY", `${letter.toLowerCase()}a`, `${letter.toLowerCase()}b`, "REPLACE"],
  ]);
}

/** Words that begin and end transactions, mostly in that order. */
const TRANSACTIONS: readonly string[] = ["MULTI", "MULTI", "EXEC", "EXEC", "EXEC", "DISCARD"];

/** A command of one of the kinds. */
export function someCommand(random: Random, docs: readonly DocCommand[]): readonly string[] {
  if (random.below(6) === 0) return [pick(random, TRANSACTIONS)];
  const kind = random.below(10);
  if (kind < 2) return groupCommand(random);
  return kind < 5 ? memberCommand(random) : randomCommand(random, docs).line;
}

/** The commands on data as a server describes them, for `someCommand`. @param leftOut names of others */
export async function readDataCommands(leftOut: ReadonlySet<string>): Promise<DocCommand[]> {
  const instance = startInProcess();
  const client = await RespClient.connect(instance.port, 3);
  try {
    return await readDocs(
      client,
      () => true,
      (name, group) => isOfData(name, group) && !leftOut.has(name),
    );
  } finally {
    client.close();
    await instance.stop();
  }
}
