/** connect-redis behind express-session, and keyv: what web applications keep in Redis. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import KeyvRedis, { Keyv } from "@keyv/redis";
import { RedisStore } from "connect-redis";
import session from "express-session";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createClient } from "redis";
import type { FrameworkServer } from "./framework-server.ts";
import { startServer } from "./framework-server.ts";

let server: FrameworkServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

declare module "express-session" {
  interface SessionData {
    visits: number;
  }
}

describe("express-session with connect-redis", () => {
  test("keeps a visitor's session between requests, and forgets it when it is destroyed", async () => {
    const client = createClient({ url: `redis://127.0.0.1:${server.port}` });
    await client.connect();
    const store = new RedisStore({ client, prefix: "web:", ttl: 100 });
    const withSession = session({
      store,
      secret: "test",
      resave: false,
      saveUninitialized: false,
    });
    const web = createServer((request, response) => {
      const visit = request as IncomingMessage & { session: session.Session & { visits?: number } };
      withSession(request as never, response as never, () => answer(visit, response));
    });
    function answer(
      visit: { url?: string; session: session.Session & { visits?: number } },
      response: ServerResponse,
    ): void {
      if (visit.url === "/leave") return void visit.session.destroy(() => response.end("left"));
      visit.session.visits = (visit.session.visits ?? 0) + 1;
      response.end(`${visit.session.visits}`);
    }
    try {
      await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
      const { port } = web.address() as { port: number };
      const url = `http://127.0.0.1:${port}`;
      const first = await fetch(url);
      expect(await first.text()).toBe("1");
      const cookie = first.headers.get("set-cookie")!.split(";")[0]!;
      const visit = async (path = "/"): Promise<string> =>
        (await fetch(url + path, { headers: { cookie } })).text();
      expect(await visit()).toBe("2");
      expect(await visit()).toBe("3");
      expect(await (await fetch(url)).text()).toBe("1");
      const ids = (await store.ids()) as string[];
      expect(ids).toHaveLength(2);
      expect(await client.ttl(`web:${ids[0]}`)).toBeWithin(90, 101);
      expect(await visit("/leave")).toBe("left");
      expect(await store.ids()).toHaveLength(1);
      await store.clear();
      expect(await store.length()).toBe(0);
    } finally {
      web.close();
      client.destroy();
    }
  });
});

describe("keyv", () => {
  test("keeps values of any JSON for their time, in namespaces", async () => {
    const users = new Keyv(new KeyvRedis(`redis://127.0.0.1:${server.port}`), {
      namespace: "users",
    });
    const orders = new Keyv(new KeyvRedis(`redis://127.0.0.1:${server.port}`), {
      namespace: "orders",
    });
    try {
      await users.set("ann", { age: 33, tags: ["a", "ü"] });
      await orders.set("ann", 1, 100_000);
      expect(await users.get<object>("ann")).toEqual({ age: 33, tags: ["a", "ü"] });
      expect(await users.has("bob")).toBe(false);
      await users.setMany([
        { key: "bob", value: 1 },
        { key: "cid", value: 2 },
      ]);
      expect(await users.getMany(["bob", "cid", "dan"])).toEqual([1, 2, undefined] as never);
      const keys: string[] = [];
      for await (const [key] of users.iterator!(undefined)) keys.push(key as string);
      expect(keys.sort()).toEqual(["ann", "bob", "cid"]);
      expect(await users.deleteMany(["bob", "cid"])).toBe(true);
      await users.clear();
      expect(await users.get("ann")).toBeUndefined();
      expect(await orders.get<number>("ann")).toBe(1);
    } finally {
      await users.disconnect();
      await orders.disconnect();
    }
  });
});
