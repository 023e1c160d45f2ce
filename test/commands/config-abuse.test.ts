/** What whoever can talk to a server, but is not its operator, would do with its options and its other levers (S19). */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Run } from "../cli/run-hutch.ts";
import { runHutch } from "../cli/run-hutch.ts";
import { RespClient } from "../support/resp-client.ts";

const PROTECTED = /^-ERR CONFIG SET failed .* - can't set protected config$/;
const IMMUTABLE = /^-ERR CONFIG SET failed .* - can't set immutable config$/;
const UNKNOWN_OPTION = /^-ERR Unknown option or number of arguments for CONFIG SET/;
const UNKNOWN_COMMAND = /^-ERR unknown command/;
const NO_DEBUG = /^-ERR DEBUG command not allowed\./;

/** Each with what it is answered by a server whose operator has allowed nothing. */
const ABUSES: readonly (readonly [line: string, answer: RegExp])[] = [
  ["CONFIG SET dir /etc", PROTECTED],
  ["CONFIG SET dir . timeout 1", PROTECTED],
  ["CONFIG SET dbfilename authorized_keys", PROTECTED],
  ["CONFIG SET dbfilename ../x", PROTECTED],
  ["CONFIG SET appenddirname ../x", IMMUTABLE],
  ["CONFIG SET appendfilename x", IMMUTABLE],
  ["CONFIG SET logfile /etc/cron.d/x", IMMUTABLE],
  ["CONFIG SET pidfile /etc/passwd", IMMUTABLE],
  ["CONFIG SET aclfile /etc/passwd", IMMUTABLE],
  ["CONFIG SET unixsocket /tmp/x", IMMUTABLE],
  ["CONFIG SET unixsocketperm 777", IMMUTABLE],
  ["CONFIG SET enable-debug-command yes", IMMUTABLE],
  ["CONFIG SET enable-protected-configs yes", IMMUTABLE],
  ["CONFIG SET enable-module-command yes", IMMUTABLE],
  ["CONFIG SET include /etc/passwd", UNKNOWN_OPTION],
  ["CONFIG SET loadmodule /tmp/x.so", UNKNOWN_OPTION],
  ["CONFIG SET user default", UNKNOWN_OPTION],
  ["CONFIG SET rename-command x", UNKNOWN_OPTION],
  ["MODULE LOAD /tmp/x.so", UNKNOWN_COMMAND],
  ["MODULE LOADEX /tmp/x.so", UNKNOWN_COMMAND],
  ["DEBUG SEGFAULT", NO_DEBUG],
  ["DEBUG RELOAD", NO_DEBUG],
  ["DEBUG SLEEP 100", NO_DEBUG],
  ["DEBUG SET-ACTIVE-EXPIRE 0", NO_DEBUG],
  ["ACL LOAD", /^-ERR This Redis instance is not configured to use an ACL file/],
  ["ACL SAVE", /^-ERR This Redis instance is not configured to use an ACL file/],
];

describe("a server whose operator has allowed nothing (S19)", () => {
  const folder = mkdtempSync(join(tmpdir(), "hutch-abuse-"));
  const configFile = join(folder, "hutch.conf");
  let hutch: Run;
  let client: RespClient;
  const start = (): Run =>
    runHutch([configFile, "--port", "0", "--bind", "127.0.0.1", "--save", ""], { cwd: folder });
  const options = (): Promise<string> => client.text("CONFIG", "GET", "*");

  beforeAll(async () => {
    writeFileSync(configFile, "maxclients 77\n");
    hutch = start();
    client = await RespClient.connect(await hutch.port());
  });
  afterAll(async () => {
    client.close();
    await hutch.stop();
    rmSync(folder, { recursive: true });
  });

  test("refuses to be turned into another one, and stays as it is", async () => {
    const before = await options();
    for (const [line, answer] of ABUSES) {
      expect([line, await client.text(...line.split(" "))]).toEqual([
        line,
        expect.stringMatching(answer),
      ]);
    }
    expect(await options()).toBe(before);
  });

  test("writes no line into its config file that it was not told by its operator", async () => {
    const tricks = [
      "a\nenable-debug-command yes",
      "b\r\nrequirepass x",
      'c" d\n#',
      "d\0e\n",
      "\n",
      "\\n",
    ];
    for (const trick of tricks) {
      expect(await client.text("CONFIG", "SET", "proc-title-template", `{title} ${trick}`)).toBe(
        "+OK",
      );
      expect(await client.text("CONFIG", "SET", "tls-cert-file", trick)).toBe("+OK");
      expect(await client.text("CONFIG", "REWRITE")).toBe("+OK");
      const lines = readFileSync(configFile, "latin1").split("\n");
      expect(lines.filter((line) => /^\s*(enable-debug|requirepass|#$)/.test(line))).toEqual([]);
      expect(lines[0]).toBe("maxclients 77");
      const again = start();
      const other = await RespClient.connect(await again.port());
      for (const name of ["proc-title-template", "tls-cert-file"]) {
        const value = await client.text("CONFIG", "GET", name);
        expect(await other.text("CONFIG", "GET", name)).toBe(value);
      }
      other.close();
      await again.stop();
    }
  }, 60_000);
});
