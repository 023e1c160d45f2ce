/** What chunks from sockets leave behind is collected in time: left to the engine, freeing it takes up to ten milliseconds at once. */
import { afterEach, expect, mock, test } from "bun:test";
import * as jsc from "bun:jsc";
import { createServer } from "../../src/create-server.ts";
import { RespClient } from "../support/resp-client.ts";
import { until } from "../support/until.ts";

/** The module as it is; the namespace changes with what takes its place. */
const system = { ...jsc };

afterEach(() => mock.module("bun:jsc", () => system));

test("young objects are collected after 5000 chunks, not before and not again without more", async () => {
  let collections = 0;
  void mock.module("bun:jsc", () => ({ ...system, edenGC: () => collections++ }));
  const server = await createServer({ port: 0, hz: 100 });
  const client = await RespClient.connect(server.port);
  const read = async (chunks: number): Promise<void> => {
    for (let i = 0; i < chunks; i++) await client.text("PING");
  };
  await read(4500);
  expect(collections).toBe(0);
  await read(600);
  await until("a collection", () => collections === 1);
  await read(4500);
  expect(collections).toBe(1);
  await read(600);
  await until("another", () => collections === 2);
  client.close();
  await server.stop();
});
