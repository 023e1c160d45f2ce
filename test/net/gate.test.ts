/** Connections behind the commit gate: whose replies wait while the log can't keep what was written. */
import { expect, test } from "bun:test";
import type { Connection } from "../../src/net/connection.ts";
import { startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { until } from "../support/until.ts";

const PING = "*1\r\n$4\r\nPING\r\n";
const SET = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
const SILENCE = "*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$4\r\nSKIP\r\n";

/** Runs `act` with two connections to a server whose log takes nothing. */
async function withFailingLog(
  act: (
    reader: { client: RespClient; connection: Connection },
    writer: { client: RespClient; connection: Connection },
  ) => Promise<void>,
): Promise<void> {
  const instance = startInProcess();
  const { engine } = instance;
  await instance.loaded;
  const opened: RespClient[] = [];
  const open = async (): Promise<{ client: RespClient; connection: Connection }> => {
    const client = await RespClient.connect(instance.port);
    opened.push(client);
    const id = Number((await client.text("CLIENT", "ID")).slice(1));
    return { client, connection: engine.sessions.get(id)!.peer as Connection };
  };
  try {
    const reader = await open();
    const writer = await open();
    engine.gate.setLog({ write: () => false });
    engine.record(true);
    await act(reader, writer);
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
