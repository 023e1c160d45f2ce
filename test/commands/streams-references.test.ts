/** XDELEX, XACKDEL and trimming with KEEPREF, DELREF and ACKED, from Redis's documentation: redis-server 7.0 has none of them. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { pick, rounds, seeded } from "../support/seed.ts";

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

beforeEach(async () => {
  await client.call("FLUSHALL");
  await client.call("CONFIG", "SET", "stream-node-max-entries", "100");
});

/** Runs lines and returns the replies. */
async function run(...lines: readonly string[]): Promise<string[]> {
  const replies: string[] = [];
  for (const line of lines) replies.push(await client.text(...line.split(" ")));
  return replies;
}

/** Runs a line and returns its reply. */
async function one(line: string): Promise<string> {
  return (await run(line))[0]!;
}

/** Makes a stream with the entries 1-0 to N-0 and two groups that were given all of them. */
async function fill(count: number): Promise<void> {
  for (let i = 1; i <= count; i++) await run(`XADD s ${i}-0 f v`);
  await run(
    "XGROUP CREATE s g 0",
    "XGROUP CREATE s h 0",
    "XREADGROUP GROUP g c STREAMS s >",
    "XREADGROUP GROUP h d STREAMS s >",
  );
}

async function pending(): Promise<string[]> {
  return (await run("XPENDING s g - + 9", "XPENDING s h - + 9")).map((text) =>
    [...text.matchAll(/"(\d+)-0"/g)].map((match) => match[1]).join(" "),
  );
}

/** What XINFO GROUPS says of each group. */
async function lags(): Promise<string[]> {
  return [...(await one("XINFO GROUPS s")).matchAll(/"lag", (:\d+|null)/g)].map((m) => m[1]!);
}

const REFUSED: readonly (readonly [string, string])[] = [
  ["XDELEX s IDS 0 1-0", "ERR Number of IDs must be a positive integer"],
  ["XDELEX s IDS -5 1-0", "ERR Number of IDs must be a positive integer"],
  ["XDELEX s IDS x 1-0", "ERR Number of IDs must be a positive integer"],
  ["XDELEX s IDS 1.0 1-0", "ERR Number of IDs must be a positive integer"],
  ["XDELEX s IDS 9223372036854775808 1-0", "ERR Number of IDs must be a positive integer"],
  [
    "XDELEX s IDS 9223372036854775807 1-0",
    "ERR The `numids` parameter must match the number of arguments",
  ],
  ["XDELEX s IDS 3 1-0 2-0", "ERR The `numids` parameter must match the number of arguments"],
  ["XDELEX s IDS 1 1-0 2-0", "ERR syntax error"],
  ["XDELEX s KEEPREF DELREF IDS 1 1-0", "ERR syntax error"],
  ["XDELEX s ACKED ACKED IDS 1 1-0", "ERR syntax error"],
  ["XDELEX s 1-0 2-0 3-0", "ERR syntax error"],
  ["XDELEX s IDS 2 1-0 x", "ERR Invalid stream ID specified as stream command argument"],
  ["XDELEX s IDS 1 -", "ERR Invalid stream ID specified as stream command argument"],
  ["XDELEX s IDS 1", "ERR wrong number of arguments for 'xdelex' command"],
  ["XDELEX str IDS 1 1-0", "WRONGTYPE Operation against a key holding the wrong kind of value"],
  ["XACKDEL s g IDS 0 1-0", "ERR Number of IDs must be a positive integer"],
  ["XACKDEL s g IDS 3 1-0 2-0", "ERR The `numids` parameter must match the number of arguments"],
  ["XACKDEL s g DELREF ACKED IDS 1 1-0", "ERR syntax error"],
  ["XACKDEL s g IDS 2 1-0 x", "ERR Invalid stream ID specified as stream command argument"],
  ["XACKDEL s g IDS", "ERR wrong number of arguments for 'xackdel' command"],
  ["XACKDEL str g IDS 1 1-0", "WRONGTYPE Operation against a key holding the wrong kind of value"],
  ["XTRIM s MAXLEN 0 KEEPREF DELREF", "ERR syntax error"],
  ["XTRIM s ACKED", "ERR wrong number of arguments for 'xtrim' command"],
  ["XTRIM s ACKED DELREF", "ERR syntax error"],
  ["XADD s DELREF ACKED 9-0 f v", "ERR Invalid stream ID specified as stream command argument"],
];

for (const [line, message] of REFUSED) {
  test(`${line} is refused and changes nothing`, async () => {
    await fill(3);
    await run("SET str x");
    const { changes } = server.engine.keyspace.store;
    expect(await one(line)).toBe(`-${message}`);
    expect(server.engine.keyspace.store.changes).toBe(changes);
    expect(await one("XLEN s")).toBe(":3");
    expect(await pending()).toEqual(["1 2 3", "1 2 3"]);
  });
}

test("ids of a stream or a group that does not exist are missing", async () => {
  expect(await run("XDELEX none IDS 2 1-0 2-0", "XACKDEL none g ACKED IDS 2 1-0 2-0")).toEqual([
    "[:-1, :-1]",
    "[:-1, :-1]",
  ]);
  await run("XADD s 1-0 f v");
  expect(await run("XACKDEL s none IDS 1 1-0", "XLEN s", "EXISTS none")).toEqual([
    "[:-1]",
    ":1",
    ":0",
  ]);
});

test("XDELEX KEEPREF, the standard, leaves what is pending", async () => {
  await fill(3);
  expect(await run("XDELEX s IDS 2 1-0 7-0", "XDELEX s KEEPREF IDS 2 2-0 2-0")).toEqual([
    "[:1, :-1]",
    "[:1, :-1]",
  ]);
  expect(await pending()).toEqual(["1 2 3", "1 2 3"]);
  expect(await one("XRANGE s - +")).toBe('[["3-0", ["f", "v"]]]');
});

test("XDELEX DELREF takes an id from what is pending everywhere, also if the entry has gone before", async () => {
  await fill(3);
  await run("XDEL s 1-0");
  expect(await one("XDELEX s IDS 3 1-0 2-0 9-0 DELREF")).toBe("[:-1, :1, :-1]");
  expect(await pending()).toEqual(["3", "3"]);
  expect(await one("XLEN s")).toBe(":1");
});

test("XDELEX ACKED deletes what no group has still to read or to acknowledge", async () => {
  await fill(3);
  expect(await one("XDELEX s ACKED IDS 3 1-0 2-0 9-0")).toBe("[:2, :2, :-1]");
  await run("XACK s g 1-0", "XACK s h 1-0", "XACK s g 2-0", "XADD s 4-0 f v");
  expect(await one("XDELEX s acked ids 4 1-0 2-0 3-0 4-0")).toBe("[:1, :2, :2, :2]");
  expect(await one("XLEN s")).toBe(":3");
  expect(await pending()).toEqual(["3", "2 3"]);
});

test("ACKED looks at the group that is behind, and deletes anything where there is no group", async () => {
  for (let i = 1; i <= 5; i++) await run(`XADD s ${i}-0 f v`);
  await run("XGROUP CREATE s g 1-0", "XGROUP CREATE s h 3-0");
  expect(await run("XDELEX s ACKED IDS 1 1-0", "XDELEX s ACKED IDS 1 2-0")).toEqual([
    "[:1]",
    "[:2]",
  ]);
  await run("XGROUP DESTROY s g");
  expect(await run("XDELEX s ACKED IDS 1 2-0", "XDELEX s ACKED IDS 1 4-0")).toEqual([
    "[:1]",
    "[:2]",
  ]);
  await run("XGROUP SETID s h 4-0");
  expect(await one("XDELEX s ACKED IDS 1 4-0")).toBe("[:1]");
  await run("XGROUP DESTROY s h");
  expect(await one("XDELEX s ACKED IDS 1 5-0")).toBe("[:1]");
});

test("XACKDEL acknowledges, and deletes unless other groups refer to the entry under ACKED", async () => {
  await fill(3);
  expect(await one("XACKDEL s g KEEPREF IDS 1 1-0")).toBe("[:1]");
  expect(await pending()).toEqual(["2 3", "1 2 3"]);
  // The entry is gone, but it was pending.
  expect(await one("XACKDEL s h IDS 2 1-0 1-0")).toBe("[:1, :-1]");
  expect(await one("XACKDEL s g ACKED IDS 2 2-0 3-0")).toBe("[:2, :2]");
  expect(await run("XLEN s", "XACKDEL s g ACKED IDS 1 2-0")).toEqual([":2", "[:-1]"]);
  expect(await pending()).toEqual(["", "2 3"]);
  expect(await one("XACKDEL s h ACKED IDS 1 2-0")).toBe("[:1]");
  expect(await run("XLEN s", "XADD s 4-0 f v", "XREADGROUP GROUP g c STREAMS s >")).toEqual([
    ":1",
    '"4-0"',
    '[["s", [["4-0", ["f", "v"]]]]]',
  ]);
  // h has still to be given the entry.
  expect(await one("XACKDEL s g ACKED IDS 1 4-0")).toBe("[:2]");
});

test("XACKDEL DELREF takes the entry from all groups", async () => {
  await fill(3);
  expect(await one("XACKDEL s g DELREF IDS 2 1-0 2-0")).toBe("[:1, :1]");
  expect(await pending()).toEqual(["3", "3"]);
  expect(await one("XACKDEL s h DELREF IDS 2 1-0 2-0")).toBe("[:-1, :-1]");
});

test("XTRIM and XADD with ACKED keep what a group has still to read or to acknowledge", async () => {
  for (let i = 1; i <= 5; i++) await run(`XADD s ${i}-0 f v`);
  await run("XGROUP CREATE s g 0");
  expect(await run("XADD s MAXLEN = 1 ACKED 6-0 f v", "XLEN s")).toEqual(['"6-0"', ":6"]);
  await run("XREADGROUP GROUP g c COUNT 1 STREAMS s >", "XACK s g 1-0");
  expect(await run("XADD s ACKED MAXLEN = 1 7-0 f v", "XLEN s")).toEqual(['"7-0"', ":6"]);
  await run("XREADGROUP GROUP g c STREAMS s >", "XACK s g 2-0 4-0 5-0 6-0 7-0");
  expect(await one("XTRIM s MAXLEN 3 ACKED")).toBe(":3");
  expect(await one("XRANGE s - +")).toBe(
    '[["3-0", ["f", "v"]], ["6-0", ["f", "v"]], ["7-0", ["f", "v"]]]',
  );
  // What is kept counts, so younger entries go for it.
  expect(await one("XTRIM s MAXLEN 1 ACKED")).toBe(":2");
  expect(await one("XRANGE s - +")).toBe('[["3-0", ["f", "v"]]]');
  await run("XACK s g 3-0");
  expect(await run("XTRIM s ACKED MINID 7", "XLEN s")).toEqual([":1", ":0"]);
});

test("DELREF takes from what is pending all that was trimmed, and what had been deleted between", async () => {
  await fill(6);
  await run("XDEL s 2-0");
  expect(await one("XTRIM s MAXLEN 3 DELREF")).toBe(":2");
  expect(await pending()).toEqual(["4 5 6", "4 5 6"]);
  expect(await one("XADD s DELREF MAXLEN 1 7-0 f v")).toBe('"7-0"');
  expect(await pending()).toEqual(["", ""]);
  expect(await run("XTRIM s MAXLEN 5 DELREF", "XTRIM s DELREF MAXLEN 0", "XLEN s")).toEqual([
    ":0",
    ":1",
    ":0",
  ]);
});

test("an approximate trim looks at whole nodes, and leaves those that it may not remove", async () => {
  await run("CONFIG SET stream-node-max-entries 2");
  await fill(5);
  await run("XACK s g 1-0 2-0 4-0", "XACK s h 1-0 2-0 4-0");
  expect(await one("XTRIM s MINID ~ 6-0 ACKED")).toBe(":3");
  expect(await one("XRANGE s - +")).toBe('[["3-0", ["f", "v"]], ["5-0", ["f", "v"]]]');
  await run("FLUSHALL");
  await fill(4);
  expect(await run("XTRIM s MINID ~ 4-0 DELREF", "XLEN s")).toEqual([":2", ":2"]);
  expect(await pending()).toEqual(["3 4", "3 4"]);
  await run("XACK s g 3-0 4-0", "XACK s h 3-0 4-0");
  expect(await run("XTRIM s MAXLEN ~ 0 LIMIT 1 ACKED", "XTRIM s MAXLEN ~ 0 LIMIT 2 ACKED")).toEqual(
    [":0", ":2"],
  );
});

test("the lag of a group is known behind entries that were kept, unless the last one it was given has gone", async () => {
  for (let i = 1; i <= 6; i++) await run(`XADD s ${i}-0 f v`);
  await run("XGROUP CREATE s g 0", "XGROUP CREATE s h 0");
  await run("XREADGROUP GROUP g c COUNT 5 STREAMS s >", "XREADGROUP GROUP h d STREAMS s >");
  await run("XACK s g 1-0 3-0 4-0", "XACK s h 1-0 2-0 3-0 4-0 5-0 6-0");
  expect(await lags()).toEqual([":1", ":0"]);
  expect(await one("XTRIM s MAXLEN 0 ACKED")).toBe(":3");
  expect(await lags()).toEqual([":1", ":0"]);
  await run("XADD s 7-0 f v");
  expect(await lags()).toEqual([":2", ":1"]);
  expect(await one("XACKDEL s g ACKED IDS 1 5-0")).toBe("[:1]");
  expect(await lags()).toEqual(["null", ":1"]);
  await run("XREADGROUP GROUP g c STREAMS s >");
  expect(await lags()).toEqual([":0", ":1"]);
});

test("changes are counted", async () => {
  const { store } = server.engine.keyspace;
  await fill(6);
  const counts: number[] = [];
  for (const line of [
    ...["XDELEX s IDS 2 1-0 1-0", "XDELEX s DELREF IDS 1 1-0", "XDELEX s DELREF IDS 1 1-0"],
    ...["XDELEX s ACKED IDS 1 2-0", "XACKDEL s g ACKED IDS 2 2-0 9-0", "XTRIM s MAXLEN 4 ACKED"],
    ...["XTRIM s MAXLEN 4 DELREF", "XACKDEL none g IDS 1 1-0"],
  ]) {
    const before = store.changes;
    await run(line);
    counts.push(store.changes - before);
  }
  expect(counts).toEqual([1, 1, 0, 0, 1, 0, 1, 0]);
});

/** A group beside what it should know. */
class ModelGroup {
  lastId = 0;
  readonly pending = new Set<number>();
}

test("random deletions leave what a model of entries and groups has", async () => {
  const random = seeded("streams and references");
  const groups = ["g", "h"];
  for (let round = 0; round < 6 * rounds; round++) {
    await run("FLUSHALL", `CONFIG SET stream-node-max-entries ${pick(random, [1, 3, 100])}`);
    const entries = new Set<number>();
    const model = new Map(groups.map((name) => [name, new ModelGroup()]));
    for (const name of groups) await run(`XGROUP CREATE s ${name} 0 MKSTREAM`);
    const isReferenced = (id: number) =>
      [...model.values()].some((group) => id > group.lastId || group.pending.has(id));
    let last = 0;
    for (let step = 0; step < 150; step++) {
      const policy = pick(random, ["KEEPREF", "DELREF", "ACKED"]);
      const name = pick(random, groups);
      const group = model.get(name)!;
      const some = Array.from({ length: 1 + random.below(4) }, () => 1 + random.below(last + 2));
      const ids = some.map((id) => `${id}-0`).join(" ");
      const remove = (id: number): void => {
        entries.delete(id);
        if (policy === "DELREF") for (const other of model.values()) other.pending.delete(id);
      };
      const choice = random.below(100);
      if (choice < 40) {
        entries.add(++last);
        expect(await one(`XADD s ${last}-0 f v`)).toBe(`"${last}-0"`);
      } else if (choice < 60) {
        const count = 1 + random.below(5);
        const fresh = [...entries].filter((id) => id > group.lastId).slice(0, count);
        for (const id of fresh) group.pending.add(id);
        group.lastId = fresh.at(-1) ?? group.lastId;
        await run(`XREADGROUP GROUP ${name} c COUNT ${count} STREAMS s >`);
      } else if (choice < 70) {
        for (const id of some) group.pending.delete(id);
        await run(`XACK s ${name} ${ids}`);
      } else if (choice < 80) {
        const wanted = some.map((id) => {
          const existed = entries.has(id);
          if (policy === "ACKED" && isReferenced(id)) return existed ? 2 : -1;
          remove(id);
          return existed ? 1 : -1;
        });
        expect(await one(`XDELEX s ${policy} IDS ${some.length} ${ids}`)).toBe(
          `[${wanted.map((code) => `:${code}`).join(", ")}]`,
        );
      } else if (choice < 90) {
        const wanted = some.map((id) => {
          if (!group.pending.delete(id)) return -1;
          if (policy === "ACKED" && isReferenced(id)) return 2;
          remove(id);
          return 1;
        });
        expect(await one(`XACKDEL s ${name} ${policy} IDS ${some.length} ${ids}`)).toBe(
          `[${wanted.map((code) => `:${code}`).join(", ")}]`,
        );
      } else {
        const stays = random.below(entries.size + 2);
        let surplus = entries.size - stays;
        let deleted = 0;
        for (const id of [...entries].toSorted((a, b) => a - b)) {
          if (surplus <= 0) break;
          if (policy === "ACKED" && isReferenced(id)) continue;
          remove(id);
          surplus--;
          deleted++;
        }
        // What was deleted before the first entry is pending nowhere any more either.
        const first = Math.min(...entries);
        if (policy === "DELREF" && deleted > 0) {
          for (const other of model.values()) {
            for (const id of other.pending) if (id < first) other.pending.delete(id);
          }
        }
        expect(await one(`XTRIM s MAXLEN ${stays} ${policy}`)).toBe(`:${deleted}`);
      }
      if (step % 10 > 0) continue;
      const range = [...(await one("XRANGE s - +")).matchAll(/"(\d+)-0"/g)].map((m) => +m[1]!);
      expect(range).toEqual([...entries].toSorted((a, b) => a - b));
      for (const [known, { pending: ids2 }] of model) {
        const text = await one(`XPENDING s ${known} - + 999`);
        const found = [...text.matchAll(/"(\d+)-0"/g)].map((m) => +m[1]!);
        expect(found).toEqual([...ids2].toSorted((a, b) => a - b));
      }
    }
  }
});
