/** redis-cli at the prompt of an operator and in scripts. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { HutchProcess } from "../support/hutch-process.ts";
import { startHutch } from "../support/hutch-process.ts";

const cli = Bun.which("redis-cli");
if (cli === null && process.env.CI === "true") throw new Error("redis-cli is not installed");
if (cli === null) console.warn("Skipping tests: redis-cli is not installed");

describe.skipIf(cli === null)("redis-cli", () => {
  let server: HutchProcess;

  beforeAll(async () => {
    server = await startHutch();
  });
  afterAll(() => server.stop());

  /** Runs it and gives what it printed, without the last line break. */
  async function run(args: readonly string[], input: string | Buffer = ""): Promise<string> {
    const child = Bun.spawn([cli!, "-p", `${server.port}`, ...args], {
      stdin: Buffer.from(input as string),
      stdout: "pipe",
      stderr: "pipe",
    });
    const [printed, errors] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    await child.exited;
    return (printed + errors).trimEnd();
  }

  test("runs a command", async () => {
    expect(await run(["SET", "k", "v"])).toBe("OK");
    expect(await run(["GET", "k"])).toBe("v");
    expect(await run(["--no-raw", "GET", "missing"])).toBe("(nil)");
    expect(await run(["--no-raw", "INCR", "n"])).toBe("(integer) 1");
  });

  test("speaks RESP3", async () => {
    expect(await run(["-3", "--no-raw", "CONFIG", "GET", "databases"])).toBe(
      '1# "databases" => "16"',
    );
  });

  test("runs the commands of its standard input, in a chosen database", async () => {
    expect(await run(["-n", "2"], "SET a 1\nINCR a\nDBSIZE\n")).toBe("OK\n2\n1");
  });

  test("takes a value from its standard input", async () => {
    expect(await run(["-x", "SET", "file"], "content of a file")).toBe("OK");
    expect(await run(["STRLEN", "file"])).toBe("17");
  });

  test("loads a file of commands by --pipe", async () => {
    const lines = Array.from({ length: 10_000 }, (_, i) => `SET pipe:${i} ${i}\r\n`).join("");
    expect(await run(["--pipe"], lines)).toContain("errors: 0, replies: 10000");
    expect(await run(["GET", "pipe:9999"])).toBe("9999");
  });

  test("scans keys by pattern", async () => {
    await run(["MSET", "scan:1", "a", "scan:2", "b", "other", "c"]);
    const keys = await run(["--scan", "--pattern", "scan:*"]);
    expect(keys.split("\n").toSorted()).toEqual(["scan:1", "scan:2"]);
  });

  test("shows INFO and the client's own line", async () => {
    expect(await run(["INFO", "server"])).toContain("redis_version:7.4.1");
    expect(await run(["CLIENT", "INFO"])).toContain("cmd=client|info");
  });

  test("shows an error as an error", async () => {
    expect(await run(["--no-raw", "NOSUCH", "x"])).toStartWith("(error) ERR unknown command");
  });

  test("authenticates", async () => {
    const locked = await startHutch({ args: ["--requirepass", "secret"] });
    const at = ["-p", `${locked.port}`];
    try {
      expect(await run([...at, "GET", "k"])).toContain("NOAUTH Authentication required.");
      expect(await run([...at, "-a", "secret", "--no-auth-warning", "PING"])).toBe("PONG");
    } finally {
      await locked.stop();
    }
  });
});
