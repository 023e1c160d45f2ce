/** Socket.IO's two adapters: servers that share rooms through pub/sub, and through a stream. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { Server } from "socket.io";
import type { Socket } from "socket.io-client";
import { io } from "socket.io-client";
import { until } from "../support/until.ts";
import type { FrameworkServer } from "./framework-server.ts";
import { startServer } from "./framework-server.ts";

let server: FrameworkServer;
/** What each test opened, to be closed in reverse order. */
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

type Adapter = (NonNullable<ConstructorParameters<typeof Server>[0]> & object) | unknown;

/** A socket.io server with one client in it. */
async function makeNode(adapter: Adapter): Promise<{ node: Server; client: Socket }> {
  const http = createServer();
  const node = new Server(http, { adapter: adapter as never });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as { port: number };
  node.on("connection", (socket) => {
    socket.on("join", (room: string, joined: () => void) => {
      void socket.join(room);
      joined();
    });
  });
  const client = io(`http://127.0.0.1:${port}`, { transports: ["websocket"] });
  closers.push(() => {
    client.close();
    return node.close();
  });
  await until("the client's connection", () => client.connected);
  return { node, client };
}

/** Two nodes must act as one. */
async function checkTwoNodes(makeAdapter: () => Promise<Adapter>): Promise<void> {
  const one = await makeNode(await makeAdapter());
  const two = await makeNode(await makeAdapter());
  await until("both to know each other", async () => {
    try {
      return (await one.node.fetchSockets()).length === 2;
    } catch {
      return false;
    }
  });
  const heard: string[] = [];
  one.client.on("news", (text) => heard.push(`one ${text}`));
  two.client.on("news", (text) => heard.push(`two ${text}`));

  one.node.emit("news", "to all");
  await until("news on both nodes", () => heard.length === 2);
  expect(heard.sort()).toEqual(["one to all", "two to all"]);

  await two.client.emitWithAck("join", "room");
  heard.length = 0;
  one.node.to("room").emit("news", "to the room");
  await until("news in the room", () => heard.length === 1);
  expect(heard).toEqual(["two to the room"]);

  const [found] = await one.node.in("room").fetchSockets();
  expect(found!.id).toBe(two.client.id!);
  await one.node.in("room").socketsLeave("room");
  await until("the room to be empty", async () => {
    return (await one.node.in("room").fetchSockets()).length === 0;
  });
  const answers: string[] = [];
  two.node.on("question", (text: string, answer: (reply: string) => void) => {
    answers.push(text);
    answer(`${text}!`);
  });
  expect(await one.node.serverSideEmitWithAck("question", "there")).toEqual(["there!"]);
  expect(answers).toEqual(["there"]);
}

describe("Socket.IO", () => {
  test("shares rooms by pub/sub, with ioredis", async () => {
    await checkTwoNodes(async () => {
      const publisher = new Redis(server.port);
      const subscriber = publisher.duplicate();
      closers.push(
        () => publisher.disconnect(),
        () => subscriber.disconnect(),
      );
      return createAdapter(publisher, subscriber);
    });
  });

  test("shares rooms by pub/sub, with node-redis", async () => {
    await checkTwoNodes(async () => {
      const publisher = createClient({ url: `redis://127.0.0.1:${server.port}` });
      const subscriber = publisher.duplicate();
      await Promise.all([publisher.connect(), subscriber.connect()]);
      closers.push(
        () => publisher.close(),
        () => subscriber.close(),
      );
      return createAdapter(publisher, subscriber);
    });
  });

  test("shares rooms by a stream", async () => {
    await checkTwoNodes(async () => {
      const client = createClient({ url: `redis://127.0.0.1:${server.port}` });
      await client.connect();
      closers.push(() => client.close());
      return createStreamsAdapter(client, { blockTimeInMs: 100 });
    });
  });
});
