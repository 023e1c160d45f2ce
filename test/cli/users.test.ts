/** Users of the program: lines of its config file, the file of `aclfile`, and how both are written again. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RespClient } from "../support/resp-client.ts";
import type { RunSetup } from "./run-hutch.ts";
import { inFolder, runHutch } from "./run-hutch.ts";

const FREE = ["--port", "0", "--bind", "127.0.0.1", "--appendonly", "no", "--save", ""];

/** Starts it, sends the commands on one connection, and ends it. Returns the replies as text. */
async function answersOf(
  args: readonly string[],
  setup: RunSetup,
  lines: readonly (readonly string[])[],
): Promise<string[]> {
  const run = runHutch([...args, ...FREE], setup);
  try {
    const client = await RespClient.connect(await run.port());
    const answers: string[] = [];
    for (const line of lines) answers.push(await client.text(...line));
    client.close();
    return answers;
  } finally {
    await run.stop();
  }
}

/** What it prints to standard error when it does not start; fails if the exit status is not 1. */
async function refusalOf(args: readonly string[], setup: RunSetup): Promise<string> {
  const run = runHutch([...args, ...FREE], setup);
  try {
    expect(await run.exited).toBe(1);
    return run.err();
  } finally {
    await run.stop();
  }
}

describe("users of the config file", () => {
  test("are there from the start, and log in", async () => {
    await inFolder(async (cwd) => {
      const text =
        'user alice on >secret ~a:* (~b +get) +@read\nuser default off\nuser "q\\"uote" on nopass +acl\n';
      writeFileSync(join(cwd, "x.conf"), text);
      expect(
        await answersOf(["x.conf"], { cwd }, [
          ["PING"],
          ["AUTH", "x"],
          ["AUTH", 'q"uote', "x"],
          ["ACL", "USERS"],
          ["AUTH", "alice", "secret"],
          ["GET", "a:1"],
          ["GET", "b"],
          ["GET", "c"],
        ]),
      ).toEqual([
        "-NOAUTH Authentication required.",
        "-WRONGPASS invalid username-password pair or user is disabled.",
        "+OK",
        '["alice", "default", "q\\"uote"]',
        "+OK",
        "null bulk",
        "null bulk",
        "-NOPERM No permissions to access a key",
      ]);
    });
  });

  test("take the place of requirepass for the default user", async () => {
    await inFolder(async (cwd) => {
      writeFileSync(join(cwd, "x.conf"), "requirepass one\nuser default on >two +@all ~*\n");
      expect(
        await answersOf(["x.conf"], { cwd }, [
          ["AUTH", "one"],
          ["AUTH", "two"],
        ]),
      ).toEqual(["-WRONGPASS invalid username-password pair or user is disabled.", "+OK"]);
    });
  });

  test("that can't be end the start", async () => {
    await inFolder(async (cwd) => {
      for (const [text, error] of [
        [
          "user alice +nosuch",
          "Error loading ACL rule '+nosuch' for the user named 'alice': Unknown command or category name in ACL",
        ],
        [
          "user alice on\nuser alice off",
          "Error in user declaration 'alice': Duplicate user found. A user can only be defined once in config files",
        ],
        ['user "a b" on', "Spaces not allowed in ACL usernames"],
        ["user alice on (~a", "Error in user declaration '(~a': Wrong format"],
        ["user", "Bad directive or wrong number of arguments"],
        ["user alice on\naclfile users.acl", "in a file of users (aclfile) at the same time"],
      ] as const) {
        writeFileSync(join(cwd, "x.conf"), `${text}\n`);
        expect(await refusalOf(["x.conf"], { cwd })).toContain(error);
      }
    });
  });

  test("are written by CONFIG REWRITE, and read back the same, odd names included", async () => {
    await inFolder(async (cwd) => {
      const path = join(cwd, "x.conf");
      writeFileSync(path, "# kept\nuser bob on nopass\n# kept too\nuser gone on\n");
      const rules = [
        ["on", ">p\0\n \"'"],
        ["~a'\"\\", "%R~\xff\x01*", "(~b &c +get)", "+select|0"],
      ];
      const before = await answersOf(["x.conf"], { cwd }, [
        ["ACL", "DELUSER", "gone"],
        ["ACL", "SETUSER", "__proto__", ...rules.flat()],
        ["ACL", "SETUSER", "a\"\\'", "off"],
        ["ACL", "SETUSER", "", "on"],
        ["ACL", "SETUSER", "default", "-flushall"],
        ["CONFIG", "REWRITE"],
        ["ACL", "LIST"],
      ]);
      expect(before.slice(0, -1)).toEqual([":1", "+OK", "+OK", "+OK", "+OK", "+OK"]);
      expect(readFileSync(path, "latin1")).toStartWith("# kept\nuser ");
      const after = await answersOf(["x.conf"], { cwd }, [
        ["ACL", "LIST"],
        ["AUTH", "__proto__", "p\0\n \"'"],
      ]);
      expect(after).toEqual([before.at(-1)!, "+OK"]);
    });
  });

  test("are no lines of a rewritten file if there is but the default one", async () => {
    await inFolder(async (cwd) => {
      const path = join(cwd, "x.conf");
      writeFileSync(path, "requirepass one\n");
      await answersOf(["x.conf"], { cwd }, [
        ["AUTH", "one"],
        ["CONFIG", "REWRITE"],
      ]);
      expect(readFileSync(path, "utf8")).not.toContain("user");
    });
  });
});

describe("the file of users", () => {
  const ARGS = ["--aclfile", "users.acl"];

  test("is read at the start, by ACL LOAD and written by ACL SAVE", async () => {
    await inFolder(async (cwd) => {
      const path = join(cwd, "users.acl");
      writeFileSync(
        path,
        "user alice on nopass +@all ~a:*\n\nuser default on nopass +@all ~* &*\n",
      );
      const run = runHutch([...ARGS, ...FREE], { cwd });
      try {
        const port = await run.port();
        const [admin, alice] = [await RespClient.connect(port), await RespClient.connect(port)];
        expect(await alice.text("AUTH", "alice", "x")).toBe("+OK");
        expect(await admin.text("ACL", "SETUSER", "bob", "on", "\xff")).toContain("Syntax error");
        expect(await admin.text("ACL", "SETUSER", "\xffbob", "on", "~\xfe")).toBe("+OK");
        expect(await admin.text("ACL", "SAVE")).toBe("+OK");
        const text = readFileSync(path, "latin1");
        expect(text).toBe(
          "user alice on nopass sanitize-payload ~a:* resetchannels +@all\n" +
            "user default on nopass sanitize-payload ~* &* +@all\n" +
            "user \xffbob on sanitize-payload ~\xfe resetchannels -@all\n",
        );
        expect(readdirSync(cwd)).toEqual(["users.acl"]);
        expect(statSync(path).mode & 0o777).toBe(0o600);

        // A wrong file changes nothing.
        writeFileSync(path, "user alice on +nosuch\nuser alice on\n");
        expect(await admin.text("ACL", "LOAD")).toBe(
          "-ERR users.acl:1: Error in applying operation '+nosuch': Unknown command or category name in ACL. WARNING: " +
            "Duplicate user 'alice' found on line 2. WARNING: ACL errors detected, no change to the previously active ACL " +
            "rules was performed",
        );
        expect(await alice.text("GET", "a:1")).toBe("null bulk");

        // Who is still there goes on, with the new rules; who is not, is closed.
        writeFileSync(path, "user alice on +@all ~b:*\n");
        expect(await admin.text("ACL", "LOAD")).toBe("+OK");
        expect(await alice.text("GET", "a:1")).toStartWith("-NOPERM");
        expect(await alice.text("GET", "b:1")).toBe("null bulk");
        expect(await admin.text("ACL", "USERS")).toBe('["alice", "default"]');
        writeFileSync(path, "\n");
        expect(await admin.text("ACL", "LOAD")).toBe("+OK");
        expect(
          await alice.text("PING").then(
            () => "open",
            () => "closed",
          ),
        ).toBe("closed");
        expect(await admin.text("CONFIG", "SET", "aclfile", "x")).toStartWith("-ERR");
        admin.close();
      } finally {
        await run.stop();
      }
    });
  });

  test("must be there and right at the start", async () => {
    await inFolder(async (cwd) => {
      expect(await refusalOf(ARGS, { cwd })).toContain(
        "Error loading ACLs, opening file 'users.acl': No such file or directory",
      );
      writeFileSync(join(cwd, "users.acl"), "usr alice on\n");
      expect(await refusalOf(ARGS, { cwd })).toContain(
        "users.acl:1 should start with user keyword followed by the username.",
      );
    });
  });

  test("that can't be written leaves the old one", async () => {
    await inFolder(async (cwd) => {
      const path = join(cwd, "users.acl");
      writeFileSync(path, "user default on nopass +@all ~*\n");
      const run = runHutch([...ARGS, ...FREE], { cwd });
      try {
        const client = await RespClient.connect(await run.port());
        // The new one can't be made where a folder stands.
        mkdirSync(`${path}.${run.pid}.tmp`);
        expect(await client.text("ACL", "SAVE")).toBe(
          "-ERR There was an error trying to save the ACLs. Please check the server logs for more information",
        );
        expect(run.out()).toContain("Writing ACL file for ACL SAVE: ");
        client.close();
      } finally {
        await run.stop();
      }
      expect(readFileSync(path, "utf8")).toBe("user default on nopass +@all ~*\n");
    });
  });
});
