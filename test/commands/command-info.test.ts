/** COMMAND and its subcommands: against redis-server where both have a command, by example where not. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { startInProcess } from "../support/in-process.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import type { RespValue } from "../support/resp-value.ts";
import { show } from "../support/resp-value.ts";

/** What Redis changed between 7.0.15 and 7.4, or what Hutch has beyond it: "command field" and the reason. */
const ALLOWED: Readonly<Record<string, string>> = {
  "bitcount arguments": "7.2 renamed the blocks",
  "bitfield arguments": "7.2 renamed the blocks",
  "bitfield_ro arguments": "7.2 renamed the block",
  "bitop arguments": "7.2 lists the operations, 8.2 added some",
  "bitop history": "8.2 added operations",
  "bitpos arguments": "7.2 renamed the blocks",
  "client|kill arguments": "7.2 gave the filters names of their own, 7.4 added MAXAGE",
  "client|kill history": "7.4 added MAXAGE",
  "client|list arguments": "7.2 gave the filters names of their own",
  "client|pause since": "7.2 says 3.0.0 for what was 2.9.50",
  "client|reply arguments": "7.2 renamed the argument",
  "client|setname tips": "7.2 added them",
  "client|unblock arguments": "7.2 renamed an argument",
  "command|getkeys arguments": "7.2 tells them",
  "command|getkeys arity": "7.2 takes commands without arguments",
  "command|getkeysandflags arguments": "7.2 tells them",
  "command|getkeysandflags arity": "7.2 takes commands without arguments",
  "config|get arguments": "7.2 made a block of one argument an argument",
  "config|resetstat tips": "7.2 added them",
  "config|rewrite tips": "7.2 added them",
  "config|set arguments": "7.2 renamed the block",
  "eval flags": "7.0.15 does not show may_replicate",
  "pfcount flags": "7.0.15 does not show may_replicate",
  "publish flags": "7.0.15 does not show may_replicate",
  "spublish flags": "7.0.15 does not show may_replicate",
  "evalsha flags": "7.0.15 does not show may_replicate",
  "fcall flags": "7.0.15 does not show may_replicate",
  "flushall arguments": "7.2 renamed the argument",
  "flushdb arguments": "7.2 renamed the argument",
  "function|flush arguments": "7.2 renamed the argument",
  "geoadd arguments": "7.2 renamed the block",
  "geohash arguments": "7.2 says that there may be no member",
  "geopos arguments": "7.2 says that there may be no member",
  "georadius arguments": "7.2 gave the blocks and keys names of their own",
  "georadius_ro arguments": "7.2 gave the blocks and keys names of their own",
  "georadiusbymember arguments": "7.2 gave the blocks and keys names of their own",
  "georadiusbymember_ro arguments": "7.2 gave the blocks and keys names of their own",
  "geosearch arguments": "7.2 gave the blocks and keys names of their own",
  "geosearchstore arguments": "7.2 gave the blocks and keys names of their own",
  "hello arguments": "7.2 renamed the block",
  "hmset arguments": "7.2 renamed the block",
  "hscan arguments": "7.4 added NOVALUES",
  "hset arguments": "7.2 renamed the block",
  "lcs arguments": "7.2 renamed an argument",
  "mset arguments": "7.2 renamed the block",
  "msetnx arguments": "7.2 renamed the block",
  "pfmerge arguments": "7.2 says that there may be no source",
  "psetex deprecated": "7.2 calls it deprecated",
  "quit deprecated": "7.2 calls it deprecated",
  "randomkey tips": "7.2 added one",
  "scan tips": "7.2 added one",
  "script|flush arguments": "7.2 renamed the argument",
  "set arguments": "8.4 added conditions",
  "set history": "8.4 added conditions",
  "setex deprecated": "7.2 calls it deprecated",
  "acl|deluser tips": "7.2 says how cluster clients send it",
  "acl|log history": "7.2 added fields",
  "acl|save tips": "7.2 says how cluster clients send it",
  "acl|setuser tips": "7.2 says how cluster clients send it",
  "setnx deprecated": "7.2 calls it deprecated",
  "shutdown arguments": "7.2 says which options exclude each other",
  "sort arguments": "7.2 renamed some arguments",
  "sort_ro arguments": "7.2 renamed some arguments",
  "wait categories": "7.2 says that it waits",
  "wait flags": "7.2 says that it waits",
  "xadd arguments": "8.2 added KEEPREF, DELREF and ACKED",
  "xadd history": "8.2 added KEEPREF, DELREF and ACKED",
  "xreadgroup arguments": "8.4 added CLAIM",
  "xreadgroup history": "8.4 added CLAIM",
  "xtrim arguments": "8.2 added KEEPREF, DELREF and ACKED",
  "xtrim history": "8.2 added KEEPREF, DELREF and ACKED",
  "zadd arguments": "7.2 renamed the block",
  "zrange arguments": "7.2 renamed the block",
  "zrangebylex arguments": "7.2 renamed the block",
  "zrangebyscore arguments": "7.2 renamed the block",
  "zrangestore arguments": "7.2 renamed the block",
  "zrank arguments": "7.2 added WITHSCORE",
  "zrank arity": "7.2 added WITHSCORE",
  "zrank history": "7.2 added WITHSCORE",
  "zrevrangebylex arguments": "7.2 renamed the block",
  "zrevrangebyscore arguments": "7.2 renamed the block",
  "zrevrank arguments": "7.2 added WITHSCORE",
  "zrevrank arity": "7.2 added WITHSCORE",
  "zrevrank history": "7.2 added WITHSCORE",
};

/** A reply in plain arrays, maps and strings. */
type Plain = string | null | Plain[] | { [name: string]: Plain };

function plain(value: RespValue): Plain {
  switch (value.type) {
    case "map":
      return Object.fromEntries(
        value.items.map(([key, item]) => [String(plain(key)), plain(item)]),
      );
    case "set":
    case "array":
      return value.items.map(plain);
    case "null":
      return null;
    case "simple":
    case "bulk":
      return value.text;
    default:
      return show(value);
  }
}

type Fields = Record<string, unknown>;

/** The facts of COMMAND INFO by field name; wording left out. */
function infoFields(reply: Plain[]): Fields {
  const [, arity, flags, first, last, step, categories, tips, specs] = reply;
  return {
    arity,
    flags,
    range: [first, last, step],
    categories,
    tips,
    keys: (specs as { [name: string]: Plain }[]).map(({ notes: _notes, ...spec }) => spec),
  };
}

/** The facts of COMMAND DOCS by field name; wording left out. */
function docFields(reply: { [name: string]: Plain }): Fields {
  return {
    since: reply.since,
    group: reply.group,
    deprecated: [reply.deprecated_since, reply.doc_flags],
    history: ((reply.history ?? []) as string[][]).map(([version]) => version),
    arguments: withoutDisplay(reply.arguments ?? []),
  };
}

/** 7.2 added display_text. */
function withoutDisplay(value: Plain): Plain {
  if (Array.isArray(value)) return value.map(withoutDisplay);
  if (value === null || typeof value === "string") return value;
  const { display_text: _display, ...rest } = value;
  return Object.fromEntries(Object.entries(rest).map(([key, item]) => [key, withoutDisplay(item)]));
}

function differences(name: string, ours: Fields, theirs: Fields): string[] {
  return Object.keys(theirs).flatMap((field) => {
    const key = `${name} ${field}`;
    const same = Bun.deepEquals(ours[field], theirs[field]);
    if (same) return ALLOWED[key] === undefined ? [] : [`${key} is allowed to differ and does not`];
    if (ALLOWED[key] !== undefined) return [];
    return [`${key}: ${JSON.stringify(ours[field])} instead of ${JSON.stringify(theirs[field])}`];
  });
}

describe.skipIf(redisMissing !== null)("COMMAND and redis-server's", () => {
  let hutch: Instance;
  let redis: RedisServer;
  let ours: RespClient;
  let theirs: RespClient;
  /** Commands and subcommands that both have. */
  let common: string[];

  beforeAll(async () => {
    hutch = startInProcess();
    redis = await startRedis();
    ours = await RespClient.connect(hutch.port, 3);
    theirs = await RespClient.connect(redis.port, 3);
    const [our, their] = await Promise.all(
      [ours, theirs].map(async (client) => plain(await client.call("COMMAND", "LIST")) as string[]),
    );
    common = our!.filter((name) => their!.includes(name));
  });
  afterAll(async () => {
    ours.close();
    theirs.close();
    await Promise.all([hutch.stop(), redis.stop()]);
  });

  test("INFO agree on every command that both have", async () => {
    const found: string[] = [];
    for (const name of common) {
      const [our, their] = await Promise.all(
        [ours, theirs].map(async (client) => plain(await client.call("COMMAND", "INFO", name))),
      );
      const [ourInfo] = our as Plain[][];
      const [theirInfo] = their as Plain[][];
      expect(ourInfo![0]).toBe(theirInfo![0]!);
      found.push(...differences(name, infoFields(ourInfo!), infoFields(theirInfo!)));
    }
    expect(common.length).toBeGreaterThan(80);
    expect(found).toEqual([]);
  });

  test("DOCS agree on every command that both have", async () => {
    const [our, their] = (await Promise.all(
      [ours, theirs].map(async (client) => plain(await client.call("COMMAND", "DOCS", ...common))),
    )) as Record<string, { [name: string]: Plain }>[];
    const found: string[] = [];
    for (const name of common) {
      found.push(...differences(name, docFields(our![name]!), docFields(their![name]!)));
    }
    expect(found).toEqual([]);
  });

  test("reply with the same types", async () => {
    const lines = [
      ["COMMAND", "INFO", "set", "object|encoding", "nosuch", "config|get|x"],
      ["COMMAND", "INFO", "SET"],
      ["COMMAND", "GETKEYSANDFLAGS", "set", "a", "b"],
      ["COMMAND", "LIST", "FILTERBY", "PATTERN", "GETR*"],
      ["COMMAND", "LIST", "FILTERBY", "PATTERN", "nosuch*"],
      ["COMMAND", "LIST", "FILTERBY", "ACLCAT", "nosuch"],
      ["COMMAND", "LIST", "FILTERBY", "MODULE", "nosuch"],
      ["COMMAND", "DOCS", "nosuch"],
    ];
    for (const protocol of [2, 3] as const) {
      const our = await RespClient.connect(hutch.port, protocol);
      const their = await RespClient.connect(redis.port, protocol);
      for (const line of lines) {
        const [a, b] = await Promise.all([our.text(...line), their.text(...line)]);
        const notes = /"notes": "[^"]*", |"notes", "[^"]*", /g;
        // RESP2 shows maps flat, so a note counts in the length of nothing that is shown.
        expect(`${line}: ${a.replace(notes, "")}`).toBe(`${line}: ${b.replace(notes, "")}`);
      }
      our.close();
      their.close();
    }
  });

  test("LIST have the same commands of each category", async () => {
    for (const category of ["string", "keyspace", "connection", "dangerous", "fast", "admin"]) {
      const line = ["COMMAND", "LIST", "FILTERBY", "ACLCAT", category];
      const [our, their] = (await Promise.all(
        [ours, theirs].map(async (client) => plain(await client.call(...line))),
      )) as string[][];
      const names = our!.filter((name) => common.includes(name)).toSorted();
      expect(names).toEqual(their!.filter((name) => common.includes(name)).toSorted());
    }
  });

  test("GETKEYS and GETKEYSANDFLAGS agree", async () => {
    const lines = [
      ...["get k", "get k k2", "set k v", "set k v GET", "set k v nx get", "set k GET"],
      ...["set k v EX 10 get", "mget a b c", "mset a 1 b 2", "mset a 1 b", "msetnx a 1"],
      ...["del a b c", "unlink a", "exists a a", "touch a b", "rename a b", "renamenx a b"],
      ...["copy a b", "copy a b DB 1 REPLACE", "move a 1", "expire a 10", "ttl a", "lcs a b"],
      ...["lcs a b IDX", "getex a", "getex a EX 10", "getdel a", "getset a b", "append a b"],
      ...["incr a", "incrby a 1", "setrange a 0 b", "getrange a 0 1", "strlen a", "type a"],
      ...["object encoding a", "object help", "object nosuch a", "object|encoding a"],
      ...["memory usage a", "memory stats", "config get a", "ping a", "nosuch a"],
      ...["scan 0", "keys *", "select 1", "GET a", "Object Encoding a", "flushall a"],
    ];
    for (const line of lines) {
      for (const name of ["GETKEYS", "GETKEYSANDFLAGS"]) {
        const args = ["COMMAND", name, ...line.split(" ")];
        const [our, their] = await Promise.all([ours.text(...args), theirs.text(...args)]);
        expect(`${args.join(" ")}: ${our}`).toBe(`${args.join(" ")}: ${their}`);
      }
    }
  });

  test("refuse wrong arguments alike", async () => {
    const lines = [
      ...["GETKEYS", "GETKEYSANDFLAGS", "COUNT x", "HELP x", "NOSUCH", "LIST x", "LIST FILTERBY"],
      ...[
        "LIST FILTERBY MODULE",
        "LIST FILTERBY x y",
        "LIST x MODULE y",
        "LIST FILTERBY ACLCAT a b",
      ],
    ];
    for (const line of lines) {
      const args = ["COMMAND", ...line.split(" ")];
      expect(await ours.text(...args)).toBe(await theirs.text(...args));
    }
  });
});

describe("COMMAND", () => {
  let hutch: Instance;
  let client: RespClient;
  beforeAll(async () => {
    hutch = startInProcess();
    client = await RespClient.connect(hutch.port, 3);
  });
  afterAll(async () => {
    client.close();
    await hutch.stop();
  });

  test("counts and lists what there is", async () => {
    const { commands } = hutch.engine.table;
    expect(await client.text("COMMAND", "COUNT")).toBe(`:${commands.length}`);
    const all = plain(await client.call("COMMAND")) as Plain[][];
    expect(all.map(([name]) => name)).toEqual(commands.map((command) => command.fullName));
    expect(plain(await client.call("COMMAND", "INFO"))).toEqual(all);
    const listed = plain(await client.call("COMMAND", "LIST")) as string[];
    expect(listed).toContain("config|get");
    expect(listed.filter((name) => !name.includes("|"))).toHaveLength(commands.length);
    const docs = plain(await client.call("COMMAND", "DOCS")) as object;
    expect(Object.keys(docs)).toEqual(commands.map((command) => command.fullName));
  });

  test("GETKEYS finds keys by a count", async () => {
    const keys = (...line: string[]): Promise<string> => client.text("COMMAND", "GETKEYS", ...line);
    expect(await keys("MSETEX", "2", "a", "1", "b", "2", "EX", "10")).toBe('["a", "b"]');
    expect(await keys("MSETEX", "1", "a", "1")).toBe('["a"]');
    for (const count of ["0", "-1", "3", "9223372036854775807", "nan", ""]) {
      expect(await keys("MSETEX", count, "a", "1", "b", "2")).toBe(
        "-ERR Invalid arguments specified for command",
      );
    }
  });

  test("GETKEYSANDFLAGS tells reading from writing by the options", async () => {
    const flags = (...line: string[]): Promise<string> =>
      client.text("COMMAND", "GETKEYSANDFLAGS", ...line);
    expect(await flags("SET", "k", "v", "IFEQ", "w")).toBe('[["k", ~{+RW, +access, +update}]]');
    expect(await flags("SET", "k", "v", "EX", "1")).toBe('[["k", ~{+OW, +update}]]');
    expect(await flags("DELEX", "k")).toBe('[["k", ~{+RM, +delete}]]');
    expect(await flags("DELEX", "k", "IFEQ", "v")).toBe('[["k", ~{+RW, +access, +delete}]]');
  });

  test("HELP names the subcommands", async () => {
    const help = plain(await client.call("COMMAND", "HELP")) as string[];
    const listed = plain(await client.call("COMMAND", "LIST", "FILTERBY", "PATTERN", "command|*"));
    for (const name of listed as string[]) {
      const word = name.split("|")[1]!.toUpperCase();
      expect(help.some((line) => line.split(" ")[0] === word)).toBe(true);
    }
  });
});
