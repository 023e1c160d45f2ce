/** Places as clients see them, where redis-server is no help: what counts as a change, and sets of either encoding. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { distance } from "../../src/types/geo.ts";
import { emptyAll, startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { seeded } from "../support/seed.ts";

let server: Instance;
let client: RespClient;

beforeAll(async () => {
  server = startInProcess();
  client = await RespClient.connect(server.port);
});

afterAll(async () => {
  client.close();
  await server.stop();
});

beforeEach(() => {
  emptyAll(server);
});

async function run(line: string): Promise<string> {
  return client.text(...line.split(" "));
}

/** Changes that the line makes, as INFO counts them. */
async function changesOf(line: string): Promise<number> {
  const { store } = server.engine.keyspace;
  const before = store.changes;
  await run(line);
  return store.changes - before;
}

test("changes are counted as members that are added, moved or stored", async () => {
  expect(await changesOf("GEOADD k 1 1 a 2 2 b")).toBe(2);
  expect(await changesOf("GEOADD k 1 1 a 3 3 b")).toBe(1);
  expect(await changesOf("GEOADD k 1 1 a 300 3 b")).toBe(0);
  expect(await changesOf("GEOADD k XX 5 5 c")).toBe(0);
  expect(await changesOf("GEOSEARCH k FROMLONLAT 1 1 BYRADIUS 1000 km")).toBe(0);
  expect(await changesOf("GEOSEARCHSTORE d k FROMLONLAT 1 1 BYRADIUS 1000 km")).toBe(2);
  expect(await changesOf("GEOSEARCHSTORE d k FROMLONLAT 90 1 BYRADIUS 1 km")).toBe(1);
  expect(await changesOf("GEOSEARCHSTORE d k FROMLONLAT 90 1 BYRADIUS 1 km")).toBe(0);
  expect(await changesOf("GEORADIUS none 90 1 1 km STORE k")).toBe(1);
  expect(await run("EXISTS k d")).toBe(":0");
});

test("a search whose result replaces the set that it searches sees the whole set", async () => {
  await run("GEOADD k 1 1 a 1.1 1.1 b 50 50 c");
  expect(await run("GEOSEARCHSTORE k k FROMMEMBER a BYRADIUS 100 km")).toBe(":2");
  expect(await run("ZCARD k")).toBe(":2");
});

test("a malformed place at the end of a line adds none of those before it", async () => {
  expect(await run("GEOADD k 1 1 a 2 86 b")).toContain(
    "invalid longitude,latitude pair 2.000000,86",
  );
  expect(await run("EXISTS k")).toBe(":0");
});

describe.each([
  ["listpack", "2000"],
  ["skiplist", "0"],
])("in a %s", (encoding, entriesMax) => {
  beforeAll(async () => {
    await run(`CONFIG SET zset-max-listpack-entries ${entriesMax}`);
  });
  afterAll(async () => {
    await run("CONFIG SET zset-max-listpack-entries 128");
  });

  test("searches find what lies within the distance, nearest first", async () => {
    const random = seeded(`searches in a ${encoding}`);
    const places = Array.from({ length: 1000 }, (_, i) => ({
      name: `m${i}`,
      longitude: random.below(20000) / 1000,
      latitude: random.below(20000) / 1000,
    }));
    for (const { name, longitude, latitude } of places) {
      await client.call("GEOADD", "k", `${longitude}`, `${latitude}`, name);
    }
    expect(await run("OBJECT ENCODING k")).toContain(encoding);
    for (const radius of [20_000, 300_000, 5_000_000]) {
      const reply = await client.call(
        ...["GEOSEARCH", "k", "FROMLONLAT", "10", "10", "BYRADIUS", `${radius}`, "m", "ASC"],
      );
      if (reply.type !== "array") throw new Error(`GEOSEARCH answered a ${reply.type}`);
      const names = reply.items.map((item) => ("text" in item ? item.text : item.type));
      const metersOf = (name: string): number => {
        const { longitude, latitude } = places[Number(name.slice(1))]!;
        return distance(10, 10, longitude, latitude);
      };
      // A stored place is not exactly the one that was given.
      const sure = places.filter(({ name }) => metersOf(name) < radius - 1);
      expect(names).toEqual(expect.arrayContaining(sure.map(({ name }) => name)));
      const meters = names.map(metersOf);
      expect(Math.max(...meters)).toBeLessThan(radius + 1);
      for (let i = 1; i < meters.length; i++) {
        expect(meters[i]!).toBeGreaterThan(meters[i - 1]! - 2);
      }
    }
  });
});
