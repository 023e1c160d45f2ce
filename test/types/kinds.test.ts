import { describe, expect, test } from "bun:test";
import { createServer } from "../../src/index.ts";
import {
  EMBSTR_SIZE_MAX,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_NAMES,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
  TYPE_ZSET,
} from "../../src/types/kinds.ts";

describe("what a value is", () => {
  test("has Redis's name for every type", () => {
    const types = [TYPE_STRING, TYPE_LIST, TYPE_SET, TYPE_ZSET, TYPE_HASH, TYPE_STREAM];
    const names = ["string", "list", "set", "zset", "hash", "stream"];
    expect(types.map((type) => TYPE_NAMES[type])).toEqual(names);
  });

  test("has Redis's names for the encodings of strings, at Redis's limits", async () => {
    await using server = await createServer({ port: 0 });
    const encoding = async (value: string | number | bigint) => {
      await server.call("SET", "k", value);
      return await server.call("OBJECT", "ENCODING", "k");
    };
    expect(await encoding(-(2n ** 63n))).toBe("int");
    expect(await encoding(2n ** 63n)).toBe("embstr");
    expect(await encoding("007")).toBe("embstr");
    expect(await encoding("x".repeat(EMBSTR_SIZE_MAX))).toBe("embstr");
    expect(await encoding("x".repeat(EMBSTR_SIZE_MAX + 1))).toBe("raw");
    expect(await encoding("x".repeat(1_000_000))).toBe("raw");
    await server.call("SET", "k", "abc");
    await server.call("APPEND", "k", "d");
    expect(await server.call("OBJECT", "ENCODING", "k")).toBe("raw");
  });
});
