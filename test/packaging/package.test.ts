/** What users get who do not have this repository: the packed package, and the single executable. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { Redis } from "ioredis";
import { awaitPing } from "../support/await-ping.ts";
import { freePort } from "../support/free-port.ts";

const ROOT = join(import.meta.dir, "../..");
const npm = Bun.which("npm");

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "hutch-package-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a command to its end and gives what it printed. */
async function run(command: readonly string[], cwd: string): Promise<string> {
  const child = Bun.spawn([...command], { cwd, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [printed, errors, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}\n${printed}${errors}`);
  return printed;
}

/** Starts a server with the command and a free port behind it, and ends it when it has answered PING. */
async function answersPing(command: readonly string[], cwd: string, path = ""): Promise<void> {
  const port = freePort();
  const child = Bun.spawn([...command, "--port", `${port}`], {
    cwd,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
    env: { ...process.env, PATH: `${path}${delimiter}${process.env.PATH}` },
  });
  try {
    await awaitPing(port, () => child.exitCode !== null);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
}

/** The threads of scripts have files of their own, which an executable must have in it. */
async function answersFromThreads(executable: string, cwd: string): Promise<void> {
  const port = freePort();
  const options = ["--busy-reply-threshold", "20", "--enable-typescript-functions", "yes"];
  const child = Bun.spawn([executable, "--port", `${port}`, ...options], {
    cwd,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
  });
  const redis = new Redis({ port, lazyConnect: true });
  try {
    await awaitPing(port, () => child.exitCode !== null);
    await redis.connect();
    const slow = "local n = 0 for i = 1, 50000000 do n = n + i % 7 end return n";
    expect(await redis.eval(slow, 0)).toBe(149_999_998);
    await redis.call("FUNCTION", "LOAD", '#!ts name=lib\nregister("answer", () => 42);');
    expect(await redis.call("FCALL", "answer", 0)).toBe(42);
  } finally {
    redis.disconnect();
    child.kill("SIGKILL");
    await child.exited;
  }
}

describe.skipIf(npm === null)("the packed package", () => {
  let app: string;
  let contents: string[];

  beforeAll(async () => {
    const packed = await run([npm!, "pack", "--json", "--pack-destination", folder], ROOT);
    const [{ filename, files }] = JSON.parse(packed) as [
      { filename: string; files: { path: string }[] },
    ];
    contents = files.map((file) => file.path);
    app = join(folder, "app");
    const install = ["install", "--prefix", app, "--prefer-offline", "--no-audit", "--no-fund"];
    await run([npm!, ...install, join(folder, filename)], folder);
  }, 300_000);

  test("holds the sources, the README and the licence, and nothing else", () => {
    for (const path of ["src/server.ts", "src/index.ts", "README.md", "LICENSE", "package.json"]) {
      expect(contents).toContain(path);
    }
    const others = contents.filter((path) => !path.startsWith("src/"));
    expect(others.toSorted()).toEqual(["LICENSE", "README.md", "package.json"]);
  });

  test("starts as `hutch` from an empty project", async () => {
    const bin = join(app, "node_modules/.bin");
    await answersPing([join(bin, "hutch")], app, bin);
  });

  test("starts by `bunx hutch`", async () => {
    const bin = join(app, "node_modules/.bin");
    await answersPing([join(bin, "bunx"), "hutch"], app, bin);
  });

  test("is a library to a program that imports it", async () => {
    const program = join(app, "program.ts");
    await Bun.write(
      program,
      `import { connect, createServer } from "hutch";
      const server = await createServer({ port: 0 });
      const client = await connect({ port: server.port });
      await server.call("SET", "greeting", "hello");
      console.log(String(await client.get("greeting")));
      client.close();
      await server.stop();`,
    );
    expect(await run([join(app, "node_modules/.bin/bun"), program], app)).toBe("hello\n");
  });
});

describe("the single executable", () => {
  test("is built by one command, starts, and answers", async () => {
    const executable = join(folder, "hutch");
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    const [, ...build] = scripts.compile!.split(" ").slice(0, -1);
    await run([process.execPath, ...build, executable], ROOT);
    expect(existsSync(executable)).toBe(true);
    await answersPing([executable], folder);
    await answersFromThreads(executable, folder);
  });
});
