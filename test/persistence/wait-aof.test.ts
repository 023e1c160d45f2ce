/** WAITAOF, which redis-server 7.0 lacks: cases from its documentation. */
import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import * as fs from "node:fs";
import { createServer } from "../../src/create-server.ts";
import type { Instance } from "../../src/instance.ts";
import { startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";
import { until } from "../support/until.ts";
import { inFolder } from "./folder.ts";

async function withServer(
  options: Readonly<Record<string, string>>,
  use: (client: RespClient, server: Instance) => Promise<void>,
): Promise<void> {
  await inFolder(async (dir) => {
    const server = startInProcess({ dir, appendonly: "yes", save: "", ...options });
    await server.loaded;
    const client = await RespClient.connect(server.port);
    try {
      await use(client, server);
    } finally {
      client.close();
      await server.stop();
    }
  });
}

describe("WAITAOF", () => {
  test("waits for a sync, whatever the policy, and does not wait for what is synced", async () => {
    for (const policy of ["always", "everysec", "no"]) {
      await withServer({ appendfsync: policy }, async (client) => {
        const [set, waited] = await client.pipeline([
          ["SET", "a", "1"],
          ["WAITAOF", 1, 0, 0],
        ]);
        expect(show(set!)).toBe("+OK");
        expect(show(waited!)).toBe("[:1, :0]");
        expect(await client.text("WAITAOF", 1, 0, 0)).toBe("[:1, :0]");
        expect(await client.text("WAITAOF", 0, 0, 0)).toBe("[:1, :0]");
      });
    }
  });

  test("says what is synced when the time is over", async () => {
    await withServer({ appendfsync: "no" }, async (client) => {
      expect(await client.text("WAITAOF", 0, 1, 20)).toBe("[:1, :0]");
      await client.call("SET", "a", "1");
      expect(await client.text("WAITAOF", 0, 1, 20)).toBe("[:0, :0]");
      expect(await client.text("WAITAOF", 0, 0, 0)).toBe("[:0, :0]");
      expect(await client.text("WAITAOF", 1, 1, 50)).toBe("[:1, :0]");
    });
  });

  test("takes one sync for all who wait, and none is answered before it has ended", async () => {
    await withServer({ appendfsync: "no" }, async (client, server) => {
      const ended: (() => void)[] = [];
      const sync = spyOn(fs, "fdatasync").mockImplementation(((_fd: number, done: () => void) => {
        ended.push(done);
      }) as typeof fs.fdatasync);
      try {
        const others = await Promise.all(
          Array.from({ length: 10 }, () => RespClient.connect(server.port)),
        );
        await client.call("SET", "a", "1");
        client.write("WAITAOF 1 0 0\r\n");
        await until("the first sync", () => ended.length === 1);
        for (const [index, other] of others.entries()) {
          other.write(`SET b${index} 1\r\nWAITAOF 1 0 0\r\n`);
          expect(show(await other.read())).toBe("+OK");
        }
        expect(ended.length).toBe(1);
        expect(client.unread).toBe(0);
        ended[0]!();
        expect(show(await client.read())).toBe("[:1, :0]");
        await until("the second sync", () => ended.length === 2);
        expect(others.map((other) => other.unread)).toEqual(others.map(() => 0));
        ended[1]!();
        for (const other of others) {
          expect(show(await other.read())).toBe("[:1, :0]");
          other.close();
        }
        expect(ended.length).toBe(2);
      } finally {
        sync.mockRestore();
        for (const end of ended) end();
      }
    });
  });

  test("ends with an error when the log is switched off, and counts again with its new base", async () => {
    await withServer({ appendfsync: "no" }, async (client, server) => {
      const other = await RespClient.connect(server.port);
      await client.call("SET", "a", "1");
      client.write("WAITAOF 1 1 0\r\n");
      await until("the waiting", async () =>
        (await other.text("INFO", "clients")).includes("blocked_clients:1"),
      );
      expect(await other.text("CONFIG", "SET", "appendonly", "no")).toBe("+OK");
      expect(show(await client.read())).toContain("-ERR WAITAOF cannot be used when");
      expect(await client.text("WAITAOF", 0, 0, 0)).toBe("[:0, :0]");
      expect(await other.text("CONFIG", "SET", "appendonly", "yes")).toBe("+OK");
      expect(await client.text("WAITAOF", 1, 0, 0)).toBe("[:1, :0]");
      other.close();
    });
  });

  test("waits in a call of the library too", async () => {
    await inFolder(async (dir) => {
      await using server = await createServer({ port: 0, dir, appendfsync: "no" });
      const answers = await Promise.all([
        server.call("SET", "a", "1"),
        server.call("WAITAOF", 1, 0, 0),
        server.call("GET", "a"),
      ]);
      expect(answers).toEqual(["OK", [1, 0], "1"]);
    });
  });

  test("can be ended by CLIENT UNBLOCK", async () => {
    await withServer({ appendfsync: "no" }, async (client, server) => {
      const other = await RespClient.connect(server.port);
      const id = await client.text("CLIENT", "ID");
      for (const [how, answer] of [
        ["TIMEOUT", "[:1, :0]"],
        ["ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK"],
      ] as const) {
        const waited = client.text("WAITAOF", 1, 1, 0);
        await until(
          "the waiting",
          async () => (await other.text("CLIENT", "UNBLOCK", id.slice(1), how)) === ":1",
        );
        expect(await waited).toBe(answer);
      }
      other.close();
    });
  });

  describe("refuses", () => {
    let server: Instance;
    let client: RespClient;
    beforeAll(async () => {
      server = startInProcess({ appendonly: "no" });
      client = await RespClient.connect(server.port);
    });
    afterAll(async () => {
      client.close();
      await server.stop();
    });

    test.each([
      ["2 0 0", "-ERR value is out of range, value must between 0 and 1"],
      ["-1 0 0", "-ERR value is out of range, value must between 0 and 1"],
      ["x 0 0", "-ERR value is not an integer or out of range"],
      ["0 -1 0", "-ERR value is out of range, must be positive"],
      ["0 0 -1", "-ERR timeout is negative"],
      ["0 0 x", "-ERR timeout is not an integer or out of range"],
      ["0 0 9223372036854775807", "-ERR timeout is out of range"],
      ["1 0 0", "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."],
    ])("WAITAOF %s", async (words, answer) => {
      expect(await client.text("WAITAOF", ...words.split(" "))).toBe(answer);
    });
  });
});
