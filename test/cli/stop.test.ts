import { describe, expect, test } from "bun:test";
import { RespClient } from "../support/resp-client.ts";
import { runHutch } from "./run-hutch.ts";

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
        // Whatever arrived is whole replies.
        expect(reader.unread).toBeGreaterThan(0);
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
