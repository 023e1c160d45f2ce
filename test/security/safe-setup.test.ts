/** The set-up that SECURITY.md recommends: its own lines, with the paths and the address of this machine, and what each is for. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Run } from "../cli/run-hutch.ts";
import { runHutch } from "../cli/run-hutch.ts";
import { makeAuthority, makeCertificate, OPENSSL } from "../support/certificates.ts";
import { freePort } from "../support/free-port.ts";
import { RespClient } from "../support/resp-client.ts";

const SECURITY = readFileSync(join(import.meta.dir, "../../SECURITY.md"), "utf8");
/** What the digits in the lines are the SHA-256 of. */
const PASSWORD = "password";

/** The lines between ```<kind> and ```. */
function block(kind: string): string {
  return new RegExp(`\`\`\`${kind}\\n([^\`]*)\`\`\``).exec(SECURITY)![1]!;
}

describe.skipIf(OPENSSL === null)("the set-up of SECURITY.md", () => {
  const folder = mkdtempSync(join(tmpdir(), "hutch-safe-"));
  const port = freePort();
  let hutch: Run;

  beforeAll(async () => {
    makeAuthority(folder, "clients-ca");
    makeCertificate(folder, "server", { of: "IP:127.0.0.1", authority: "clients-ca" });
    makeCertificate(folder, "client", { authority: "clients-ca" });
    mkdirSync(join(folder, "data"));
    chmodSync(join(folder, "data"), 0o700);
    writeFileSync(join(folder, "users.acl"), block("acl"));
    const lines = block("conf")
      .replace("bind 10.0.0.5", "bind 127.0.0.1")
      .replace("tls-port 6379", `tls-port ${port}`)
      .replaceAll("/etc/hutch", folder)
      .replace("/var/lib/hutch", join(folder, "data"));
    writeFileSync(join(folder, "hutch.conf"), lines);
    hutch = runHutch([join(folder, "hutch.conf")], { cwd: folder });
    await hutch.printed("Ready to accept connections tls");
  }, 30_000);
  afterAll(async () => {
    await hutch.stop();
    rmSync(folder, { recursive: true });
  });

  function connect(withCertificate = true): Promise<RespClient> {
    const file = (name: string): ReturnType<typeof Bun.file> => Bun.file(join(folder, name));
    const own = withCertificate ? { cert: file("client.crt"), key: file("client.key") } : {};
    return RespClient.connect({
      hostname: "127.0.0.1",
      port,
      tls: { ca: file("clients-ca.crt"), ...own },
    });
  }

  test("has ten lines", () => {
    expect(block("conf").trim().split("\n")).toHaveLength(10);
  });

  test("listens by TLS only, and asks for a certificate", async () => {
    expect(hutch.out()).not.toContain("Ready to accept connections tcp");
    const plain = await RespClient.connect(port);
    plain.write("PING\r\n");
    await plain.closed;
    const stranger = await connect(false);
    expect(stranger.text("PING")).rejects.toThrow();
    await stranger.closed;
  });

  test("lets nobody do anything who has not logged in", async () => {
    const client = await connect();
    expect(await client.text("GET", "app:1")).toStartWith("-NOAUTH");
    expect(await client.text("AUTH", PASSWORD)).toStartWith("-WRONGPASS");
    expect(await client.text("AUTH", "app", "wrong")).toStartWith("-WRONGPASS");
    client.close();
  });

  test("gives the application its own keys and channels, and nothing that is dangerous", async () => {
    const client = await connect();
    expect(await client.text("AUTH", "app", PASSWORD)).toBe("+OK");
    expect(await client.text("SET", "app:1", "x")).toBe("+OK");
    expect(await client.text("GET", "app:1")).toBe('"x"');
    expect(await client.text("PUBLISH", "app:news", "x")).toBe(":0");
    for (const line of [
      ["GET", "other"],
      ["PUBLISH", "news", "x"],
      ["KEYS", "*"],
      ["FLUSHALL"],
      ["CONFIG", "GET", "*"],
      ["ACL", "LIST"],
      ["SHUTDOWN"],
      ["DEBUG", "SLEEP", "0"],
      ["MIGRATE", "127.0.0.1", "1", "app:1", "0", "1"],
      ["EVAL", "return redis.call('GET', 'other')", "0"],
      ["FUNCTION", "LOAD", "x"],
      ["CLIENT", "LIST"],
    ]) {
      expect([line[0], (await client.text(...line)).split(" ")[0]]).toEqual([line[0], "-NOPERM"]);
    }
    client.close();
  });

  test("bounds memory and connections, and keeps what even the administrator has to allow first", async () => {
    const client = await connect();
    expect(await client.text("AUTH", "admin", PASSWORD)).toBe("+OK");
    expect(await client.text("CONFIG", "GET", "maxmemory")).toContain('"4294967296"');
    expect(await client.text("CONFIG", "GET", "maxclients")).toContain('"1000"');
    expect(await client.text("CONFIG", "GET", "dir")).toContain(`"${join(folder, "data")}"`);
    expect(await client.text("DEBUG", "SLEEP", "0")).toStartWith("-ERR DEBUG command not allowed");
    expect(await client.text("CONFIG", "SET", "dir", "/tmp")).toContain("protected");
    expect(await client.text("FUNCTION", "LOAD", "#!ts name=x\n")).toStartWith("-ERR");
    client.close();
  });
});
