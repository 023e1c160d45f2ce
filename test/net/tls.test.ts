/** TLS for clients: who gets in, by which versions, with which certificates, and what a hostile peer can do. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Socket } from "bun";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { HANDSHAKE_TIMEOUT_MS } from "../../src/base/limits.ts";
import { createServer } from "../../src/index.ts";
import type { Instance } from "../../src/instance.ts";
import {
  makeAuthority,
  makeCertificate,
  OPENSSL,
  openssl,
  replaceInCertificate,
} from "../support/certificates.ts";
import { freePort } from "../support/free-port.ts";
import { startInProcess } from "../support/in-process.ts";
import { redisMissing, startRedis } from "../support/redis-server.ts";
import { RespClient } from "../support/resp-client.ts";
import { rounds } from "../support/seed.ts";
import { until } from "../support/until.ts";

const cli = Bun.which("redis-cli");

describe.skipIf(OPENSSL === null)("TLS", () => {
  const folder = mkdtempSync(join(tmpdir(), "hutch-tls-"));
  const file = (name: string): string => join(folder, name);
  let hutch: Instance;
  let port: number;

  async function start(values: Readonly<Record<string, string>> = {}): Promise<void> {
    await hutch?.stop();
    port = freePort();
    hutch = startInProcess({
      "tls-port": `${port}`,
      "tls-cert-file": file("server.crt"),
      "tls-key-file": file("server.key"),
      "tls-ca-cert-file": file("ca.crt"),
      "tls-auth-clients": "no",
      ...values,
    });
  }

  beforeAll(async () => {
    makeAuthority(folder);
    makeAuthority(folder, "strangers");
    makeCertificate(folder, "server", { of: "IP:127.0.0.1,DNS:localhost" });
    makeCertificate(folder, "renewed", { of: "IP:127.0.0.1,DNS:localhost" });
    makeCertificate(folder, "alice");
    makeCertificate(folder, "stranger", { subject: "/CN=alice", authority: "strangers" });
    await start();
  });
  afterAll(async () => {
    await hutch.stop();
    rmSync(folder, { recursive: true });
  });

  function identity(name: string): Bun.TLSOptions {
    return { cert: Bun.file(file(`${name}.crt`)), key: Bun.file(file(`${name}.key`)) };
  }

  /** @param who whose certificate it shows */
  function connect(who?: string): Promise<RespClient> {
    const ca = Bun.file(file("ca.crt"));
    const tls = who === undefined ? { ca } : { ca, ...identity(who) };
    return RespClient.connect({ hostname: "127.0.0.1", port, tls });
  }

  /** What WHOAMI answers to whoever shows this certificate, or "refused". */
  async function whoIs(who?: string): Promise<string> {
    const client = await connect(who);
    try {
      return (await client.text("ACL", "WHOAMI")).replaceAll('"', "");
    } catch {
      return "refused";
    } finally {
      client.close();
    }
  }

  /** Sends a line through openssl's client and gives what it prints. */
  async function sClient(words: readonly string[], line = "PING"): Promise<string> {
    const child = Bun.spawn(
      [OPENSSL!, "s_client", "-connect", `127.0.0.1:${port}`, "-CAfile", file("ca.crt"), ...words],
      { stdin: "pipe", stdout: "pipe", stderr: "pipe" },
    );
    let printed = "";
    const read = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
      for await (const chunk of stream) printed += Buffer.from(chunk).toString("latin1");
    };
    const all = Promise.all([read(child.stdout), read(child.stderr)]);
    child.stdin.write(`${line}\r\n`);
    await child.stdin.flush();
    await until("an answer or the end", () => /\+PONG/.test(printed) || child.exitCode !== null);
    child.kill();
    await all;
    return printed;
  }

  test("versions 1.2 and 1.3 are spoken, older ones and weak ciphers are not (S22)", async () => {
    for (const version of ["-tls1_2", "-tls1_3"]) {
      const printed = await sClient([version]);
      expect(printed).toContain("+PONG");
      expect(printed).toContain("Verify return code: 0 (ok)");
    }
    const weak = ["-cipher", "ALL:@SECLEVEL=0"];
    for (const words of [
      ["-tls1", ...weak],
      ["-tls1_1", ...weak],
      ["-tls1_2", "-cipher", "3DES:RC4:DES:aNULL:eNULL:EXPORT:@SECLEVEL=0"],
      ["-tls1_2", "-cipher", "kDHE:@SECLEVEL=0"],
    ]) {
      expect(await sClient(words)).not.toContain("+PONG");
    }
    expect(await whoIs()).toBe("default");
  });

  test.skipIf(cli === null)("redis-cli works by it", async () => {
    const child = Bun.spawn([
      ...[cli!, "-p", `${port}`, "--tls", "--cacert", file("ca.crt")],
      ...["SET", "by", "redis-cli"],
    ]);
    expect(await child.stdout.text()).toBe("OK\n");
  });

  test("ioredis and node-redis work by it", async () => {
    const ca = await Bun.file(file("ca.crt")).text();
    const redis = new Redis({ port, host: "127.0.0.1", tls: { ca } });
    const client = createClient({ socket: { port, host: "127.0.0.1", tls: true, ca } });
    client.on("error", () => {});
    try {
      await client.connect();
      expect(await redis.set("by", "ioredis")).toBe("OK");
      expect(await client.get("by")).toBe("ioredis");
      const values = await Promise.all(Array.from({ length: 1000 }, (_, i) => redis.echo(`${i}`)));
      expect(values).toEqual(Array.from({ length: 1000 }, (_, i) => `${i}`));
    } finally {
      redis.disconnect();
      client.destroy();
    }
  });

  describe("certificates of clients", () => {
    afterAll(() => void hutch.engine.options.set("tls-auth-clients", "no"));

    test("are not asked for, may be shown or must be, as tls-auth-clients says", async () => {
      const seen: Record<string, string[]> = {};
      for (const wanted of ["no", "optional", "yes"]) {
        expect(hutch.engine.options.set("tls-auth-clients", wanted)).toBeNull();
        seen[wanted] = [await whoIs(), await whoIs("alice"), await whoIs("stranger")];
      }
      expect(seen).toEqual({
        no: ["default", "default", "default"],
        optional: ["default", "default", "refused"],
        yes: ["refused", "default", "refused"],
      });
    });

    test("need authorities that they can be from", async () => {
      await start({ "tls-ca-cert-file": "" });
      const { options } = hutch.engine;
      expect(options.set("tls-auth-clients", "optional")).toBe(
        "Unable to update TLS configuration. Check server logs.",
      );
      expect(options.text("tls-auth-clients")).toBe("no");
      mkdirSync(file("authorities"), { recursive: true });
      const changes = [
        ["tls-auth-clients", "yes"],
        ["tls-ca-cert-dir", file("authorities")],
      ] as const;
      expect(options.setAll(changes)).not.toBeNull();
      copyFileSync(file("ca.crt"), file("authorities/0a1b2c3d.0"));
      writeFileSync(file("authorities/README"), "no certificate");
      expect(options.setAll(changes)).toBeNull();
      expect([await whoIs("alice"), await whoIs("stranger"), await whoIs()]).toEqual([
        "default",
        "refused",
        "refused",
      ]);
      await start();
    });

    test("do not get a stranger in when he resumes a session", async () => {
      await start({ "tls-auth-clients": "optional" });
      for (const version of ["-tls1_2", "-tls1_3"]) {
        const who = ["-cert", file("stranger.crt"), "-key", file("stranger.key"), version];
        const session = file(`session${version}`);
        expect(await sClient([...who, "-sess_out", session])).not.toContain("+PONG");
        if (!(await Bun.file(session).exists())) continue;
        expect(await sClient([...who, "-sess_in", session])).not.toContain("+PONG");
      }
      await start();
    });

    test("name the user that a client is, if tls-auth-clients-user says so", async () => {
      const subjects = { two: "/CN=alice/CN=bob", none: "/O=alice", off: "/CN=carol" };
      for (const [name, subject] of Object.entries(subjects)) {
        makeCertificate(folder, name, { subject });
      }
      makeCertificate(folder, "nul", { subject: "/CN=aliceXevil" });
      replaceInCertificate(folder, "nul", "aliceXevil", "alice\0evil");
      await start({ "tls-auth-clients": "optional", "tls-auth-clients-user": "CN" });
      const { users } = hutch.engine.access;
      users.set("alice", ["on", "+@all"]);
      users.set("carol", ["off", "+@all"]);
      users.set("default", ["resetpass", ">secret"]);
      expect(await whoIs("alice")).toBe("alice");
      const noAuth = "-NOAUTH Authentication required.";
      for (const who of [undefined, "two", "none", "nul", "off"]) {
        expect([who, await whoIs(who)]).toEqual([who, noAuth]);
      }
      expect(await whoIs("stranger")).toBe("refused");
      await start();
    });
  });

  test("certificates are renewed without a restart; broken ones change nothing", async () => {
    copyFileSync(file("server.crt"), file("live.crt"));
    copyFileSync(file("server.key"), file("live.key"));
    const files = { "tls-cert-file": file("live.crt"), "tls-key-file": file("live.key") };
    await start(files);
    const before = await connect();
    const shown = async (): Promise<string | undefined> =>
      /subject=CN = (\w+)/.exec(await sClient([]))?.[1];
    expect(await shown()).toBe("server");
    copyFileSync(file("renewed.crt"), file("live.crt"));
    expect(await shown()).toBe("server");
    expect(await before.text("CONFIG", "SET", "tls-cert-file", file("live.crt"))).toBe(
      "-ERR CONFIG SET failed (possibly related to argument 'tls-cert-file') - Unable to update TLS configuration. Check server logs.",
    );
    expect(await shown()).toBe("server");
    copyFileSync(file("renewed.key"), file("live.key"));
    expect(await before.text("CONFIG", "SET", "tls-cert-file", file("live.crt"))).toBe("+OK");
    expect(await shown()).toBe("renewed");
    expect(await before.text("PING")).toBe("+PONG");
    before.close();
  });

  test("the key may have a password", async () => {
    openssl(
      ...[folder, "ec", "-in", "server.key", "-aes256", "-passout", "pass:open sesame"],
      ...["-out", "locked.key"],
    );
    await start({ "tls-key-file": file("locked.key"), "tls-key-file-pass": "open sesame" });
    expect(await whoIs()).toBe("default");
    expect(hutch.engine.options.set("tls-key-file-pass", "wrong")).not.toBeNull();
    expect(await whoIs()).toBe("default");
  });

  test("protocols and ciphers are those that the options allow; what can't be had is refused", async () => {
    await start({ "tls-protocols": "TLSv1.3" });
    expect(await sClient(["-tls1_2"])).not.toContain("+PONG");
    expect(await sClient(["-tls1_3"])).toContain("+PONG");
    const { options } = hutch.engine;
    expect(options.set("tls-protocols", "TLSv1.2")).toBeNull();
    expect(options.set("tls-ciphers", "ECDHE-ECDSA-CHACHA20-POLY1305")).toBeNull();
    expect(await sClient(["-tls1_3"])).not.toContain("+PONG");
    expect(await sClient([])).toContain("Cipher is ECDHE-ECDSA-CHACHA20-POLY1305");
    expect(await sClient(["-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"])).not.toContain("+PONG");
    for (const [name, value] of [
      ["tls-protocols", "TLSv1.1 TLSv1.2"],
      ["tls-protocols", "SSLv3"],
      ["tls-ciphers", "NONE-SUCH"],
      ["tls-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"],
      ["tls-dh-params-file", "/etc/dh.pem"],
    ] as const) {
      expect([name, options.set(name, value)]).toEqual([name, expect.any(String)]);
    }
    expect(await sClient([])).toContain("+PONG");
    await start({ "tls-session-caching": "no" });
    await sClient(["-tls1_2", "-sess_out", file("session")]);
    expect(await sClient(["-tls1_2", "-sess_in", file("session")])).toContain("New, TLSv1.2");
  });

  test.skipIf(redisMissing !== null)("CONFIG SET answers as redis-server does", async () => {
    const pair = ["tls-cert-file", file("server.crt"), "tls-key-file", file("server.key")];
    const answersOf = async (plainPort: number): Promise<string[]> => {
      const free = String(freePort());
      const client = await RespClient.connect(plainPort);
      const answers: string[] = [];
      for (const words of [
        ...[
          ["tls-port", free],
          ["tls-port", "99999"],
          ["tls-auth-clients", "maybe"],
        ],
        ...[
          ["tls-auth-clients", "OPTIONAL"],
          ["tls-protocols", "TLSv1.2 TLSv1.3"],
        ],
        ...[
          ["tls-cert-file", file("none")],
          ["tls-port", free],
          [...pair, "tls-port", free],
        ],
        ...[
          ["tls-auth-clients", "no"],
          [...pair, "tls-port", free],
          ["tls-cert-file", "/none"],
        ],
        ...[
          ["tls-key-file", file("alice.key")],
          ["tls-ca-cert-file", file("ca.crt")],
        ],
        ...[
          ["tls-ca-cert-file", "/none"],
          ["tls-auth-clients", "yes"],
          ["tls-ca-cert-file", ""],
        ],
        ...[
          ["tls-ciphers", "NONE"],
          ["tls-port", "0"],
          ["tls-cert-file", "/none"],
        ],
      ]) {
        answers.push(`${words.join(" ")}: ${await client.text("CONFIG", "SET", ...words)}`);
      }
      for (const name of ["tls-auth-clients", "tls-protocols"]) {
        answers.push(await client.text("CONFIG", "GET", name));
      }
      client.close();
      return answers.map((answer) => answer.replaceAll(free, "PORT"));
    };
    const redis = await startRedis();
    const plain = startInProcess();
    try {
      expect(await answersOf(plain.port)).toEqual(await answersOf(redis.port));
    } finally {
      await redis.stop();
      await plain.stop();
    }
  });

  test("a TLS port may be opened, moved and closed, beside the plain port or instead of it", async () => {
    await start({ port: "0" });
    expect(hutch.port).toBe(0);
    expect(hutch.places).toEqual([`127.0.0.1:${port} (TLS)`]);
    const client = await connect();
    expect(await client.text("INFO", "server")).toContain(
      `listener0:name=tls,bind=127.0.0.1,port=${port}\\x0d\\x0a`,
    );
    const other = freePort();
    expect(await client.text("CONFIG", "SET", "tls-port", other)).toBe("+OK");
    await expect(connect()).rejects.toThrow();
    port = other;
    expect(await whoIs()).toBe("default");
    expect(await client.text("CONFIG", "SET", "port", freePort(), "tls-port", 0)).toBe("+OK");
    await expect(connect()).rejects.toThrow();
    client.close();
  });

  test("large replies arrive whole, however slowly they are read, and cost one reply above the bound", async () => {
    await start();
    const size = 30_000_000;
    const value = Buffer.alloc(size, "0123456789abcdef-");
    const writer = await connect();
    expect(await writer.text("SET", "big", value)).toBe("+OK");
    const slow = await connect();
    expect(await slow.text("PING")).toBe("+PONG");
    slow.pause();
    slow.write("GET big\r\nGET big\r\nQUIT\r\n");
    const waiting = (): number =>
      Math.max(...[...hutch.engine.sessions.values()].map(({ peer }) => peer!.outputBytes));
    await until("the reply to wait", () => waiting() > size / 2);
    expect(waiting()).toBeLessThan(size + 1_000_000);
    slow.resume();
    for (let i = 0; i < 2; i++) {
      const reply = await slow.read();
      expect(reply.type === "bulk" && Buffer.from(reply.text, "latin1").equals(value)).toBe(true);
    }
    expect(await slow.read()).toEqual({ type: "simple", text: "OK" });
    await slow.closed;
    writer.close();
  }, 30_000);

  test("replies that clients are owed arrive although the server stops", async () => {
    const slow = await connect();
    expect(await slow.text("STRLEN", "big")).toBe(":30000000");
    slow.pause();
    slow.write("GET big\r\n");
    const { sessions } = hutch.engine;
    await until("the reply to wait", () =>
      [...sessions.values()].some(({ peer }) => peer!.outputBytes > 10_000_000),
    );
    const stopped = hutch.stop();
    slow.resume();
    const reply = await slow.read();
    expect(reply.type === "bulk" && reply.text.length).toBe(30_000_000);
    await slow.closed;
    await stopped;
  });

  test("an embedded server takes the options in camel case", async () => {
    const tlsPort = freePort();
    const server = await createServer({
      port: 0,
      tlsPort,
      tlsCertFile: file("server.crt"),
      tlsKeyFile: file("server.key"),
      tlsAuthClients: false,
    });
    // Other ways in make port 0 none.
    expect(server.port).toBe(0);
    port = tlsPort;
    expect(await whoIs()).toBe("default");
    await server.stop();
    await expect(createServer({ port: 0, tlsPort })).rejects.toThrow(
      "No tls-cert-file configured!",
    );
    await start();
    const writer = await connect();
    expect(await writer.text("SET", "big", Buffer.alloc(30_000_000, 120))).toBe("+OK");
    writer.close();
  });

  test("a client that does not read is closed at its limit, and may be killed", async () => {
    hutch.engine.options.set("client-output-buffer-limit", "normal 10mb 0 0");
    const slow = await connect();
    expect(await slow.text("PING")).toBe("+PONG");
    slow.pause();
    slow.write("GET big\r\n");
    const { stats, sessions } = hutch.engine;
    await until("its end", () => stats.clientOutputBufferLimitDisconnections === 1);
    await until("it to be forgotten", () => sessions.size === 0);
    hutch.engine.options.set("client-output-buffer-limit", "normal 0 0 0");
    const victim = await connect();
    const id = (await victim.text("CLIENT", "ID")).slice(1);
    victim.pause();
    victim.write("GET big\r\nGET big\r\n");
    const killer = await connect();
    await until("the reply to wait", async () =>
      /omem=[1-9]/.test(await killer.text("CLIENT", "LIST", "ID", id)),
    );
    expect(await killer.text("CLIENT", "KILL", "ID", id)).toBe(":1");
    await until("it to be forgotten", () => sessions.size === 1);
    killer.close();
    slow.close();
    victim.close();
  });

  describe("hostile peers", () => {
    beforeAll(() => start());

    /** Connects without TLS, sends bytes, and settles with what came back when the connection is closed. */
    async function exchange(bytes: Uint8Array | string): Promise<Buffer> {
      const { promise, resolve } = Promise.withResolvers<Buffer>();
      const chunks: Buffer[] = [];
      await Bun.connect({
        hostname: "127.0.0.1",
        port,
        socket: {
          open: (socket) => void socket.write(bytes),
          data: (_socket, chunk) => void chunks.push(chunk),
          close: () => resolve(Buffer.concat(chunks)),
          error: () => {},
        },
      });
      return await promise;
    }

    test("who speaks without TLS is answered by nothing but an alert (S22)", async () => {
      for (const text of [
        "PING\r\n",
        "*1\r\n$4\r\nPING\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "\x00\x00\x00\x03",
      ]) {
        const answer = await exchange(text.padEnd(20, "x"));
        expect(answer.length === 0 || answer[0] === 0x15).toBe(true);
      }
      await until("all to be forgotten", () => hutch.engine.sessions.size === 0);
    });

    test("who does not finish the handshake is closed in time, and nobody waits for him (S22)", async () => {
      const count = rounds > 1 ? 1000 : 100;
      let closed = 0;
      for (let i = 0; i < count; i++) {
        await Bun.connect({
          hostname: "127.0.0.1",
          port,
          socket: {
            // Some say nothing, some begin a record.
            open: (socket) =>
              void (i % 2 === 0 && socket.write(HELLO.subarray(0, i % HELLO.length))),
            data() {},
            close: () => void closed++,
            error: () => {},
          },
        });
      }
      const { engine } = hutch;
      await until("all to be accepted", () => engine.sessions.size === count);
      expect(await whoIs()).toBe("default");
      engine.clock.advance(HANDSHAKE_TIMEOUT_MS - 6000);
      await Bun.sleep(1200);
      expect(closed).toBe(0);
      engine.clock.advance(6000);
      await until("all to be closed", () => closed === count && engine.sessions.size === 0);
    });

    test("who resets in the midst of a handshake, or sends rubbish, leaves nothing behind (S22)", async () => {
      const { sessions } = hutch.engine;
      for (let i = 0; i < 200; i++) {
        const sent = Promise.withResolvers<void>();
        await Bun.connect({
          hostname: "127.0.0.1",
          port,
          socket: {
            open: (socket) => {
              const bytes = Buffer.from(HELLO);
              if (i % 3 === 0) bytes[i % bytes.length]! ^= 1 << (i % 8);
              socket.write(bytes.subarray(0, i % 2 === 0 ? bytes.length : i));
              if (i % 4 < 2) socket.terminate();
              sent.resolve();
            },
            data: (socket) => void socket.terminate(),
            close() {},
            error() {},
          },
        });
        await sent.promise;
        if (i % 50 === 0) expect(await whoIs()).toBe("default");
      }
      hutch.engine.clock.advance(HANDSHAKE_TIMEOUT_MS + 1);
      await until("all to be forgotten", () => sessions.size === 0);
    });

    test("a record that was changed on its way ends the connection, and nothing of it is run", async () => {
      const { engine } = hutch;
      let tampers = false;
      const proxy = Bun.listen<{ server: Socket }>({
        hostname: "127.0.0.1",
        port: 0,
        socket: {
          open(client) {
            client.pause();
            void Bun.connect({
              hostname: "127.0.0.1",
              port,
              socket: {
                open(server) {
                  client.data = { server };
                  client.resume();
                },
                data: (_server, chunk) => void client.write(chunk),
                close: () => void client.end(),
                error() {},
              },
            });
          },
          data(client, chunk) {
            if (tampers) chunk[chunk.length - 1]! ^= 1;
            client.data.server.write(chunk);
          },
          close: (client) => void client.data.server.end(),
          error() {},
        },
      });
      const ca = Bun.file(file("ca.crt"));
      const client = await RespClient.connect({
        hostname: "127.0.0.1",
        port: proxy.port,
        tls: { ca },
      });
      expect(await client.text("SET", "k", "before")).toBe("+OK");
      tampers = true;
      client.write("SET k after\r\n");
      await client.closed;
      proxy.stop(true);
      await until("it to be forgotten", () => engine.sessions.size === 0);
      const witness = await connect();
      expect(await witness.text("GET", "k")).toBe('"before"');
      witness.close();
      await until("it to be forgotten", () => engine.sessions.size === 0);
    });

    test("who asks for another handshake within TLS 1.2 does not get one (S22)", async () => {
      const printed = await sClient(["-tls1_2"], "R");
      expect(printed).toMatch(/no renegotiation|alert|error/i);
      expect(await whoIs()).toBe("default");
    });
  });
});

/** The beginning of a handshake of TLS 1.2: a ClientHello with one cipher and no extension. */
const HELLO: Buffer = Buffer.concat([
  Buffer.from("160301002d010000290303", "hex"),
  Buffer.alloc(32, 7),
  Buffer.from("000002c02b0100", "hex"),
]);
