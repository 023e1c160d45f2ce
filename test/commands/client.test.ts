import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { startInProcess } from "../support/in-process.ts";
import { encodeCommand, RespClient } from "../support/resp-client.ts";
import type { RespValue } from "../support/resp-value.ts";
import { show } from "../support/resp-value.ts";
import { until } from "../support/until.ts";

let hutch: Instance;
let client: RespClient;
const clients: RespClient[] = [];

async function connect(protocol: 2 | 3 = 2): Promise<RespClient> {
  const fresh = await RespClient.connect(hutch.port, protocol);
  clients.push(fresh);
  return fresh;
}

beforeEach(async () => {
  hutch = startInProcess();
  client = await connect();
});

afterEach(async () => {
  for (const one of clients.splice(0)) one.close();
  await hutch.stop();
});

async function idOf(one: RespClient): Promise<number> {
  const reply = await one.call("CLIENT", "ID");
  return reply.type === "integer" ? Number(reply.value) : NaN;
}

/** The fields of each line. */
function parseLines(reply: RespValue): Map<string, string>[] {
  if (reply.type !== "bulk" && reply.type !== "verbatim") throw new Error(show(reply));
  expect(reply.text === "" || reply.text.endsWith("\n")).toBe(true);
  const lines = reply.text.split("\n").slice(0, -1);
  return lines.map(
    (line) =>
      new Map(
        line.split(" ").map((field) => {
          const at = field.indexOf("=");
          return [field.slice(0, at), field.slice(at + 1)];
        }),
      ),
  );
}

describe("CLIENT LIST and INFO", () => {
  test("have the fields of Redis 7.4 in its order", async () => {
    const [fields] = parseLines(await client.call("CLIENT", "INFO"));
    expect([...fields!.keys()].join(" ")).toBe(
      "id addr laddr fd name age idle flags db sub psub ssub multi watch qbuf qbuf-free argv-mem multi-mem rbs rbp obl " +
        "oll omem tot-mem events cmd user redir resp lib-name lib-ver",
    );
    expect(fields!.get("addr")).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(fields!.get("laddr")).toBe(`127.0.0.1:${hutch.port}`);
    expect(fields!.get("cmd")).toBe("client|info");
    expect(fields!.get("argv-mem")).toBe("10");
  });

  test("are verbatim text in RESP3", async () => {
    const third = await connect(3);
    for (const sub of ["INFO", "LIST"]) {
      const reply = await third.call("CLIENT", sub);
      expect(reply.type === "verbatim" && reply.format).toBe("txt");
    }
  });

  test("show age, idle time and the last command, or that there was none", async () => {
    const other = await connect();
    const id = await idOf(other);
    hutch.engine.clock.advance(10_000);
    await other.text("SELECT", 5);
    hutch.engine.clock.advance(5000);
    const silent = await connect();
    const [line] = parseLines(await client.call("CLIENT", "LIST", "ID", id));
    expect(Number(line!.get("age"))).toBeOneOf([15, 16]);
    expect(Number(line!.get("idle"))).toBeOneOf([5, 6]);
    expect(line!.get("cmd")).toBe("select");
    expect(line!.get("db")).toBe("5");
    await until("the silent client", () => hutch.engine.sessions.size === 3);
    const lines = parseLines(await client.call("CLIENT", "LIST"));
    expect(lines.map((fields) => fields.get("cmd"))).toEqual(["client|list", "select", "NULL"]);
    silent.close();
  });

  test("choose by id, as often as it is named, and by type", async () => {
    const id = await idOf(client);
    expect(parseLines(await client.call("CLIENT", "LIST", "ID", id, 999999, id))).toHaveLength(2);
    expect(parseLines(await client.call("CLIENT", "LIST", "TYPE", "Normal"))).toHaveLength(1);
    for (const type of ["master", "replica", "slave", "pubsub"]) {
      expect(await client.text("CLIENT", "LIST", "TYPE", type)).toBe('""');
    }
    expect(await client.text("CLIENT", "LIST", "TYPE", "__proto__")).toBe(
      "-ERR Unknown client type '__proto__'",
    );
    expect(await client.text("CLIENT", "LIST", "ID", "x")).toBe("-ERR Invalid client ID");
    expect(await client.text("CLIENT", "LIST", "ID")).toBe("-ERR syntax error");
  });
});

test("a name has no spaces or control characters, and an empty one is none", async () => {
  for (const name of ["a b", "a\nb", "a\0b", "\x7f", "\xe4", " "]) {
    expect(await client.text("CLIENT", "SETNAME", name)).toBe(
      "-ERR Client names cannot contain spaces, newlines or special characters.",
    );
  }
  expect(await client.text("CLIENT", "GETNAME")).toBe("null bulk");
  for (const name of ["__proto__", "constructor", "!~"]) {
    expect(await client.text("CLIENT", "SETNAME", name)).toBe("+OK");
    expect(await client.text("CLIENT", "GETNAME")).toBe(`"${name}"`);
  }
  expect(await client.text("CLIENT", "SETNAME", "")).toBe("+OK");
  expect(await client.text("CLIENT", "GETNAME")).toBe("null bulk");
});

test("SETINFO keeps the library's name and version", async () => {
  expect(await client.text("CLIENT", "SETINFO", "lib-name", "a-lib(x)")).toBe("+OK");
  expect(await client.text("CLIENT", "SETINFO", "LIB-VER", "1.2")).toBe("+OK");
  expect(await client.text("CLIENT", "SETINFO", "lib-Ver", "1 2")).toBe(
    "-ERR lib-Ver cannot contain spaces, newlines or special characters.",
  );
  expect(await client.text("CLIENT", "SETINFO", "libs", "x")).toBe(
    "-ERR Unrecognized option 'libs'",
  );
  const [line] = parseLines(await client.call("CLIENT", "INFO"));
  expect([line!.get("lib-name"), line!.get("lib-ver")]).toEqual(["a-lib(x)", "1.2"]);
});

test("REPLY SKIP leaves out one reply, errors too, and OFF all until ON", async () => {
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ["CLIENT REPLY SKIP|PING|PING", ["+PONG"]],
    ["CLIENT REPLY SKIP|NOSUCH|PING", ["+PONG"]],
    ["CLIENT REPLY SKIP|GET|PING", ["+PONG"]],
    ["CLIENT REPLY SKIP|CLIENT REPLY SKIP|PING|PING", ["+PONG"]],
    ["CLIENT REPLY SKIP|CLIENT REPLY ON|PING", ["+OK", "+PONG"]],
    ["CLIENT REPLY SKIP|CLIENT REPLY no|PING", ["+PONG"]],
    ["CLIENT REPLY OFF|PING|GET|NOSUCH|SET k v|CLIENT REPLY ON|GET k", ["+OK", '"v"']],
    ["CLIENT REPLY OFF|CLIENT REPLY SKIP|PING|PING|CLIENT REPLY ON", ["+OK"]],
    ["CLIENT REPLY OFF|RESET|PING", ["+RESET", "+PONG"]],
    ["CLIENT REPLY SKIP|RESET|PING", ["+PONG"]],
    ["CLIENT REPLY maybe", ["-ERR syntax error"]],
  ];
  for (const [commands, replies] of rows) {
    client.write(`${commands.replaceAll("|", "\r\n")}\r\nECHO end\r\n`);
    const got = (await client.readMany(replies.length + 1)).map(show);
    expect([commands, ...got]).toEqual([commands, ...replies, '"end"']);
  }
});

describe("CLIENT KILL", () => {
  test("closes the client at an address, or says that there is none", async () => {
    const victim = await connect();
    const [line] = parseLines(await victim.call("CLIENT", "INFO"));
    expect(await client.text("CLIENT", "KILL", "1.2.3.4:5")).toBe("-ERR No such client");
    expect(await client.text("CLIENT", "KILL", line!.get("addr")!)).toBe("+OK");
    await victim.closed;
    expect(parseLines(await client.call("CLIENT", "LIST"))).toHaveLength(1);
  });

  test("closes the clients that all filters match, the sender only if asked to", async () => {
    const victim = await connect();
    const id = await idOf(victim);
    const kill = (...filter: (string | number)[]) => client.text("CLIENT", "KILL", ...filter);
    expect(await kill("ID", id, "TYPE", "pubsub")).toBe(":0");
    expect(await kill("ID", id, "ADDR", "1.2.3.4:5")).toBe(":0");
    expect(await kill("ID", id, "LADDR", "1.2.3.4:5")).toBe(":0");
    expect(await kill("ID", id, "MAXAGE", 100)).toBe(":0");
    expect(await kill("ID", await idOf(client))).toBe(":0");
    hutch.engine.clock.advance(100_000);
    const laddr = `127.0.0.1:${hutch.port}`;
    expect(await kill("ID", id, "MAXAGE", 100, "USER", "default", "LADDR", laddr)).toBe(":1");
    await victim.closed;
    expect(await kill("SKIPME", "no", "TYPE", "normal")).toBe(":1");
    await client.closed;
  });

  test("checks its arguments before it closes anybody", async () => {
    const id = await idOf(await connect());
    const rows: readonly (readonly [readonly (string | number)[], string])[] = [
      [["ID", id, "ID"], "-ERR syntax error"],
      [["ID", id, "SKIPME", "perhaps"], "-ERR syntax error"],
      [["ID", id, "FOO", "x"], "-ERR syntax error"],
      [["ID", 0], "-ERR client-id should be greater than 0"],
      [["ID", "-9223372036854775808"], "-ERR client-id should be greater than 0"],
      [["ID", id, "USER", "constructor"], "-ERR No such user 'constructor'"],
      [["ID", id, "TYPE", "x"], "-ERR Unknown client type 'x'"],
      [["ID", id, "MAXAGE", "x"], "-ERR maxage is not an integer or out of range"],
      [["ID", id, "MAXAGE", "-1"], "-ERR maxage should be greater than 0"],
    ];
    for (const [filter, error] of rows) {
      expect(await client.text("CLIENT", "KILL", ...filter)).toBe(error);
    }
    // Those of earlier tests may be on their way out.
    await until("these two to be all there are", () => hutch.engine.sessions.size === 2);
    expect(parseLines(await client.call("CLIENT", "LIST"))).toHaveLength(2);
  });
});

describe("CLIENT PAUSE", () => {
  /** Lets the server's time pass. */
  function advance(ms: number): void {
    hutch.engine.clock.advance(ms);
    hutch.engine.beat();
  }

  const heldCount = () => hutch.engine.held.size;

  test("holds back writes and runs each of them once when its time is over", async () => {
    const other = await connect();
    expect(await client.text("CLIENT", "PAUSE", 60_000, "WRITE")).toBe("+OK");
    expect(await other.text("GET", "n")).toBe("null bulk");
    other.write("INCR n\r\nINCR n\r\nGET n\r\n");
    await until("the held write", () => heldCount() === 1);
    // More of it arrives while it waits, the last command in two pieces.
    other.write("INCR n\r\nGE");
    other.write("T n\r\n");
    expect(await client.text("GET", "n")).toBe("null bulk");
    advance(59_000);
    expect(heldCount()).toBe(1);
    advance(1001);
    expect((await other.readMany(5)).map(show)).toEqual([":1", ":2", '"2"', ":3", '"3"']);
    expect(other.unread).toBe(0);
  });

  test("of all commands holds back UNPAUSE as well, but not errors", async () => {
    const other = await connect();
    expect(await client.text("CLIENT", "PAUSE", 60_000)).toBe("+OK");
    client.write("CLIENT UNPAUSE\r\nPING\r\n");
    await until("the held command", () => heldCount() === 1);
    expect(await other.text("NOSUCH")).toStartWith("-ERR unknown command");
    expect(await other.text("GET")).toStartWith("-ERR wrong number of arguments");
    other.write(encodeCommand(["PING"]));
    await until("the second one", () => heldCount() === 2);
    advance(60_001);
    expect((await client.readMany(2)).map(show)).toEqual(["+OK", "+PONG"]);
    expect(show(await other.read())).toBe("+PONG");
  });

  test("ends with UNPAUSE", async () => {
    const other = await connect();
    expect(await client.text("CLIENT", "PAUSE", 60_000, "write")).toBe("+OK");
    other.write(encodeCommand(["SET", "k", "v".repeat(100_000)]));
    await until("the held write", () => heldCount() === 1);
    expect(await client.text("CLIENT", "LIST")).toInclude("flags=b ");
    expect(await client.text("CLIENT", "UNPAUSE")).toBe("+OK");
    expect(show(await other.read())).toBe("+OK");
    expect(await client.text("STRLEN", "k")).toBe(":100000");
  });

  test("is only made longer and stricter by a second one", async () => {
    const other = await connect();
    expect(await client.text("CLIENT", "PAUSE", 60_000, "WRITE")).toBe("+OK");
    expect(await client.text("CLIENT", "PAUSE", 10, "ALL")).toBe("+OK");
    other.write(encodeCommand(["PING"]));
    await until("the held command", () => heldCount() === 1);
    advance(59_000);
    expect(heldCount()).toBe(1);
    advance(1001);
    expect(show(await other.read())).toBe("+PONG");
  });

  test("begun by one that goes on holds the others back again", async () => {
    const other = await connect();
    expect(await client.text("CLIENT", "PAUSE", 1000)).toBe("+OK");
    client.write("CLIENT PAUSE 5000\r\n");
    await until("the first", () => heldCount() === 1);
    other.write("PING\r\n");
    await until("the second", () => heldCount() === 2);
    advance(1001);
    expect(show(await client.read())).toBe("+OK");
    await until("the second again", () => heldCount() === 1);
    expect(other.unread).toBe(0);
    advance(5001);
    expect(show(await other.read())).toBe("+PONG");
  });

  test("forgets a client that goes away while it waits", async () => {
    const other = await connect();
    expect(await client.text("CLIENT", "PAUSE", 60_000, "WRITE")).toBe("+OK");
    other.write(encodeCommand(["SET", "k", "v"]));
    await until("the held write", () => heldCount() === 1);
    const [, line] = parseLines(await client.call("CLIENT", "LIST"));
    expect(await client.text("CLIENT", "KILL", "ID", line!.get("id")!)).toBe(":1");
    await other.closed;
    expect(heldCount()).toBe(0);
    advance(60_001);
    expect(await client.text("EXISTS", "k")).toBe(":0");
  });

  test("checks its arguments", async () => {
    const rows: readonly (readonly [readonly string[], string])[] = [
      [["x"], "-ERR timeout is not an integer or out of range"],
      [["-1"], "-ERR timeout is negative"],
      [["9223372036854775807"], "-ERR timeout is out of range"],
      [["x", "y"], "-ERR CLIENT PAUSE mode must be WRITE or ALL"],
      [
        ["1", "ALL", "x"],
        "-ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP.",
      ],
    ];
    for (const [args, error] of rows) {
      expect(await client.text("CLIENT", "PAUSE", ...args)).toBe(error);
    }
    expect(await client.text("CLIENT", "PAUSE", "0")).toBe("+OK");
    expect(hutch.engine.pauseMode).toBe(0);
  });
});

test("NO-TOUCH keeps reads from counting as uses", async () => {
  await client.text("SET", "k", "v");
  hutch.engine.clock.advance(100_000);
  expect(await client.text("CLIENT", "NO-TOUCH", "on")).toBe("+OK");
  await client.text("GET", "k");
  expect(Number((await client.text("OBJECT", "IDLETIME", "k")).slice(1))).toBeGreaterThan(90);
  expect(await client.text("CLIENT", "NO-TOUCH", "off")).toBe("+OK");
  await client.text("GET", "k");
  expect(Number((await client.text("OBJECT", "IDLETIME", "k")).slice(1))).toBeLessThan(10);
  expect(await client.text("CLIENT", "NO-TOUCH", "x")).toBe("-ERR syntax error");
  expect(await client.text("CLIENT", "NO-EVICT", "x")).toBe("-ERR syntax error");
});

test("subcommands that nobody has are unknown", async () => {
  for (const sub of ["NOSUCH", "TRACKINGS", "__proto__"]) {
    expect(await client.text("CLIENT", sub)).toBe(
      `-ERR unknown subcommand '${sub}'. Try CLIENT HELP.`,
    );
  }
});
