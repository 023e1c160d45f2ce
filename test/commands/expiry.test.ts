import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";

let server: Instance;
let client: RespClient;

beforeEach(async () => {
  server = startInProcess();
  server.engine.clock.freeze(1_700_000_000_000);
  client = await RespClient.connect(server.port);
});

afterEach(async () => {
  client.close();
  await server.stop();
});

async function run(line: string): Promise<string> {
  return await client.text(...line.split(" "));
}

describe("expiry", () => {
  test("a key is there until its time has come and then for nobody", async () => {
    await run("SET k v");
    expect(await run("PEXPIRE k 100")).toBe(":1");
    server.engine.clock.advance(99);
    expect(await run("GET k")).toBe('"v"');
    expect(await run("PTTL k")).toBe(":1");
    server.engine.clock.advance(1);
    expect(await run("EXISTS k")).toBe(":0");
    for (const command of ["GET k", "TYPE k", "OBJECT ENCODING k", "RANDOMKEY"]) {
      expect(await run(command)).toMatch(/^(null bulk|\+none)$/);
    }
    expect(await run("KEYS *")).toBe("[]");
    expect(await run("SCAN 0")).toBe('["0", []]');
    expect(await run("RENAME k l")).toBe("-ERR no such key");
    expect(await run("PERSIST k")).toBe(":0");
    expect(server.engine.keyspace.store.expired).toBe(1);
  });

  test("what is left is counted from now, what was set is not", async () => {
    await run("SET k v");
    await run("EXPIRE k 100");
    server.engine.clock.advance(1600);
    expect(await run("TTL k")).toBe(":98");
    expect(await run("PTTL k")).toBe(":98400");
    expect(await run("EXPIRETIME k")).toBe(":1700000100");
    expect(await run("PEXPIRETIME k")).toBe(":1700000100000");
  });

  test("times beyond 2^53 stay exact when the entry moves", async () => {
    for (const time of ["9007199254740993", "9223372036854775807", "9223372036854774785"]) {
      await run("SET k v");
      expect(await run(`PEXPIREAT k ${time}`)).toBe(":1");
      await run(`APPEND k ${"x".repeat(200)}`);
      await run("RENAME k l");
      await run("COPY l k");
      expect(await run("PEXPIRETIME k")).toBe(`:${time}`);
      expect(await run("PTTL k")).toBe(`:${BigInt(time) - BigInt(server.engine.clock.nowMs)}`);
      expect(await run(`PEXPIREAT k ${time} GT`)).toBe(":0");
      expect(await run(`PEXPIREAT k ${BigInt(time) - 1n} LT`)).toBe(":1");
      expect(await run("PEXPIRETIME k")).toBe(`:${BigInt(time) - 1n}`);
      server.engine.clock.advance(1e9);
      expect(await run("EXISTS k l")).toBe(":2");
      await run("DEL k l");
    }
  });

  test("a time that is past deletes the key at once and counts as a change", async () => {
    const { store } = server.engine.keyspace;
    await run("SET k v");
    const changes = store.changes;
    expect(await run("EXPIREAT k 1")).toBe(":1");
    expect(server.engine.keyspace.databases[0]!.size).toBe(0);
    expect(store.changes).toBe(changes + 1);
    expect(store.expired).toBe(0);
  });

  test("refused commands change nothing", async () => {
    await run("SET k v");
    await run("EXPIRE k 100");
    const { changes } = server.engine.keyspace.store;
    const refused = ["k x", "k 9223372036854775807", "k 5 NX XX", "k 5 GT LT", "k 5 bad", "k 5 NX"];
    for (const line of refused) await run(`EXPIRE ${line}`);
    expect(await run("TTL k")).toBe(":100");
    expect(server.engine.keyspace.store.changes).toBe(changes);
  });

  test("looking at the time does not count as a use of the key", async () => {
    await run("SET k v");
    await run("EXPIRE k 1000");
    server.engine.clock.advance(30_000);
    for (const command of ["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "EXISTS", "TYPE"]) {
      await run(`${command} k`);
    }
    expect(await run("OBJECT IDLETIME k")).toBe(":30");
    await run("GET k");
    expect(await run("OBJECT IDLETIME k")).toBe(":0");
  });

  test("a key that is used after somebody only looked at it counts as used", async () => {
    for (const command of ["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "EXISTS", "TYPE", "TOUCH"]) {
      await run("SET k v");
      server.engine.clock.advance(10_000);
      await run(`${command} none`);
      await run("STRLEN k");
      expect(`${command} ${await run("OBJECT IDLETIME k")}`).toBe(`${command} :0`);
    }
  });
});
