import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RespClient } from "../support/resp-client.ts";
import type { RunSetup } from "./run-hutch.ts";
import { inFolder, runHutch } from "./run-hutch.ts";

const FREE = ["--port", "0", "--bind", "127.0.0.1"];

/** Starts it, asks it for options, and ends it. */
async function optionsOf(
  args: readonly string[],
  names: readonly string[],
  setup: RunSetup = {},
): Promise<string[]> {
  const run = runHutch(args, setup);
  try {
    const client = await RespClient.connect(await run.port());
    const values: string[] = [];
    for (const name of names) {
      const reply = await client.call("CONFIG", "GET", name);
      if (reply.type !== "array" || reply.items[1]?.type !== "bulk") throw new Error(name);
      values.push(reply.items[1].text);
    }
    client.close();
    return values;
  } finally {
    await run.stop();
  }
}

/** What it prints to standard error when it does not start; fails if the exit status is not 1. */
async function refusalOf(args: readonly string[], setup: RunSetup = {}): Promise<string> {
  const run = runHutch(args, setup);
  try {
    expect(await run.exited).toBe(1);
    return run.err();
  } finally {
    await run.stop();
  }
}

const TITLE = "*** FATAL CONFIG FILE ERROR (Redis 7.4.1) ***";

describe("the start", () => {
  test("prints the lines that scripts wait for, in order", async () => {
    const run = runHutch(FREE);
    try {
      const port = await run.port();
      const lines = run.out().trimEnd().split("\n");
      for (const line of lines) {
        expect(line).toMatch(/^\d+:[CM] \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} [.*#-] \S/);
        expect(line).toStartWith(`${run.pid}:`);
      }
      const order = [
        ` PID: ${run.pid}`,
        `Listening on 127.0.0.1:${port}`,
        "* Server initialized",
        "* Ready to accept connections tcp",
      ].map((text) => run.out().indexOf(text));
      expect(order).toEqual(order.toSorted((a, b) => a - b));
      expect(order[0]).toBeGreaterThan(0);
    } finally {
      await run.stop();
    }
  });

  test("listens on several addresses and leaves out an optional one that is not there", async () => {
    const run = runHutch(["--port", "0", "--bind", "127.0.0.1", "127.0.0.2", "-203.0.113.1"]);
    try {
      const port = await run.port();
      expect(run.out()).toContain(`Listening on 127.0.0.1:${port}, 127.0.0.2:${port}\n`);
      (await RespClient.connect(port)).close();
    } finally {
      await run.stop();
    }
  });

  test("refuses a port that is taken, in Redis's words", async () => {
    const holder = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    try {
      const error = await refusalOf(["--port", `${holder.port}`, "--bind", "127.0.0.1"]);
      expect(error).toBe(
        `Could not create server TCP listening socket 127.0.0.1:${holder.port}: bind: Address already in use\n`,
      );
    } finally {
      holder.stop(true);
    }
  });

  test("refuses an address that the machine does not have", async () => {
    expect(await refusalOf(["--port", "0", "--bind", "203.0.113.1"])).toContain(
      "203.0.113.1:0: bind: Cannot assign requested address\n",
    );
  });

  test("refuses a TLS port without a certificate", async () => {
    expect(await refusalOf(["--port", "0", "--tls-port", "1"])).toBe(
      "No tls-cert-file configured!\n",
    );
  });

  test("lowers maxclients to what the system allows", async () => {
    const setup = { after: "ulimit -n 200" };
    expect(await optionsOf(FREE, ["maxclients"], setup)).toEqual(["168"]);
  });

  test("writes the log and the process id where it is told", async () => {
    await inFolder(async (folder) => {
      const run = runHutch([...FREE, "--logfile", "x.log", "--pidfile", "x.pid"], { cwd: folder });
      try {
        const log = join(folder, "x.log");
        while (!existsSync(log) || !readFileSync(log, "utf8").includes("Ready to accept")) {
          expect(run.err()).toBe("");
          await Bun.sleep(5);
        }
        expect(run.out()).toBe("");
        expect(readFileSync(join(folder, "x.pid"), "utf8")).toBe(`${run.pid}\n`);
        run.kill("SIGTERM");
        expect(await run.exited).toBe(0);
        expect(existsSync(join(folder, "x.pid"))).toBe(false);
        expect(readFileSync(log, "utf8")).toContain("bye bye");
      } finally {
        await run.stop();
      }
    });
  });

  test("says which options have no effect", async () => {
    const run = runHutch([...FREE, "--jemalloc-bg-thread", "no", "--masterauth", "secret"]);
    try {
      await run.port();
      expect(run.out()).toContain("'jemalloc-bg-thread no' is accepted, but has no effect");
      expect(run.out()).not.toContain("secret");
    } finally {
      await run.stop();
    }
  });
});

describe("the sources of options", () => {
  test("win in order: command line, environment, file, default", async () => {
    await inFolder(async (folder) => {
      const file = join(folder, "x.conf");
      writeFileSync(file, "hz 11\ntimeout 11\nmaxclients 111\nsave 900 1\nsave 300 10\n");
      const env = { HUTCH_TIMEOUT: "12", HUTCH_MAXCLIENTS: "112", HUTCH_SEED: "1" };
      const args = [file, ...FREE, "--maxclients", "113", "--save", "60", "5", "--save", "30", "2"];
      const names = ["hz", "timeout", "maxclients", "save", "databases"];
      const expected = ["11", "12", "113", "60 5 30 2", "16"];
      expect(await optionsOf(args, names, { env })).toEqual(expected);
    });
  });

  test("include other files, files by pattern, and standard input", async () => {
    await inFolder(async (folder) => {
      mkdirSync(join(folder, "d"));
      writeFileSync(
        join(folder, "a.conf"),
        "include b.conf\ninclude d/*.conf\ninclude none*.conf\n",
      );
      writeFileSync(join(folder, "b.conf"), "hz 21\n");
      writeFileSync(join(folder, "d", "1.conf"), "timeout 1\nmaxclients 21\n");
      writeFileSync(join(folder, "d", "2.conf"), "timeout 2\n");
      const setup = { cwd: folder, input: "maxclients 22\n" };
      const names = ["hz", "timeout", "maxclients"];
      const values = await optionsOf(["a.conf", ...FREE, "-"], names, setup);
      expect(values).toEqual(["21", "2", "22"]);
    });
  });

  test("rename commands and take them away", async () => {
    await inFolder(async (folder) => {
      writeFileSync(join(folder, "x.conf"), 'rename-command get FETCH\nrename-command set ""\n');
      const run = runHutch(["x.conf", ...FREE], { cwd: folder });
      try {
        const client = await RespClient.connect(await run.port());
        expect(await client.text("fetch", "a")).toBe("null bulk");
        expect(await client.text("GET", "a")).toStartWith("-ERR unknown command 'GET'");
        expect(await client.text("SET", "a", "b")).toStartWith("-ERR unknown command 'SET'");
        client.close();
      } finally {
        await run.stop();
      }
    });
  });

  test("keep relative paths within dir, which is made if a person names a new one beside him", async () => {
    await inFolder(async (folder) => {
      const args = [...FREE, "--dir", "./data", "--pidfile", "x.pid"];
      const [dir] = await optionsOf(args, ["dir"], { cwd: folder });
      expect(dir).toBe(join(realpathSync(folder), "data"));
      expect(existsSync(join(folder, "data", "x.pid"))).toBe(true);
    });
  });
});

test("dir can be changed only if protected options may be, and to what there is", async () => {
  await inFolder(async (folder) => {
    const run = runHutch([...FREE, "--enable-protected-configs", "local"], { cwd: folder });
    try {
      const client = await RespClient.connect(await run.port());
      mkdirSync(join(folder, "d"));
      expect(await client.text("CONFIG", "SET", "dir", "d", "dbfilename", "x")).toBe("+OK");
      const there = join(realpathSync(folder), "d");
      expect(await client.text("CONFIG", "GET", "dir")).toBe(`["dir", "${there}"]`);
      for (const [name, value, reason] of [
        ["dir", "none", "No such file or directory"],
        ["dir", "/dev/null", "Not a directory"],
        ["dbfilename", "../x", "dbfilename can't be a path, just a filename"],
      ] as const) {
        expect(await client.text("CONFIG", "SET", "hz", 99, name, value)).toBe(
          `-ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`,
        );
      }
      expect(await client.text("CONFIG", "GET", "hz", "dir")).toBe(
        `["hz", "10", "dir", "${there}"]`,
      );
      client.close();
    } finally {
      await run.stop();
    }
  });
});

describe("what can't be taken", () => {
  test("on the command line ends in one line and status 1", async () => {
    const cases: readonly (readonly [string[], string])[] = [
      [["--prot", "7000"], `>>> 'prot "7000"' Bad directive or wrong number of arguments`],
      [["--port"], ">>> 'port' wrong number of arguments"],
      [["--port", "70000"], `>>> 'port "70000"' argument must be between 0 and 65535 inclusive`],
      [["--port", "--hz"], `>>> 'port "--hz"' argument couldn't be parsed into an integer`],
      [["--dir", "/proc/none"], `>>> 'dir "/proc/none"' No such file or directory`],
      [["--dir", "/dev/null"], `>>> 'dir "/dev/null"' Not a directory`],
      [["-", "--daemonize", "yes"], "from standard input can't go to the background"],
      [["--tls-protocols", "TLSv1"], "TLSv1 and TLSv1.1 are not supported."],
      [["--__proto__", "1"], "Bad directive or wrong number of arguments"],
      [["--save", "1"], "Invalid save parameters"],
    ];
    for (const [args, text] of cases) {
      const error = await refusalOf(args);
      expect(error).toStartWith(TITLE);
      expect(error).toContain(text);
      expect(error.trimEnd().split("\n")).toHaveLength(1);
    }
  });

  test("in the environment names the variable", async () => {
    expect(await refusalOf([], { env: { HUTCH_PORT: "x" } })).toBe(
      `${TITLE} In the environment: >>> 'HUTCH_PORT=x' argument couldn't be parsed into an integer\n`,
    );
  });

  test("in a file gives Redis's block with the line", async () => {
    const cases: readonly (readonly [string, number, string, string])[] = [
      ["hz 1\n\n# c\n nope 1 \n", 4, "nope 1", "Bad directive or wrong number of arguments"],
      ["hz 1 2", 1, "hz 1 2", "wrong number of arguments"],
      ['hz "1', 1, 'hz "1', "Unbalanced quotes in configuration line"],
      ["rename-command nope x", 1, "rename-command nope x", "No such command in rename-command"],
      ["include x.conf", 1, "include x.conf", "Files include each other too deeply"],
    ];
    await inFolder(async (folder) => {
      for (const [text, number, line, reason] of cases) {
        writeFileSync(join(folder, "x.conf"), text);
        expect(await refusalOf(["x.conf"], { cwd: folder })).toBe(
          `\n${TITLE}\nReading the configuration file, at line ${number}\n>>> '${line}'\n${reason}\n`,
        );
      }
      expect(await refusalOf(["none.conf"], { cwd: folder })).toBe(
        `Fatal error, can't open config file '${join(realpathSync(folder), "none.conf")}': No such file or directory\n`,
      );
    });
  });
});

describe("--help and --version", () => {
  test("print and end", async () => {
    for (const [args, text] of [
      [["--help"], "--client-output-buffer-limit"],
      [["-h"], "--port"],
      [["--version"], "Hutch server v="],
      [["-v"], "Hutch server v="],
    ] as const) {
      const run = runHutch(args);
      expect(await run.exited).toBe(0);
      expect(run.out()).toContain(text);
      expect(run.err()).toBe("");
    }
  });
});
