/** What Hutch writes into its log for a command, beside what redis-server writes for the same one. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createServer } from "../../src/create-server.ts";
import { commandsOf } from "../effects/two-engines.ts";
import { inFolder, incrementPath } from "../persistence/folder.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import { lines } from "./lines.ts";

/** Command lines that are run one after another on empty databases. */
const CASES: readonly string[] = [
  "SET k v; SET k v NX; SET l v XX; SET l v EX 100; SET l v PXAT 4000000000000 GET; SET l v KEEPTTL",
  "SETEX k 100 v; PSETEX k 100000 v; SETNX k v; SETNX n v; GETSET k w; APPEND k x; SETRANGE k 1 y",
  "SET k v; GETDEL k; GETDEL k; SET k v EX 100; GETEX k; GETEX k PERSIST; GETEX k EX 100; GETEX k PXAT 1",
  "SET k v; EXPIRE k 100; PEXPIRE k 100000; EXPIREAT k 4000000000; PERSIST k; PERSIST k; EXPIRE k -1",
  "MSET a 1 b 2; MSETNX a 1 c 2; MSETNX d 1 e 2; INCR a; DECRBY a 3; INCRBYFLOAT a 1.5; SETBIT x 3 1",
  "HSET h a 1 b 2; HSET h a 1; HSETNX h a 1; HINCRBY h a 2; HINCRBYFLOAT h a 0.5; HDEL h a b c; HDEL h a",
  "RPUSH l a b c d; LPOP l; RPOP l 2; LPUSHX l x; LPUSHX none x; LSET l 0 y; LTRIM l 0 0; LTRIM l 0 5; LREM l 0 q",
  "RPUSH l a b c d; LMOVE l m LEFT RIGHT; RPOPLPUSH l m; LMPOP 2 none l LEFT COUNT 9; LMPOP 1 none LEFT",
  "RPUSH l a b c d e f; BLPOP l 0; BRPOP none l 0; BLMOVE l m LEFT RIGHT 0; BRPOPLPUSH l m 0; BLMPOP 0 1 l RIGHT",
  "SADD s a b c d; SADD s a; SREM s q; SMOVE s t a; SMOVE s t q; SINTERSTORE u s t; SUNIONSTORE u s t; SPOP none",
  "SADD s a; SPOP s; SADD s a b; SPOP s 5; SADD s a; SREM s a",
  "ZADD z 1 a 2 b 3 c 4 d; ZADD z 1 a; ZADD z GT CH 0 a; ZINCRBY z 1.5 a; ZADD z INCR 1 a; ZREM z q",
  "ZADD z 1 a 2 b 3 c 4 d; ZPOPMIN z; ZPOPMAX z 2; BZPOPMIN z 0; ZADD z 1 a 2 b; BZPOPMAX z 0; ZMPOP 1 z MIN",
  "ZADD z 1 a 2 b; BZMPOP 0 1 z MAX COUNT 7; ZUNIONSTORE y 1 z; ZADD z 1 a; ZRANGESTORE y z 0 -1",
  "XADD s 1-1 f v; XADD s 2-* f v; XADD s NOMKSTREAM MAXLEN 1 3-1 f v; XADD none NOMKSTREAM 1-1 f v; XTRIM s MAXLEN 5",
  "XADD s 1-1 f v; XADD s 2-1 f v; XTRIM s MAXLEN ~ 1; XADD s MAXLEN ~ 1 3-1 f v; XDEL s 1-1; XSETID s 9-9",
  "XGROUP CREATE s g $ MKSTREAM; XADD s 1-1 f v; XGROUP SETID s g 0; XGROUP CREATECONSUMER s g c; XGROUP DELCONSUMER s g c; XGROUP DESTROY s g",
  "XADD s 1-1 f v; XADD s 2-1 f v; XGROUP CREATE s g 0; XREADGROUP GROUP g c NOACK STREAMS s >; XACK s g 1-1",
  "PFADD h a b; PFADD h a; PFCOUNT h; PFCOUNT h; PFMERGE i h",
  "SET k v; COPY k l; COPY k l REPLACE; COPY k l; RENAME l m; RENAMENX m k; MOVE k 3; SWAPDB 0 3; DEL k none; UNLINK none",
  "SET k v; FLUSHDB; SET k v; FLUSHALL; RPUSH l 3 1 2; SORT l STORE m; SORT none STORE m",
  "GEOADD g 1 2 a; GEOADD g NX 1 2 a; GEOSEARCHSTORE h g FROMMEMBER a BYRADIUS 9 km ASC",
  "BITFIELD b SET u8 0 7; BITFIELD b GET u8 0; BITOP AND c b; SETBIT b 0 0",
  "SET k v PX 1; DEBUG SLEEP 0.01; GET k; SET k v PX 1; DEBUG SLEEP 0.01; APPEND k w",
];

/** What differs on purpose: [what Hutch writes, what redis-server writes, why]. */
const ALLOWED: readonly (readonly [ours: string, theirs: string, reason: string])[] = [
  [
    "LMOVE l m RIGHT LEFT",
    "RPOPLPUSH l m",
    "one effect for all commands that wait to move an element",
  ],
  ["GETSET k w", "SET k w", "its own words do the same"],
  ["DEL s", "SREM s a", "SPOP of the last member takes the key with it"],
  ["GEOADD g 1 2 a", "ZADD g 3378080408407459 a", "its own words do the same, and are shorter"],
];

function normal(command: readonly string[]): string {
  return command
    .map((word, i) => (i === 0 ? word.toUpperCase() : word))
    .join(" ")
    .replaceAll(/\b1[789]\d{11}\b/g, "<time>")
    .replaceAll(/\bPXAT\b/gi, "PXAT");
}

/** The effects in a log from a place on, without what only orders them. */
function effectsFrom(path: string, size: number): string[] {
  const text = readFileSync(path, "latin1").slice(size);
  const bytes = Buffer.from(text.replaceAll(/#CRC:\w+\r\n/g, ""), "latin1");
  return commandsOf(bytes)
    .map(normal)
    .filter((effect) => !/^(SELECT \d+|MULTI|EXEC)$/.test(effect));
}

function isEqual(ours: readonly string[], theirs: readonly string[]): boolean {
  if (ours.length !== theirs.length) return false;
  return ours.every((effect, i) => {
    if (effect === theirs[i]) return true;
    return ALLOWED.some(([mine, other]) => mine === effect && other === theirs[i]);
  });
}

describe.skipIf(redisMissing !== null)("effects", () => {
  test("are those that redis-server writes", async () => {
    await inFolder(async (ours) => {
      await inFolder(async (theirs) => {
        const hutch = await createServer({
          port: 0,
          dir: ours,
          appendfsync: "no",
          "enable-debug-command": "yes",
        });
        const redis = await startRedis([
          ...["--appendonly", "yes", "--appendfsync", "no", "--dir", theirs],
        ]);
        const differences: string[] = [];
        try {
          for (const text of CASES) {
            const effects: string[][] = [];
            for (const [port, folder] of [
              [hutch.port, ours],
              [redis.port, theirs],
            ] as const) {
              const client = await RespClient.connect(port);
              await client.text("FLUSHALL");
              const path = incrementPath(folder);
              const before = readFileSync(path, "latin1").length;
              for (const line of lines(text)) await client.text(...line.split(" "));
              await client.text("PING");
              effects.push(effectsFrom(path, before));
              client.close();
            }
            const [mine, other] = effects as [string[], string[]];
            if (!isEqual(mine, other)) {
              differences.push(
                `${text}\n  hutch: ${mine.join("; ")}\n  redis: ${other.join("; ")}`,
              );
            }
          }
        } finally {
          await hutch.stop();
          await redis.stop();
        }
        expect(differences.join("\n")).toBe("");
      });
    });
  });
});
