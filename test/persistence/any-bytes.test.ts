/** Bytes that a server which takes them for text would change, in every place of every type: through memory and files (S24). */
import { expect, test } from "bun:test";
import { startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { canonicalDataOf, differences } from "./canonical.ts";
import { inFolder } from "./folder.ts";

const ALL_BYTES = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));

/** All bytes, none, what is no UTF-8, half a surrogate pair, ends of lines, a frame. */
const TEXTS: readonly string[] = [
  ALL_BYTES,
  "",
  "\xff".repeat(300),
  "\xc3\x28",
  "\xed\xa0\x80",
  "\xed\xbf\xbf\xed\xa0\x80",
  "\xf0\x9f\x98",
  "\xef\xbb\xbf",
  "\0",
  "a\0b",
  "\r\n",
  "*1\r\n$4\r\nPING\r\n",
  "#CRC:00000000\r\n",
];

/** Commands that put a text wherever bytes may stand. */
function linesWith(text: string): string[][] {
  return [
    ["SET", `s${text}`, text],
    ["APPEND", `s${text}`, text],
    ["RPUSH", `l${text}`, text, "x", text],
    ["SADD", `t${text}`, text, `${text}2`],
    ["HSET", `h${text}`, text, text, `${text}2`, ""],
    ["ZADD", `z${text}`, "1", text, "1", `${text}2`],
    ["XADD", `x${text}`, "1-1", text, text],
    ["XGROUP", "CREATE", `x${text}`, text, "0"],
    ["XREADGROUP", "GROUP", text, text, "STREAMS", `x${text}`, ">"],
    ["EVAL", "return redis.call('SET', 'e' .. KEYS[1], ARGV[1] .. KEYS[1])", "1", text, text],
    ["EVAL", `return redis.call("SET", "lua" .. KEYS[1], "${escaped(text)}")`, "1", text],
  ];
}

function escaped(text: string): string {
  return Array.from(text, (byte) => `\\${byte.charCodeAt(0).toString().padStart(3, "0")}`).join("");
}

test("any bytes come back as they were, from memory, a snapshot, a log and its base (S24)", async () => {
  await inFolder(async (dir) => {
    const options = { dir, appendonly: "yes", "enable-debug-command": "yes" };
    let server = startInProcess(options);
    await server.loaded;
    let client = await RespClient.connect(server.port);
    try {
      for (const text of TEXTS) {
        for (const line of linesWith(text)) {
          expect(show(await client.call(...line))).not.toStartWith("-");
        }
        expect(await client.call("GET", `s${text}`)).toEqual({ type: "bulk", text: text + text });
        expect(await client.call("GET", `lua${text}`)).toEqual({ type: "bulk", text });
        expect(await client.call("HGET", `h${text}`, text)).toEqual({ type: "bulk", text });
        expect(await client.text("SISMEMBER", `t${text}`, text)).toBe(":1");
        expect(await client.text("ZSCORE", `z${text}`, text)).toBe('"1"');
        expect(await client.text("LPOS", `l${text}`, text)).toBe(":0");
      }
      const before = await canonicalDataOf(server.port);
      expect(before.size).toBe(TEXTS.length * 8);
      for (const how of ["RELOAD", "LOADAOF"]) {
        expect(await client.text("DEBUG", how)).toBe("+OK");
        expect(differences(before, await canonicalDataOf(server.port))).toEqual([]);
      }
      client.close();
      await server.stop();
      server = startInProcess(options);
      await server.loaded;
      client = await RespClient.connect(server.port);
      expect(differences(before, await canonicalDataOf(server.port))).toEqual([]);
    } finally {
      client.close();
      await server.stop();
    }
  });
}, 60_000);
