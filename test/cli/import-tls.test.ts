/** `hutch import` by TLS: from a redis-server with a certificate that was made for the test. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runImport } from "../../src/cli/import.ts";
import type { Instance } from "../../src/instance.ts";
import { OPENSSL, makeAuthority, makeCertificate } from "../support/certificates.ts";
import { freePort } from "../support/free-port.ts";
import { startInProcess } from "../support/in-process.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";

async function startTls(folder: string, name: string): Promise<RedisServer & { tlsPort: number }> {
  const tlsPort = freePort();
  const redis = await startRedis([
    ...["--tls-port", `${tlsPort}`, "--tls-auth-clients", "no"],
    ...[
      "--tls-cert-file",
      join(folder, `${name}.crt`),
      "--tls-key-file",
      join(folder, `${name}.key`),
    ],
    ...["--tls-ca-cert-file", join(folder, "ca.crt")],
  ]);
  return { ...redis, tlsPort };
}

describe.skipIf(redisMissing !== null || OPENSSL === null)("hutch import by TLS", () => {
  const folder = mkdtempSync(join(tmpdir(), "hutch-tls-"));
  const authorities = join(folder, "ca.crt");
  let redis: RedisServer & { tlsPort: number };
  let stranger: RedisServer & { tlsPort: number };
  let hutch: Instance;

  beforeAll(async () => {
    makeAuthority(folder);
    makeCertificate(folder, "right", { of: "IP:127.0.0.1,DNS:localhost" });
    makeCertificate(folder, "other", { of: "DNS:other.example" });
    redis = await startTls(folder, "right");
    stranger = await startTls(folder, "other");
    hutch = startInProcess();
    const client = await RespClient.connect(redis.port);
    await client.call("SET", "key", "x".repeat(100_000));
    await client.call("CONFIG", "SET", "requirepass", "secret");
    client.close();
  });
  afterAll(async () => {
    await redis.stop();
    await stranger.stop();
    await hutch.stop();
    rmSync(folder, { recursive: true });
  });

  async function run(...words: string[]): Promise<{ status: number; text: string }> {
    let text = "";
    const place = {
      isTerminal: false,
      write: (more: string) => void (text += more),
      nowMs: () => 0,
    };
    const all = [...words, "--to", `127.0.0.1:${hutch.port}`, "--state", join(folder, "state")];
    return { status: await runImport(all, "secret", place), text };
  }

  test("copies from a server whose certificate is of its host and from an authority that is named", async () => {
    for (const words of [
      [`rediss://127.0.0.1:${redis.tlsPort}`, "--cacert", authorities],
      [`rediss://localhost:${redis.tlsPort}`, "--cacert", authorities, "--replace"],
      [`127.0.0.1:${redis.tlsPort}`, "--tls", "--cacert", authorities, "--replace"],
      [`127.0.0.1:${redis.tlsPort}`, "--tls", "--insecure", "--replace"],
    ]) {
      const { status, text } = await run(...words);
      expect([status, text]).toEqual([0, expect.stringContaining("1 keys imported")]);
    }
    const client = await RespClient.connect(hutch.port);
    expect(await client.text("STRLEN", "key")).toBe(":100000");
    client.close();
  });

  test("sends nothing, no password either, to anybody else", async () => {
    const before = await RespClient.connect(stranger.port);
    // A server without TLS that does not wait for the end of what it takes for a line.
    const plain = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => void socket.end("-ERR Protocol error\r\n") },
    });
    for (const [words, reason] of [
      [[`rediss://127.0.0.1:${redis.tlsPort}`], "is not trusted (SELF_SIGNED_CERT_IN_CHAIN)"],
      [
        [`rediss://127.0.0.1:${stranger.tlsPort}`, "--cacert", authorities],
        "is not trusted (ERR_TLS_CERT_ALTNAME_INVALID)",
      ],
      [[`rediss://127.0.0.1:${redis.tlsPort}`, "--cacert", join(folder, "none")], "No such file"],
      [[`rediss://127.0.0.1:${plain.port}`, "--cacert", authorities], `127.0.0.1:${plain.port}`],
      [[`127.0.0.1:${redis.tlsPort}`], "closed the connection"],
    ] as const) {
      const { status, text } = await run(...words);
      expect([status, text]).toEqual([1, expect.stringContaining(reason)]);
    }
    expect(await before.text("INFO", "commandstats")).not.toContain("cmdstat_auth");
    before.close();
    plain.stop();
  });
});
