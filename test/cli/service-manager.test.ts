/** A server that systemd watches: who listens at NOTIFY_SOCKET is told when it is ready, and when it ends. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Logger } from "../../src/base/log.ts";
import { ServiceManager } from "../../src/cli/service-manager.ts";
import { RespClient } from "../support/resp-client.ts";
import { until } from "../support/until.ts";
import { inFolder, runHutch } from "./run-hutch.ts";

const PYTHON = Bun.which("python3");

/** Prints every datagram that comes to a Unix socket, as one line. */
const LISTENER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = sys.argv[1]
s.bind("\\0" + name[1:] if name.startswith("@") else name)
print("listening", flush=True)
while True:
    print(s.recv(4096).decode().strip().replace("\\n", " "), flush=True)
`;

interface Listener {
  readonly lines: readonly string[];
  stop(): Promise<void>;
}

async function listen(address: string): Promise<Listener> {
  const child = Bun.spawn([PYTHON!, "-c", LISTENER, address], { stdout: "pipe" });
  const lines: string[] = [];
  const read = (async () => {
    let rest = "";
    for await (const chunk of child.stdout) {
      const parts = (rest + new TextDecoder().decode(chunk)).split("\n");
      rest = parts.pop()!;
      lines.push(...parts);
    }
  })();
  await until("it listens", () => lines.length > 0);
  lines.length = 0;
  return {
    lines,
    async stop() {
      child.kill();
      await read;
    },
  };
}

describe.skipIf(PYTHON === null || process.platform !== "linux")("systemd", () => {
  test.each(["a path", "a name"])(
    "is told at %s when the server is ready, and when it ends",
    async (kind) => {
      await inFolder(async (folder) => {
        const name = join(folder, "notify.sock");
        const address = kind === "a path" ? name : `@${name}`;
        const listener = await listen(address);
        const args = ["--supervised", kind === "a path" ? "systemd" : "auto", "--port", "0"];
        const run = runHutch([...args, "--bind", "127.0.0.1"], { env: { NOTIFY_SOCKET: address } });
        try {
          const client = await RespClient.connect(await run.port());
          await until("it is told", () => listener.lines.length > 0);
          expect(listener.lines).toEqual(["STATUS=Ready to accept connections READY=1"]);
          expect(await client.text("INFO", "server")).toContain("process_supervised:systemd");
          void client.call("SHUTDOWN", "NOSAVE").catch(() => {});
          await until("it is told of the end", () => listener.lines.length > 1);
          expect(listener.lines[1]).toBe("STOPPING=1");
          client.close();
        } finally {
          await run.stop();
          await listener.stop();
        }
      });
    },
  );

  test("is not told by a server that nobody told to, nor where there is no socket", async () => {
    for (const [supervised, env, logged] of [
      ["no", { NOTIFY_SOCKET: "/nowhere" }, ""],
      ["auto", {}, ""],
      ["systemd", {}, "NOTIFY_SOCKET not found"],
      ["systemd", { NOTIFY_SOCKET: "/nowhere" }, "systemd could not be told: STATUS"],
    ] as const) {
      const args = ["--supervised", supervised, "--port", "0", "--bind", "127.0.0.1"];
      const run = runHutch(args, { env });
      try {
        const client = await RespClient.connect(await run.port());
        expect(await client.text("PING")).toBe("+PONG");
        client.close();
        await until("it is ready", () => run.out().includes("Ready to accept"));
        if (logged === "") expect(run.out()).not.toContain("systemd");
        else await until(logged, () => run.out().includes(logged));
      } finally {
        await run.stop();
      }
    }
  });

  test("has no address that is too long, or none of a Unix socket", () => {
    for (const address of [`/${"x".repeat(200)}`, "vsock:2:1234", "relative"]) {
      const lines: string[] = [];
      const logger = new Logger();
      logger.level = "warning";
      logger.write = (line) => lines.push(line);
      new ServiceManager(address, logger).ready();
      expect(lines.length).toBe(1);
    }
  });
});
