import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { EmbeddedServer } from "../../src/index.ts";
import {
  connect,
  ConnectionClosedError,
  createServer,
  ServerError,
  TimeoutError,
} from "../../src/index.ts";
import { startFakeServer } from "../support/fake-server.ts";
import { freePort } from "../support/free-port.ts";

/** A reply of the native protocol with a body of at most 255 bytes. */
function reply(status: number, body: string): Buffer {
  return Buffer.concat([Buffer.from([0, status, 0, 0, 0, body.length]), Buffer.from(body)]);
}

/** What a promise is rejected with. */
async function failure(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    (value) => `not rejected, but resolved with ${String(value)}`,
    (error: unknown) => error,
  );
}

describe("the native client with a server", () => {
  let server: EmbeddedServer;

  beforeAll(async () => {
    server = await createServer({ port: 0 });
  });
  afterAll(() => server.stop());

  test("sets, gets and clears a key", async () => {
    using client = await connect({ port: server.port });
    await client.set("name", "Ada");
    expect(await client.get("name")).toEqual(Buffer.from("Ada"));
    expect(await client.clear("name")).toEqual(Buffer.from("Ada"));
    expect(await client.get("name")).toBeNull();
    expect(await client.clear("name")).toEqual(Buffer.alloc(0));
  });

  test("tells an empty value from no value", async () => {
    using client = await connect({ port: server.port });
    await client.set("empty", "");
    expect(await client.get("empty")).toEqual(Buffer.alloc(0));
  });

  test("answers a ping with PONG, or with its message", async () => {
    using client = await connect({ port: server.port });
    expect((await client.ping()).toString()).toBe("PONG");
    expect(await client.ping(Buffer.from([0, 255, 10]))).toEqual(Buffer.from([0, 255, 10]));
  });

  test("keeps every byte of keys and values", async () => {
    using client = await connect({ port: server.port });
    const all = Uint8Array.from({ length: 256 }, (_, index) => index);
    await client.set(all, all);
    expect(await client.get(all)).toEqual(Buffer.from(all));
    await client.set("ключ", "значение");
    expect((await client.get("ключ"))?.toString()).toBe("значение");
  });

  test("takes over the bytes at the call", async () => {
    using client = await connect({ port: server.port });
    const value = Buffer.from("before");
    const done = client.set("taken", value);
    value.fill("x");
    await done;
    expect((await client.get("taken"))?.toString()).toBe("before");
  });

  test("answers many requests in flight in order", async () => {
    using client = await connect({ port: server.port });
    const count = 20_000;
    const sets = Array.from({ length: count }, (_, i) => client.set(`key:${i}`, `value:${i}`));
    const gets = Array.from({ length: count }, (_, i) => client.get(`key:${i}`));
    await Promise.all(sets);
    const values = await Promise.all(gets);
    expect(values.every((value, i) => value?.toString() === `value:${i}`)).toBe(true);
  });

  test("carries values of many megabytes both ways at once", async () => {
    using client = await connect({ port: server.port });
    const values = Array.from({ length: 4 }, (_, i) => Buffer.alloc(8_000_000 + i, `${i}abc`));
    const sets = values.map((value, i) => client.set(`large:${i}`, value));
    const gets = values.map((_, i) => client.get(`large:${i}`));
    await Promise.all(sets);
    const found = await Promise.all(gets);
    expect(found.map((value, i) => value!.equals(values[i]!))).toEqual([true, true, true, true]);
    await Promise.all(values.map((_, i) => client.clear(`large:${i}`)));
  });

  test("shares its data with clients of RESP", async () => {
    using client = await connect({ port: server.port });
    await server.call("SET", "shared", "from resp");
    expect((await client.get("shared"))?.toString()).toBe("from resp");
    await client.set("shared", "from native");
    expect(await server.call("GET", "shared")).toBe("from native");
  });

  test("says that it is not connected when the server has stopped", async () => {
    const short = await createServer({ port: 0 });
    using client = await connect({ port: short.port });
    await client.ping();
    await short.stop();
    expect(await failure(client.ping())).toBeInstanceOf(ConnectionClosedError);
    expect(client.connected).toBe(false);
  });
});

describe("the native client with a server that behaves oddly", () => {
  test("sends requests byte for byte as the protocol describes them, in one piece", async () => {
    const fake = startFakeServer();
    try {
      using client = await connect({ port: fake.port });
      const requests = [
        client.get("k"),
        client.set("k", "vv"),
        client.clear("k"),
        client.ping("hi"),
        client.ping(),
      ];
      const expected = Buffer.from(
        "\0\0\0\0\0\0\x01k" +
          "\0\0\x01\0\0\0\x01k\0\0\0\x02vv" +
          "\0\0\x02\0\0\0\x01k" +
          "\0\0\x03\0\0\0\x02hi" +
          "\0\0\x03\0\0\0\0",
        "latin1",
      );
      await fake.has(expected.length);
      expect(fake.received()).toEqual(expected);
      client.close();
      await Promise.allSettled(requests);
    } finally {
      fake.stop();
    }
  });

  test("understands answers cut at every byte", async () => {
    const answers = Buffer.concat([reply(0, "value"), reply(1, "Key not found"), reply(0, "")]);
    for (let cut = 1; cut < answers.length; cut++) {
      const fake = startFakeServer((socket) => {
        socket.write(answers.subarray(0, cut));
        socket.flush();
        setImmediate(() => socket.write(answers.subarray(cut)));
      });
      try {
        using client = await connect({ port: fake.port });
        const values = await Promise.all([client.get("a"), client.get("b"), client.get("c")]);
        expect(values).toEqual([Buffer.from("value"), null, Buffer.alloc(0)]);
      } finally {
        fake.stop();
      }
    }
  });

  test("rejects a request that the server answers with an error, and goes on", async () => {
    const wrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";
    const answers = [reply(1, wrongType), reply(1, wrongType), reply(0, "PONG")];
    const fake = startFakeServer((socket) => socket.write(answers.shift()!));
    try {
      using client = await connect({ port: fake.port });
      for (const request of [() => client.get("list"), () => client.clear("list")]) {
        const error = (await failure(request())) as ServerError;
        expect(error).toBeInstanceOf(ServerError);
        expect(error.message).toBe(wrongType);
      }
      expect((await client.ping()).toString()).toBe("PONG");
    } finally {
      fake.stop();
    }
  });

  test("rejects a request without an answer in time, and drops the answer that comes later", async () => {
    const fake = startFakeServer();
    try {
      using client = await connect({ port: fake.port, timeoutMs: 20 });
      const error = (await failure(client.get("slow"))) as TimeoutError;
      expect(error).toBeInstanceOf(TimeoutError);
      expect(error.message).toBe("get: no answer within 20 ms");
      expect(error.timeoutMs).toBe(20);
      expect(client.connected).toBe(true);
      const next = client.get("quick");
      fake.send(Buffer.concat([reply(0, "late"), reply(0, "in time")]));
      expect((await next)?.toString()).toBe("in time");
    } finally {
      fake.stop();
    }
  });

  test("rejects every request whose time is over, and no other", async () => {
    const fake = startFakeServer();
    try {
      using client = await connect({ port: fake.port, timeoutMs: 30 });
      const early = [client.get("a"), client.get("b")];
      const errors = await Promise.all(early.map(failure));
      expect(errors.every((error) => error instanceof TimeoutError)).toBe(true);
      const late = client.get("c");
      fake.send(Buffer.concat([reply(0, "a"), reply(0, "b"), reply(0, "c")]));
      expect((await late)?.toString()).toBe("c");
    } finally {
      fake.stop();
    }
  });

  test("rejects what waits when the server hangs up", async () => {
    const fake = startFakeServer();
    try {
      using client = await connect({ port: fake.port });
      const waiting = [client.get("a"), client.set("b", "c"), client.ping()].map(failure);
      await fake.has(1);
      fake.hangUp();
      for (const error of await Promise.all(waiting)) {
        expect(error).toBeInstanceOf(ConnectionClosedError);
      }
      expect(client.connected).toBe(false);
    } finally {
      fake.stop();
    }
  });

  test("rejects what waits when it is closed, and everything after that", async () => {
    const fake = startFakeServer();
    try {
      const client = await connect({ port: fake.port });
      const waiting = failure(client.get("a"));
      client.close();
      client.close();
      expect(await waiting).toBeInstanceOf(ConnectionClosedError);
      expect(await failure(client.get("b"))).toBeInstanceOf(ConnectionClosedError);
    } finally {
      fake.stop();
    }
  });

  test("closes the connection when what arrives is no answer", async () => {
    const fake = startFakeServer((socket) => {
      socket.write("-ERR max number of clients reached\r\n");
    });
    try {
      using client = await connect({ port: fake.port });
      const error = (await failure(client.ping())) as Error;
      expect(error).toBeInstanceOf(ConnectionClosedError);
      expect(error.message).toContain("max number of clients");
    } finally {
      fake.stop();
    }
  });

  test("closes the connection when an answer comes that nobody asked for", async () => {
    const fake = startFakeServer((socket) => {
      socket.write(Buffer.concat([reply(0, "PONG"), reply(0, "more")]));
    });
    try {
      using client = await connect({ port: fake.port });
      expect((await client.ping()).toString()).toBe("PONG");
      expect(await failure(client.ping())).toBeInstanceOf(ConnectionClosedError);
    } finally {
      fake.stop();
    }
  });

  test("says where nobody listens", async () => {
    const port = freePort();
    const error = (await failure(connect({ port }))) as Error;
    expect(error).toBeInstanceOf(ConnectionClosedError);
    expect(error.message).toContain(`can't connect to 127.0.0.1:${port}`);
  });
});
