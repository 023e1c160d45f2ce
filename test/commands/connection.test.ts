import { afterEach, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { exchange, native } from "../support/native-requests.ts";
import { startInProcess } from "../support/in-process.ts";
import { ConnectionClosed, RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";

let hutch: Instance | null = null;
const clients: RespClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await hutch?.stop();
  hutch = null;
});

async function connect(): Promise<RespClient> {
  const client = await RespClient.connect(hutch!.port);
  clients.push(client);
  return client;
}

async function start(options: Readonly<Record<string, string>> = {}): Promise<RespClient> {
  hutch = startInProcess(options);
  return await connect();
}

const WRONG_PASSWORD = "-WRONGPASS invalid username-password pair or user is disabled.";
const NO_AUTH = "-NOAUTH Authentication required.";

test("HELLO changes the protocol version and tells about the server", async () => {
  const client = await start();
  expect(await client.text("HELLO", 3)).toMatch(
    /^%\{"server": "redis", "version": "7\.4\.1", "proto": :3, "id": :\d+, "mode": "standalone", "role": "master", "modules": \[\]\}$/,
  );
  expect(await client.text("GET", "nothing")).toBe("null");
  expect(await client.text("HELLO", 2)).toStartWith('["server", "redis", ');
  expect(await client.text("GET", "nothing")).toBe("null bulk");
});

test("HELLO with a wrong option changes nothing", async () => {
  const client = await start();
  const errors = [
    [["HELLO", "4"], "-NOPROTO unsupported protocol version"],
    [["HELLO", "x"], "-ERR Protocol version is not an integer or out of range"],
    [["HELLO", "03"], "-ERR Protocol version is not an integer or out of range"],
    [["HELLO", "3", "SETNAME"], "-ERR Syntax error in HELLO option 'SETNAME'"],
    [["HELLO", "3", "SETNAME", "n", "AUTH", "u"], "-ERR Syntax error in HELLO option 'AUTH'"],
    [["HELLO", "3", "SETNAME", "n", "AUTH", "u", "p"], WRONG_PASSWORD],
    [
      ["HELLO", "3", "SETNAME", "a b"],
      "-ERR Client names cannot contain spaces, newlines or special characters.",
    ],
  ] as const;
  for (const [command, error] of errors) expect(await client.text(...command)).toBe(error);
  expect(await client.text("CLIENT", "GETNAME")).toBe("null bulk");
});

test("without the password only AUTH, HELLO, RESET and QUIT run", async () => {
  const client = await start({ requirepass: "secret" });
  expect(await client.text("PING")).toBe(NO_AUTH);
  expect(await client.text("CLIENT", "ID")).toBe(NO_AUTH);
  expect(await client.text("HELLO", 3)).toStartWith("-NOAUTH HELLO must be called with the client");
  expect(await client.text("RESET")).toBe("+RESET");
  expect(await client.text("AUTH", "default", "secret")).toBe("+OK");
  expect(await client.text("PING")).toBe("+PONG");
  expect(await client.text("RESET")).toBe("+RESET");
  expect(await client.text("PING")).toBe(NO_AUTH);
  expect(await client.text("HELLO", 3, "AUTH", "default", "secret")).toStartWith("%{");
  expect(await client.text("PING")).toBe("+PONG");
  expect(await client.text("RESET")).toBe("+RESET");
  expect(await client.text("QUIT")).toBe("+OK");
  await client.closed;
});

test("a wrong password leaves a client logged in as it was, and counts", async () => {
  const client = await start({ requirepass: "secret" });
  expect(await client.text("AUTH", "secret")).toBe("+OK");
  for (const password of ["", "secre", "secret0", "Secret", "s".repeat(1000)]) {
    expect(await client.text("AUTH", password)).toBe(WRONG_PASSWORD);
  }
  expect(await client.text("AUTH", "somebody", "secret")).toBe(WRONG_PASSWORD);
  expect(await client.text("PING")).toBe("+PONG");
  expect(hutch!.engine.stats.denied.auth).toBe(6);
});

test("the tenth wrong password in a row closes the connection", async () => {
  const client = await start({ requirepass: "secret" });
  const wrong = Array.from({ length: 9 }, () => ["AUTH", "x"]);
  for (const reply of await client.pipeline(wrong)) expect(show(reply)).toBe(WRONG_PASSWORD);
  expect(await client.text("AUTH", "secret")).toBe("+OK");
  for (const reply of await client.pipeline([...wrong, ["AUTH", "__proto__", "x"]])) {
    expect(show(reply)).toBe(WRONG_PASSWORD);
  }
  expect(client.text("PING")).rejects.toBeInstanceOf(ConnectionClosed);
  await client.closed;
});

test("AUTH without a password set is an error, with the default user it is not", async () => {
  const client = await start();
  expect(await client.text("AUTH", "x")).toStartWith("-ERR AUTH <password> called without any");
  expect(await client.text("AUTH", "default", "x")).toBe("+OK");
  expect(await client.text("AUTH", "constructor", "x")).toBe(WRONG_PASSWORD);
});

test("a password set while the server runs is demanded of new connections only", async () => {
  const client = await start();
  expect(await client.text("CONFIG", "SET", "requirepass", "secret")).toBe("+OK");
  expect(await client.text("PING")).toBe("+PONG");
  const second = await connect();
  expect(await second.text("PING")).toBe(NO_AUTH);
  expect(await client.text("CONFIG", "SET", "requirepass", "")).toBe("+OK");
  expect(await second.text("PING")).toBe("+PONG");
});

test("the native protocol has the same door, and answers in its own form", async () => {
  await start({ requirepass: "secret" });
  const text = "NOAUTH Authentication required.";
  const error = Buffer.from(`\0\x01\0\0\0${String.fromCharCode(text.length)}${text}`, "latin1");
  const replies = await exchange(hutch!.port, [
    native.get("k"),
    native.set("k", "v"),
    native.clear("k"),
    native.ping(""),
  ]);
  expect(replies).toEqual(Buffer.concat([error, error, error, error]));
  expect(hutch!.engine.keyspace.size).toBe(0);
});

test("SELECT chooses one of the databases", async () => {
  const client = await start();
  expect(await client.text("SELECT", 15)).toBe("+OK");
  await client.call("SET", "k", "15");
  expect(await client.text("SELECT", 16)).toBe("-ERR DB index is out of range");
  expect(await client.text("SELECT", "__proto__")).toBe(
    "-ERR value is not an integer or out of range",
  );
  expect(await client.text("GET", "k")).toBe('"15"');
  expect(await client.text("SELECT", 0)).toBe("+OK");
  expect(await client.text("GET", "k")).toBe("null bulk");
});

test("RESET puts everything back but the library's name", async () => {
  const client = await start();
  for (const command of [
    ["SELECT", 3],
    ["CLIENT", "SETNAME", "me"],
    ["CLIENT", "NO-TOUCH", "ON"],
    ["CLIENT", "NO-EVICT", "ON"],
    ["CLIENT", "SETINFO", "LIB-NAME", "lib"],
  ]) {
    expect(await client.text(...command)).toBe("+OK");
  }
  await client.call("HELLO", 3);
  expect(await client.text("CLIENT", "INFO")).toMatch(
    /name=me .*flags=eT db=3 .*resp=3 lib-name=lib/,
  );
  expect(await client.text("RESET")).toBe("+RESET");
  expect(await client.text("CLIENT", "INFO")).toMatch(/name= .*flags=N db=0 .*resp=2 lib-name=lib/);
});

test("QUIT is answered, and what follows it is not run", async () => {
  const client = await start();
  client.write("SET k 1\r\nQUIT\r\nSET k 2\r\n");
  expect((await client.readMany(2)).map(show)).toEqual(["+OK", "+OK"]);
  await client.closed;
  expect(await (await connect()).text("GET", "k")).toBe('"1"');
});

for (const request of [
  "POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET k hacked\r\n",
  "host: localhost\r\nSET k hacked\r\n",
  "*1\r\n$4\r\npOsT\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$6\r\nhacked\r\n",
]) {
  test(`a web browser is cut off at ${JSON.stringify(request.slice(0, 14))} and gets no answer (S27)`, async () => {
    const client = await start();
    const lines: string[] = [];
    hutch!.engine.logger.level = "warning";
    hutch!.engine.logger.write = (line) => lines.push(line);
    client.write(`PING\r\n${request}`);
    await client.closed;
    expect(client.received).toBe(0);
    expect(lines.join("\n")).toContain("Possible SECURITY ATTACK detected");
    const second = await connect();
    expect(await second.text("EXISTS", "k")).toBe(":0");
    second.write("POST x\r\n");
    await second.closed;
    expect(lines.length).toBe(1);
  });
}

test("names that mean something in JavaScript are unknown commands like any other", async () => {
  const client = await start();
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty", ""]) {
    expect(await client.text(name, "x")).toBe(
      `-ERR unknown command '${name}', with args beginning with: 'x' `,
    );
    expect(await client.text("CLIENT", name)).toBe(
      `-ERR unknown subcommand '${name}'. Try CLIENT HELP.`,
    );
    expect(await client.text("INFO", name)).toBe('""');
  }
});
