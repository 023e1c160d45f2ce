/** Connections behind the commit gate: whose replies wait while the log can't keep what was written. */
import { expect, test } from "bun:test";
import type { CommitGate } from "../../src/effects/commit-gate.ts";
import type { Connection } from "../../src/net/connection.ts";
import { startInProcess } from "../support/in-process.ts";
import { encodeCommand, RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { until } from "../support/until.ts";

const PING = "*1\r\n$4\r\nPING\r\n";
const SET = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
const SILENCE = "*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$4\r\nSKIP\r\n";

interface Connected {
  readonly client: RespClient;
  readonly connection: Connection;
}

/** Runs `act` with two connections to a server whose log takes nothing. */
async function withFailingLog(
  act: (reader: Connected, writer: Connected) => Promise<void>,
): Promise<void> {
  await withLog(() => false, act);
}

/** Runs `act` with two connections to a server whose log takes everything, and whose syncs do not end. */
async function withStalledSyncs(
  act: (reader: Connected, writer: Connected, gate: CommitGate) => Promise<void>,
): Promise<void> {
  await withLog(
    () => true,
    async (reader, writer, gate) => {
      gate.discerns = true;
      await act(reader, writer, gate);
    },
  );
}

async function withLog(
  write: () => boolean,
  act: (reader: Connected, writer: Connected, gate: CommitGate) => Promise<void>,
): Promise<void> {
  const instance = startInProcess();
  const { engine } = instance;
  await instance.loaded;
  const opened: RespClient[] = [];
  const open = async (): Promise<Connected> => {
    const client = await RespClient.connect(instance.port);
    opened.push(client);
    const id = Number((await client.text("CLIENT", "ID")).slice(1));
    return { client, connection: engine.sessions.get(id)!.peer as Connection };
  };
  try {
    const reader = await open();
    const writer = await open();
    engine.gate.setLog({ write });
    engine.record(true);
    await act(reader, writer, engine.gate);
  } finally {
    engine.record(false);
    engine.gate.setLog(null);
    for (const client of opened) client.close();
    await instance.stop();
  }
}

test("a reader is answered though another client has written in the same turn, before the replies left", async () => {
  await withFailingLog(async (reader, writer) => {
    // What both have sent is taken in one turn, and the replies leave at its end.
    reader.connection.receive(Buffer.from(PING));
    writer.connection.receive(Buffer.from(SET));
    reader.connection.flush();
    writer.connection.flush();
    await until("the reader's reply", () => reader.connection.outputBytes === 0);
    expect(writer.connection.outputBytes).toBe("+OK\r\n".length);
  });
});

test("a writer waits, and one whose reply was left out is a reader again with its next command", async () => {
  await withFailingLog(async (_reader, writer) => {
    writer.connection.receive(Buffer.from(SILENCE + SET));
    writer.connection.flush();
    writer.connection.receive(Buffer.from(PING));
    writer.connection.flush();
    await until("the reply of PING", () => writer.connection.outputBytes === 0);
    writer.connection.receive(Buffer.from(SET + PING));
    writer.connection.flush();
    // Some turns: whatever was to be sent has been.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(writer.connection.outputBytes).toBe("+OK\r\n+PONG\r\n".length);
  });
});

/** Sends commands as a client would, in one write. */
function sendTo({ client }: Connected, ...lines: string[]): void {
  client.write(Buffer.concat(lines.map((line) => encodeCommand(line.split(" ")))));
}

async function next({ client }: Connected, count: number): Promise<string> {
  return (await client.readMany(count)).map(show).join(" ");
}

test("a stalled sync holds writers and who reads what they wrote, and nobody else (D13)", async () => {
  await withStalledSyncs(async (reader, writer, gate) => {
    sendTo(writer, "SET written 1");
    await until("the write", () => gate.mustWait);
    sendTo(reader, "GET other", "PING", "MGET other another", "EXISTS other");
    expect(await next(reader, 4)).toBe("null bulk +PONG [null bulk, null bulk] :0");
    expect(writer.client.unread).toBe(0);
    // What waits keeps what follows it waiting.
    sendTo(reader, "GET written", "GET other");
    await until("the reply", () => reader.connection.outputBytes > 0);
    sendTo(reader, "GET other");
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect([reader.client.unread, writer.client.unread]).toEqual([0, 0]);
    gate.advance(gate.offset);
    expect(await next(reader, 3)).toBe('"1" null bulk null bulk');
    expect(await next(writer, 1)).toBe("+OK");
  });
});

test("a reader waits for the last change of its keys, not for what came after it", async () => {
  await withStalledSyncs(async (reader, writer, gate) => {
    sendTo(writer, "SET first 1");
    await until("the write", () => gate.mustWait);
    const { offset } = gate;
    sendTo(writer, "SET second 2");
    await until("the other write", () => gate.offset > offset);
    sendTo(reader, "GET first");
    await until("its reply", () => reader.connection.outputBytes > 0);
    gate.advance(offset);
    expect(await next(reader, 1)).toBe('"1"');
    expect(await next(writer, 1)).toBe("+OK");
    sendTo(reader, "GET second");
    await until("its reply", () => reader.connection.outputBytes > 0);
    expect([reader.client.unread, writer.client.unread]).toEqual([0, 0]);
  });
});

test("what is sent to a client for another one's write waits, whatever the client reads next", async () => {
  await withStalledSyncs(async (reader, writer, gate) => {
    sendTo(reader, "BLPOP list 0");
    await until("its waiting", () => reader.connection.session.blocked);
    const { connection } = reader;
    // Served and asked again before the turn's end.
    writer.connection.receive(encodeCommand(["RPUSH", "list", "x"]));
    connection.receive(encodeCommand(["GET", "other"]));
    connection.flush();
    writer.connection.flush();
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect([reader.client.unread, writer.client.unread]).toEqual([0, 0]);
    gate.advance(gate.offset);
    expect(await next(reader, 2)).toBe('["list", "x"] null bulk');
  });
});

test("a reply that was made before another client's write in the same turn does not wait for it", async () => {
  await withStalledSyncs(async (reader, writer) => {
    reader.connection.receive(encodeCommand(["GET", "written"]));
    writer.connection.receive(encodeCommand(["SET", "written", "1"]));
    reader.connection.flush();
    writer.connection.flush();
    expect(await next(reader, 1)).toBe("null bulk");
    expect(writer.client.unread).toBe(0);
  });
});

test("a writer's own reads wait behind its write, and a large reply is held like a small one", async () => {
  await withStalledSyncs(async (reader, writer, gate) => {
    const large = "x".repeat(200_000);
    sendTo(writer, `SET large ${large}`);
    await until("the write", () => gate.mustWait);
    sendTo(writer, "GET other");
    sendTo(reader, "GET large", "GET other");
    await until("the reply", () => reader.connection.outputBytes > large.length);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect([reader.client.received > 1000, writer.client.unread]).toEqual([false, 0]);
    gate.advance(gate.offset);
    expect(await next(writer, 2)).toBe("+OK null bulk");
    expect(await next(reader, 2)).toBe(`"${large}" null bulk`);
  });
});
