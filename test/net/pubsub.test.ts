/** Messages on their way to subscribers: when they leave, to how many, and what one who does not read costs. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { CHANNEL } from "../../src/commands/channels.ts";
import type { Connection } from "../../src/net/connection.ts";
import type { Instance } from "../../src/instance.ts";
import { crowding } from "../support/crowding.ts";
import { startInProcess } from "../support/in-process.ts";
import { ConnectionClosed, RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { rounds, seeded } from "../support/seed.ts";
import { until } from "../support/until.ts";

// On a busy machine megabytes take their time.
setDefaultTimeout(30_000);

const MIB: number = 1024 * 1024;
/** Bytes of what a slow subscriber is sent. */
const PIECE: number = 256 * 1024;
/** Subscribers of one message. */
const MANY: number = rounds > 1 ? 5000 : 500;

let hutch: Instance;
let clients: RespClient[];

beforeEach(() => {
  hutch = startInProcess();
  clients = [];
});

afterEach(async () => {
  for (const client of clients) client.close();
  await hutch.stop();
});

async function connect(protocol: 2 | 3 = 2): Promise<RespClient> {
  const client = await RespClient.connect(hutch.port, protocol);
  clients.push(client);
  return client;
}

async function subscribe(...channels: string[]): Promise<RespClient> {
  const client = await connect();
  await client.call("SUBSCRIBE", ...channels);
  return client;
}

async function nextOf(client: RespClient): Promise<string> {
  return show(await client.read());
}

describe("a message", () => {
  test("reaches all subscribers of a channel, whichever protocol they speak", async () => {
    const subscribers = await Promise.all(
      Array.from({ length: MANY }, async (_, i) => {
        const client = await connect(i % 2 === 0 ? 2 : 3);
        await client.call("SUBSCRIBE", "all");
        return client;
      }),
    );
    const publisher = await connect();
    expect(await publisher.text("PUBLISH", "all", "hello")).toBe(`:${MANY}`);
    expect(await publisher.text("PUBLISH", "all", "again")).toBe(`:${MANY}`);
    const got = await Promise.all(
      subscribers.map(async (client) => [await nextOf(client), await nextOf(client)].join(" ")),
    );
    expect(new Set(got)).toEqual(
      new Set([
        '["message", "all", "hello"] ["message", "all", "again"]',
        '>["message", "all", "hello"] >["message", "all", "again"]',
      ]),
    );
  });

  test("of any size arrives whole, several of one turn in their order", async () => {
    const subscriber = await subscribe("c");
    const publisher = await connect();
    const sizes = [0, 1, 20_000, 3 * MIB, 1, 100_000];
    await publisher.pipeline(
      sizes.map((size, i) => ["PUBLISH", "c", Buffer.alloc(size, 0x61 + i)]),
    );
    for (const [i, size] of sizes.entries()) {
      const frame = await subscriber.read();
      expect(frame.type).toBe("array");
      const text = frame.type === "array" ? frame.items[2]! : frame;
      expect(text).toEqual({ type: "bulk", text: String.fromCharCode(0x61 + i).repeat(size) });
    }
  });

  test("comes behind the reply of the command that its receiver published with", async () => {
    const client = await connect(3);
    client.write("SUBSCRIBE c\r\nPUBLISH c 1\r\nECHO between\r\nPUBLISH c 2\r\nPING\r\n");
    const frames = (await client.readMany(7)).map(show);
    expect(frames).toEqual([
      '>["subscribe", "c", :1]',
      ":1",
      '>["message", "c", "1"]',
      '"between"',
      ":1",
      '>["message", "c", "2"]',
      "+PONG",
    ]);
  });

  test("that a write has caused waits until the write is safe, and so does what follows it", async () => {
    const subscriber = await subscribe("__keyevent@0__:set", "plain");
    await subscriber.read();
    const writer = await connect();
    await writer.text("CONFIG", "SET", "notify-keyspace-events", "EA");
    const { engine } = hutch;
    let size = 0;
    engine.record(true);
    engine.gate.setLog({
      write: (_bytes, _size, offset) => {
        size = offset;
        return true;
      },
    });
    writer.write("SET k v\r\n");
    await until("the write reaches the log", () => size > 0);
    const { effects, channels } = engine;
    const word = Buffer.from("plain");
    channels.publish(word, 0, word.length, word, 0, word.length);
    // Some turns: whatever was to be sent has been.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    await Bun.sleep(20);
    expect(subscriber.unread).toBe(0);
    expect(writer.unread).toBe(0);
    engine.gate.advance(effects.offset);
    expect(await nextOf(subscriber)).toBe('["message", "__keyevent@0__:set", "k"]');
    expect(await nextOf(subscriber)).toBe('["message", "plain", "plain"]');
    expect(await nextOf(writer)).toBe("+OK");
    engine.record(false);
    engine.gate.setLog(null);
  });

  test("tells of keys and members that expire within a second, though nobody touches them", async () => {
    const subscriber = await connect();
    await subscriber.call("PSUBSCRIBE", "__keyevent@0__:*expired");
    const client = await connect();
    await client.text("CONFIG", "SET", "notify-keyspace-events", "EA");
    const startMs = performance.now();
    await client.pipeline([
      ["SET", "key", "v", "PX", 20],
      ["HSET", "hash", "f", "v", "g", "v"],
      ["HPEXPIRE", "hash", 20, "FIELDS", 1, "f"],
      ["SADD", "set", "a", "b"],
      ["SPEXPIRE", "set", 20, "MEMBERS", 1, "a"],
      ["ZADD", "zset", 1, "a", 2, "b"],
      ["ZPEXPIRE", "zset", 20, "MEMBERS", 1, "a"],
    ]);
    const events = await Promise.all(Array.from({ length: 4 }, () => nextOf(subscriber)));
    expect(events.map((event) => /:(\w+expired|expired)", "(\w+)"/.exec(event)!.slice(1))).toEqual(
      expect.arrayContaining([
        ["expired", "key"],
        ["hexpired", "hash"],
        ["sexpired", "set"],
        ["zexpired", "zset"],
      ]),
    );
    expect(performance.now() - startMs).toBeLessThan(1000 * crowding());
  });
});

describe("a subscriber who does not read", () => {
  test("is closed at the hard limit of its class, and others get their messages", async () => {
    const { engine } = hutch;
    engine.options.set("client-output-buffer-limit", "pubsub 2mb 0 0");
    const slow = await subscribe("c");
    slow.pause();
    const quick = await subscribe("c");
    const publisher = await connect();
    const content = Buffer.alloc(PIECE, 0x61);
    let count = 0;
    while (engine.channels.sessions.size === 2 && count < 200) {
      await publisher.text("PUBLISH", "c", content);
      count++;
      await quick.read();
    }
    expect(engine.channels.sessions.size).toBe(1);
    // The system's own buffers take a few megabytes more.
    expect(count).toBeWithin(9, 100);
    expect(engine.stats.clientOutputBufferLimitDisconnections).toBe(1);
    expect(await publisher.text("PUBLISH", "c", "still")).toBe(":1");
    slow.resume();
    await expect(
      (async () => {
        for (;;) await slow.read();
      })(),
    ).rejects.toThrow(new ConnectionClosed().message);
  });

  test("is closed when it stays above the soft limit for long", async () => {
    const { engine } = hutch;
    engine.options.set("client-output-buffer-limit", "pubsub 0 300kb 60");
    const slow = await subscribe("c");
    slow.pause();
    const publisher = await connect();
    const content = Buffer.alloc(PIECE, 0x61);
    for (let i = 0; i < 60; i++) await publisher.text("PUBLISH", "c", content);
    const [session] = engine.channels.sessions;
    const peer = session!.peer as Connection;
    await until("its time has begun", () => peer.softLimitSinceMs !== -1);
    expect(engine.channels.sessions.size).toBe(1);
    engine.clock.advance(61_000);
    await until("the subscriber is closed", () => engine.channels.sessions.size === 0);
  });

  test("may have more than a client of another class, and the other way round", async () => {
    const { engine } = hutch;
    engine.options.set("client-output-buffer-limit", "normal 300kb 0 0 pubsub 0 0 0");
    const slow = await subscribe("c");
    slow.pause();
    const publisher = await connect();
    const content = Buffer.alloc(PIECE, 0x61);
    for (let i = 0; i < 50; i++) await publisher.text("PUBLISH", "c", content);
    slow.resume();
    for (let i = 0; i < 50; i++) expect((await slow.read()).type).toBe("array");
    expect(engine.stats.clientOutputBufferLimitDisconnections).toBe(0);
  });
});

test("a subscriber is not idle, whatever `timeout` says", async () => {
  const { engine } = hutch;
  engine.options.set("timeout", "1");
  const subscriber = await subscribe("c");
  const idle = await connect();
  await idle.closed;
  const publisher = await connect();
  expect(await publisher.text("PUBLISH", "c", "x")).toBe(":1");
  expect(await nextOf(subscriber)).toBe('["message", "c", "x"]');
});

test("who has gone is no subscriber any more", async () => {
  const subscriber = await subscribe("a", "b");
  const publisher = await connect();
  expect(await publisher.text("CLIENT", "KILL", "TYPE", "pubsub")).toBe(":1");
  expect(await publisher.text("PUBLISH", "a", "x")).toBe(":0");
  expect(await publisher.text("PUBSUB", "CHANNELS")).toBe("[]");
  await subscriber.closed;
});

test("a session without a connection can't subscribe", async () => {
  const session = hutch.engine.createSession();
  const { execute } = await import("../../src/commands/execute.ts");
  const { Args } = await import("../../src/protocol/args.ts");
  const args = new Args();
  args.bytes = Buffer.from("SUBSCRIBEc");
  args.push(0, 9);
  args.push(9, 10);
  execute(session, args);
  expect(session.reply.lastError).toBe("ERR SUBSCRIBE isn't allowed for a DENY BLOCKING client");
});

test("subscribers come, go and speak another protocol in the middle of what is published", async () => {
  const random = seeded("pubsub model");
  const { channels } = hutch.engine;
  const publisher = await connect();
  /** Who is subscribed to what, and what it must have got. */
  interface Listener {
    readonly client: RespClient;
    readonly names: Set<string>;
    readonly expected: string[];
    frames: number;
  }
  const names = ["a", "b", "c"];
  const listeners: Listener[] = [];
  const say = async (listener: Listener, word: string, name: string): Promise<void> => {
    listener.client.write(`${word} ${name}\r\n`);
    listener.frames++;
    // It has taken effect when the reply to another command is there.
    await until("the subscription", () => {
      const audience = channels.of(CHANNEL).get(Buffer.from(name), 0, name.length);
      const has = [...(audience?.sessions ?? [])].some(({ id }) => id === ids.get(listener.client));
      return has === (word === "SUBSCRIBE");
    });
  };
  const ids = new Map<RespClient, number>();
  for (let step = 0; step < 400; step++) {
    const choice = random.below(10);
    const name = names[random.below(names.length)]!;
    if (choice === 0 && listeners.length < 12) {
      const client = await connect(random.below(2) === 0 ? 2 : 3);
      const id = await client.call("CLIENT", "ID");
      ids.set(client, id.type === "integer" ? Number(id.value) : -1);
      listeners.push({ client, names: new Set(), expected: [], frames: 0 });
    } else if (choice === 1 && listeners.length > 0) {
      const [gone] = listeners.splice(random.below(listeners.length), 1);
      gone!.client.close();
      await until("it has gone", () => !hutch.engine.sessions.has(ids.get(gone!.client)!));
    } else if (choice < 4 && listeners.length > 0) {
      const listener = listeners[random.below(listeners.length)]!;
      const word = listener.names.has(name) ? "UNSUBSCRIBE" : "SUBSCRIBE";
      if (word === "SUBSCRIBE") listener.names.add(name);
      else listener.names.delete(name);
      listener.expected.push(`${word.toLowerCase()} ${name}`);
      await say(listener, word, name);
    } else {
      const count = 1 + random.below(20);
      const commands: string[][] = [];
      for (let i = 0; i < count; i++) {
        const to = names[random.below(names.length)]!;
        const content = `${step}.${i}${"x".repeat(random.below(100) === 0 ? 70_000 : 5)}`;
        commands.push(["PUBLISH", to, content]);
        for (const listener of listeners) {
          if (listener.names.has(to)) listener.expected.push(`message ${to} ${content}`);
        }
      }
      await publisher.pipeline(commands);
    }
  }
  for (const { client, expected } of listeners) {
    const got: string[] = [];
    while (got.length < expected.length) {
      const frame = await client.read();
      const items = frame.type === "array" || frame.type === "push" ? frame.items : [];
      const texts = items.map((item) => (item.type === "bulk" ? item.text : ""));
      got.push(texts[0] === "message" ? texts.join(" ") : `${texts[0]} ${texts[1]}`);
    }
    expect(got).toEqual(expected);
    expect(client.unread).toBe(0);
  }
}, 60_000);

test("PUBLISH waits while writes are paused", async () => {
  const subscriber = await subscribe("c");
  const publisher = await connect();
  const other = await connect();
  await other.text("CLIENT", "PAUSE", 100_000, "WRITE");
  publisher.write("PUBLISH c x\r\n");
  await until("it is held", () => hutch.engine.held.size === 1);
  expect(subscriber.unread).toBe(0);
  await other.text("CLIENT", "UNPAUSE");
  expect(await nextOf(subscriber)).toBe('["message", "c", "x"]');
  expect(await nextOf(publisher)).toBe(":1");
});
