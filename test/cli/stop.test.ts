import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { RespClient } from "../support/resp-client.ts";
import { inFolder, runHutch } from "./run-hutch.ts";

const ARGS = ["--port", "0", "--bind", "127.0.0.1"];

describe("the end", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`${signal} sends the replies that are owed, closes and leaves with status 0`, async () => {
      const run = runHutch(ARGS);
      try {
        const port = await run.port();
        const reader = await RespClient.connect(port);
        const idle = await RespClient.connect(port);
        const value = "x".repeat(1000);
        expect(await reader.text("SET", "k", value)).toBe("+OK");
        // More than the system buffers: the rest is owed when the signal comes.
        reader.pause();
        const commands = Array.from({ length: 20_000 }, () => "GET k\r\n");
        reader.write(commands.join(""));
        expect(await idle.text("PING")).toBe("+PONG");
        run.kill(signal);
        await idle.closed;
        await run.printed(`Received ${signal} scheduling shutdown...`);
        await expect(RespClient.connect(port)).rejects.toThrow();
        reader.resume();
        await reader.closed;
        // Whatever arrived is whole replies: "+OK" first, then values with their headers.
        expect(reader.unread).toBeGreaterThan(0);
        expect(reader.received).toBe(5 + reader.unread * (value.length + 9));
        for (let left = reader.unread; left > 0; left--) {
          const reply = await reader.read();
          expect(reply.type === "bulk" && reply.text === value).toBe(true);
        }
        await expect(reader.read()).rejects.toThrow("closed");
        expect(await run.exited).toBe(0);
        expect(run.out()).toContain("ready to exit, bye bye...");
        expect(run.err()).toBe("");
      } finally {
        await run.stop();
      }
    });
  }

  test("a second signal ends at once with status 1", async () => {
    const run = runHutch(ARGS);
    try {
      const client = await RespClient.connect(await run.port());
      await client.text("SET", "k", "x".repeat(100_000));
      // A client that does not read keeps the server waiting.
      client.pause();
      client.write("GET k\r\n".repeat(1000));
      const other = await RespClient.connect(await run.port());
      await other.text("PING");
      run.kill("SIGTERM");
      await other.closed;
      run.kill("SIGTERM");
      expect(await run.exited).toBe(1);
      expect(run.out()).toContain("You insist... exiting now.");
    } finally {
      await run.stop();
    }
  });

  test("SHUTDOWN ends the program with status 0 and without a reply, unless it can't write a snapshot", async () => {
    await inFolder(async (folder) => {
      const run = runHutch(ARGS, { cwd: folder });
      try {
        const client = await RespClient.connect(await run.port());
        expect(await client.text("SET", "k", "v")).toBe("+OK");
        mkdirSync(join(folder, "dump.rdb"));
        const refusal = "-ERR Errors trying to SHUTDOWN. Check logs.";
        expect(await client.text("SHUTDOWN")).toBe(refusal);
        expect(await client.text("SHUTDOWN", "SAVE")).toBe(refusal);
        expect(await client.text("PING")).toBe("+PONG");
        await expect(client.call("SHUTDOWN", "NOSAVE")).rejects.toThrow("closed");
        expect(await run.exited).toBe(0);
        expect(run.out()).toMatch(/User requested shutdown\.\.\.[^]*bye bye/);
      } finally {
        await run.stop();
      }
    });
  });

  test("clients whose commands wait do not hold it up", async () => {
    const run = runHutch(ARGS);
    try {
      const port = await run.port();
      const client = await RespClient.connect(port);
      const waiting = await RespClient.connect(port);
      expect(await client.text("CLIENT", "PAUSE", 100_000, "WRITE")).toBe("+OK");
      const reply = waiting.call("SET", "k", "v");
      expect(await client.text("PING")).toBe("+PONG");
      run.kill("SIGTERM");
      await expect(reply).rejects.toThrow("closed");
      expect(await run.exited).toBe(0);
    } finally {
      await run.stop();
    }
  });

  test("an error that nobody caught is logged and ends the program with status 1", async () => {
    const signals = new URL("../../src/cli/signals.ts", import.meta.url).pathname;
    const log = new URL("../../src/base/log.ts", import.meta.url).pathname;
    for (const failure of ["throw new Error('oh')", "Promise.reject(new Error('oh'))"]) {
      const child = Bun.spawn(
        [
          process.execPath,
          "-e",
          `import { handleDefects } from ${JSON.stringify(signals)};
           import { Logger } from ${JSON.stringify(log)};
           const logger = new Logger();
           logger.level = "warning";
           logger.write = (line) => console.log(line);
           handleDefects(logger);
           setImmediate(() => { ${failure} });
           setInterval(() => {}, 1000);`,
        ],
        { stdout: "pipe", stderr: "pipe" },
      );
      const out = await new Response(child.stdout).text();
      expect(await child.exited).toBe(1);
      expect(out).toMatch(/^\d+:M .* # Crashed: Error: oh\n/);
    }
  });

  test("SIGHUP changes nothing", async () => {
    const run = runHutch(ARGS);
    try {
      const client = await RespClient.connect(await run.port());
      run.kill("SIGHUP");
      for (let i = 0; i < 20; i++) expect(await client.text("PING")).toBe("+PONG");
      client.close();
    } finally {
      await run.stop();
    }
  });
});
