/** Users beside what they are doing: connections that wait, subscribe, queue commands, and the native protocol. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { connect as connectNative } from "../../src/index.ts";
import type { Instance } from "../../src/instance.ts";
import { EffectReplay } from "../../src/persistence/effect-replay.ts";
import { Args } from "../../src/protocol/args.ts";
import { startInProcess } from "../support/in-process.ts";
import { encodeCommand, RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { TestEngine } from "../support/test-engine.ts";
import { until } from "../support/until.ts";

let hutch: Instance;
let admin: RespClient;
const clients: RespClient[] = [];

async function connect(user?: string): Promise<RespClient> {
  const client = await RespClient.connect(hutch.port, 2);
  clients.push(client);
  if (user !== undefined) expect(await client.text("AUTH", user, "x")).toBe("+OK");
  return client;
}

async function setUser(name: string, ...rules: string[]): Promise<void> {
  expect(await admin.text("ACL", "SETUSER", name, ...rules)).toBe("+OK");
}

async function isClosed(client: RespClient): Promise<boolean> {
  return await client.call("PING").then(
    () => false,
    () => true,
  );
}

beforeEach(async () => {
  hutch = startInProcess();
  admin = await connect();
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await hutch.stop();
});

describe("a client that waits for a key (S11)", () => {
  async function waitingAs(user: string): Promise<RespClient> {
    const client = await connect(user);
    client.write(encodeCommand(["BLPOP", "l", "0"]));
    await until("it to wait", () => hutch.engine.blocking.keys === 1);
    return client;
  }

  test("is asked again when it is served, and takes nothing if it may not any more", async () => {
    await setUser("alice", "on", "nopass", "+blpop", "~*");
    for (const [rule, error] of [
      ["resetkeys", "-NOPERM No permissions to access a key"],
      ["-blpop", "-NOPERM User alice has no permissions to run the 'blpop' command"],
    ] as const) {
      await setUser("alice", "~*", "+blpop");
      const client = await waitingAs("alice");
      await setUser("alice", rule);
      expect(await admin.text("LPUSH", "l", "1")).toBe(":1");
      expect(show(await client.read())).toBe(error);
      expect(await admin.text("LPOP", "l")).toBe('"1"');
    }
    expect(hutch.engine.stats.denied).toMatchObject({ key: 1, command: 1 });
  });

  test("of a deleted user is closed", async () => {
    await setUser("alice", "on", "nopass", "+blpop", "~*");
    const client = await waitingAs("alice");
    expect(await admin.text("ACL", "DELUSER", "alice", "nobody")).toBe(":1");
    expect(await isClosed(client)).toBe(true);
    expect(await admin.text("LPUSH", "l", "1")).toBe(":1");
    expect(await admin.text("LPOP", "l")).toBe('"1"');
  });
});

describe("connections (S11)", () => {
  test("of a user who is switched off go on, and nobody else logs in", async () => {
    await setUser("alice", "on", "nopass", "+ping");
    const client = await connect("alice");
    await setUser("alice", "off");
    expect(await client.text("PING")).toBe("+PONG");
    expect(await admin.text("AUTH", "alice", "x")).toStartWith("-WRONGPASS");
  });

  test("of a deleted user are closed, the own one with its reply", async () => {
    await setUser("alice", "on", "nopass", "+@all");
    const [own, other] = [await connect("alice"), await connect("alice")];
    expect(await own.text("ACL", "DELUSER", "alice")).toBe(":1");
    expect(await isClosed(own)).toBe(true);
    expect(await isClosed(other)).toBe(true);
    expect(await admin.text("PING")).toBe("+PONG");
  });

  test("feel every change of rules at once, in both directions", async () => {
    await setUser("alice", "on", "nopass", "+@all", "~*", "&*");
    const client = await connect("alice");
    expect(await client.text("SET", "k", "1")).toBe("+OK");
    await setUser("alice", "-set");
    expect(await client.text("SET", "k", "1")).toStartWith("-NOPERM");
    await setUser("alice", "+@all");
    expect(await client.text("SET", "k", "2")).toBe("+OK");
    await setUser("default", "-get");
    expect(await admin.text("GET", "k")).toStartWith("-NOPERM");
    await setUser("default", "+@all");
    expect(await admin.text("GET", "k")).toBe('"2"');
  });

  test("are chosen by their user", async () => {
    await setUser("alice", "on", "nopass", "+ping");
    const client = await connect("alice");
    expect(await admin.text("CLIENT", "KILL", "USER", "nobody")).toBe("-ERR No such user 'nobody'");
    expect(await admin.text("CLIENT", "LIST")).toContain(" user=alice ");
    expect(await admin.text("CLIENT", "KILL", "USER", "alice")).toBe(":1");
    expect(await isClosed(client)).toBe(true);
  });

  test("of the native protocol may do what those of RESP may", async () => {
    await admin.text("SET", "a:1", "x");
    await admin.text("SET", "b:1", "y");
    await setUser("default", "resetkeys", "~a:*", "-getdel");
    const client = await connectNative({ port: hutch.port, timeoutMs: 5000 });
    expect(String(await client.get("a:1"))).toBe("x");
    await expect(client.get("b:1")).rejects.toThrow("NOPERM No permissions to access a key");
    await expect(client.set("b:1", "z")).rejects.toThrow("NOPERM");
    await expect(client.clear("a:1")).rejects.toThrow(
      "NOPERM User default has no permissions to run the 'clear' command",
    );
    expect(await client.set("a:1", "z")).toBeUndefined();
    client.close();
    expect(await admin.text("ACL", "SETUSER", "default", "allkeys", "+@all")).toBe("+OK");
    expect(await admin.text("GET", "b:1")).toBe('"y"');
  });
});

describe("a client with subscriptions (S11)", () => {
  async function subscribed(...channels: string[]): Promise<RespClient> {
    const client = await connect("alice");
    for (const channel of channels) {
      await client.call(channel.includes("*") ? "PSUBSCRIBE" : "SUBSCRIBE", channel);
    }
    return client;
  }

  beforeEach(() => setUser("alice", "on", "nopass", "+@all", "resetchannels", "&a*", "&b"));

  test("subscribes to what it may", async () => {
    const client = await connect("alice");
    for (const [command, channel, answer] of [
      ["SUBSCRIBE", "a1", '["subscribe"'],
      ["PSUBSCRIBE", "a*", '["psubscribe"'],
      ["SSUBSCRIBE", "b", '["ssubscribe"'],
      ["PSUBSCRIBE", "a1", "-NOPERM No permissions to access a channel"],
      ["SUBSCRIBE", "c", "-NOPERM No permissions to access a channel"],
      ["SSUBSCRIBE", "c", "-NOPERM No permissions to access a channel"],
      ["UNSUBSCRIBE", "c", '["unsubscribe"'],
    ] as const) {
      expect(await client.text(command, channel)).toStartWith(answer);
    }
  });

  test("is closed when it may not any more, and only then", async () => {
    const [kept, pattern, name] = [
      await subscribed("b"),
      await subscribed("b", "a*"),
      await subscribed("a1"),
    ];
    await setUser("alice", "&c", "-get");
    for (const client of [kept, pattern, name]) expect(await isClosed(client)).toBe(false);
    await setUser("alice", "resetchannels", "&b");
    expect(await isClosed(kept)).toBe(false);
    expect(await isClosed(pattern)).toBe(true);
    expect(await isClosed(name)).toBe(true);
    await setUser("alice", "resetchannels", "allchannels");
    expect(await isClosed(kept)).toBe(false);
  });
});

describe("transactions (S11)", () => {
  test("are asked again when they run, even for a rule that a command before has changed", async () => {
    await setUser("alice", "on", "nopass", "+@all", "~*");
    const client = await connect("alice");
    const answers = await client.pipeline(
      ["MULTI", "SET k 1", "ACL SETUSER alice -get", "GET k", "SET k 2", "EXEC"].map((line) =>
        line.split(" "),
      ),
    );
    expect(show(answers.at(-1)!)).toBe(
      "[+OK, +OK, -NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. " +
        "This command is no longer allowed for the following reason: no permission to execute the command or subcommand, +OK]",
    );
    const log = await admin.text("ACL", "LOG");
    expect(log).toContain('"context", "multi", "object", "get", "username", "alice"');
  });
});

test("a log is run again whatever users may do now (S11)", () => {
  const { engine, session } = new TestEngine();
  engine.access.users.set("default", ["-@all", "resetkeys"]);
  const args = new Args();
  args.fill(["SET", "k", "v"].map((word) => Buffer.from(word)));
  const replay = new EffectReplay(engine);
  expect(replay.run(args)).toBeNull();
  replay.end();
  expect([replay.commands, replay.failed, session.db.size]).toEqual([1, 0, 1]);
});

test("PFMERGE without sources is no way to write a key (it is one in Redis 7.0)", async () => {
  await setUser("alice", "on", "nopass", "+@all", "~a*");
  const client = await connect("alice");
  expect(await client.text("PFMERGE", "b")).toStartWith("-NOPERM");
  expect(await client.text("PFMERGE", "a")).toBe("+OK");
});

test("the fields of the log", async () => {
  hutch.engine.clock.freeze(1_000_000);
  await setUser("alice", "on", "nopass", "+get", "~a");
  const client = await connect("alice");
  await client.text("CLIENT", "LIST");
  await client.text("GET", "b");
  hutch.engine.clock.freeze(1_001_500);
  await client.text("GET", "b");
  hutch.engine.clock.freeze(1_002_000);
  const log = await admin.call("ACL", "LOG", "1");
  expect(show(log)).toMatch(
    /^\[\["count", :2, "reason", "key", "context", "toplevel", "object", "b", "username", "alice", "age-seconds", "0.5", "client-info", "id=\d+ addr=.* cmd=get user=alice .*", "entry-id", :1, "timestamp-created", :1000000, "timestamp-last-updated", :1001500\]\]$/,
  );
  expect(await admin.text("ACL", "LOG", "RESET")).toBe("+OK");
  expect(await admin.text("ACL", "LOG")).toBe("[]");
});

test("acl-pubsub-default says which channels new users may use", async () => {
  expect(await admin.text("CONFIG", "SET", "acl-pubsub-default", "allchannels")).toBe("+OK");
  await setUser("alice", "(+get)");
  expect(await admin.text("ACL", "LIST")).toContain(
    "user alice off sanitize-payload &* -@all (&* -@all +get)",
  );
  await setUser("alice", "resetchannels");
  await setUser("alice", "reset");
  expect(await admin.text("ACL", "LIST")).toContain("user alice off sanitize-payload &* -@all");
});

test("the slow log names no users and no passwords", () => {
  const engine = new TestEngine({ "slowlog-log-slower-than": "0" });
  engine.run("ACL", "SETUSER", "alice", ">secret");
  engine.run("ACL", "GETUSER", "alice");
  engine.run("ACL", "DELUSER", "alice", "bob");
  const log = show(engine.run("SLOWLOG", "GET"));
  for (const line of ["SETUSER", "GETUSER", "DELUSER"]) expect(log).toContain(line);
  expect(log).not.toMatch(/alice|bob|secret/);
});

test("passwords are made of as many bits as are asked for", () => {
  const engine = new TestEngine();
  const made = (...args: string[]) => engine.bytes("ACL", "GENPASS", ...args).toString();
  expect(made()).toMatch(/^[0-9a-f]{64}$/);
  expect(made()).not.toBe(made());
  expect(made("5")).toMatch(/^[0-9a-f]{2}$/);
  expect(made("4096")).toMatch(/^[0-9a-f]{1024}$/);
});
