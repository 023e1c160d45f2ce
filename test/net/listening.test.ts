/** Where a server listens: several addresses of both kinds, Unix sockets; and whom protected mode keeps out. */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Instance } from "../../src/instance.ts";
import { makeAuthority, makeCertificate, OPENSSL } from "../support/certificates.ts";
import { SERVER } from "../support/hutch-process.ts";
import { startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { show } from "../support/resp-value.ts";

const strace = Bun.which("strace");

let hutch: Instance | null = null;
afterEach(async () => {
  await hutch?.stop();
  hutch = null;
});

function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "hutch-listen-"));
  const clean = (): void => rmSync(folder, { recursive: true, force: true });
  const result = use(folder);
  if (result instanceof Promise) return result.finally(clean) as T;
  clean();
  return result;
}

describe("addresses", () => {
  test('"*" and "::*" stand beside each other, and clients of each see how they came', async () => {
    hutch = startInProcess({ bind: "* ::*" });
    const { port } = hutch;
    expect(hutch.places).toEqual([`*:${port}`, `[::*]:${port}`]);
    for (const [hostname, shown] of [
      ["127.0.0.1", "127.0.0.1"],
      ["::1", "[::1]"],
    ] as const) {
      const client = await RespClient.connect({ hostname, port });
      const info = await client.text("CLIENT", "INFO");
      expect(info).toMatch(
        new RegExp(` addr=${RegExp.escape(shown)}:\\d+ laddr=${RegExp.escape(shown)}:${port} `),
      );
      const [, address] = / addr=(\S+)/.exec(info)!;
      expect(await client.text("CLIENT", "KILL", "ADDR", address!, "SKIPME", "yes")).toBe(":0");
      client.close();
    }
  });

  test("an optional address that the machine does not have is left out, at the start and afterwards", async () => {
    hutch = startInProcess({ bind: "127.0.0.1 -203.0.113.1 -::1" });
    expect(hutch.places).toEqual([`127.0.0.1:${hutch.port}`, `[::1]:${hutch.port}`]);
    const client = await RespClient.connect(hutch.port);
    expect(await client.text("CONFIG", "SET", "bind", "127.0.0.1 127.0.0.2 -203.0.113.1")).toBe(
      "+OK",
    );
    (await RespClient.connect({ hostname: "127.0.0.2", port: hutch.port })).close();
    await expect(RespClient.connect({ hostname: "::1", port: hutch.port })).rejects.toThrow();
    client.close();
  });
});

describe("a Unix socket", () => {
  const start = (path: string, permissions = "700"): Instance =>
    startInProcess({
      unixsocket: path,
      unixsocketperm: permissions,
      "enable-debug-command": "local",
    });

  test("serves clients, whom the server knows to be local", () =>
    inFolder(async (folder) => {
      const path = join(folder, "hutch.sock");
      hutch = start(path);
      const client = await RespClient.connect({ unix: path });
      const info = await client.text("CLIENT", "INFO");
      expect(info).toContain(` addr=${path}:0 laddr=${path}:0 `);
      expect(info).toContain(" flags=U ");
      expect(await client.text("DEBUG", "SLEEP", "0")).toBe("+OK");
      const monitor = await RespClient.connect({ unix: path });
      expect(await monitor.text("MONITOR")).toBe("+OK");
      expect(await client.text("PING")).toBe("+PONG");
      expect(show(await monitor.read())).toEndWith(` [0 unix:${path}] "PING"`);
      monitor.close();
      expect(await client.text("INFO", "server")).toContain(`listener0:name=unix,bind=${path}`);
      client.close();
      await hutch.stop();
      expect(existsSync(path)).toBe(false);
    }));

  test("instead of a TCP port is enough", () =>
    inFolder((folder) => {
      const path = join(folder, "hutch.sock");
      hutch = startInProcess({ port: "0", unixsocket: path });
      expect([hutch.port, hutch.places]).toEqual([0, [path]]);
    }));

  test("has the mode that the option says, or else the umask", () =>
    inFolder(async (folder) => {
      const path = join(folder, "hutch.sock");
      for (const [permissions, mode] of [
        ["700", 0o700],
        ["660", 0o660],
        ["777", 0o777],
        ["0", 0o777 & ~process.umask()],
      ] as const) {
        const before = process.umask();
        hutch = start(path, permissions);
        expect([permissions, statSync(path).mode & 0o7777]).toEqual([permissions, mode]);
        expect(process.umask()).toBe(before);
        await hutch.stop();
      }
    }));

  test.skipIf(strace === null)("never has a wider mode, not even at first (CVE-2023-45145)", () =>
    inFolder(async (folder) => {
      const trace = join(folder, "trace");
      const child = Bun.spawn(
        [
          ...[strace!, "-f", "-o", trace, "-e", "trace=bind,umask,chmod,fchmod,fchmodat"],
          ...[process.execPath, "run", SERVER, "--port", "0", "--save", "", "--appendonly", "no"],
          ...["--unixsocket", "hutch.sock", "--unixsocketperm", "700", "--dir", folder],
        ],
        { stdout: "pipe", stderr: "pipe", env: { ...process.env } },
      );
      let printed = "";
      for await (const chunk of child.stdout) {
        printed += Buffer.from(chunk).toString();
        if (printed.includes("Ready to accept connections unix")) break;
      }
      expect(statSync(join(folder, "hutch.sock")).mode & 0o7777).toBe(0o700);
      process.kill(Number(/PID: (\d+)/.exec(printed)![1]), "SIGTERM");
      await child.exited;
      const calls = (await Bun.file(trace).text())
        .split("\n")
        .filter((line) => /(umask|chmod)\(|sun_path="hutch.sock"/.test(line))
        .map((line) => /(umask\(0?\d+\)|bind|f?chmod)/.exec(line)![0]);
      const bound = calls.indexOf("bind");
      expect(calls.slice(bound - 1, bound + 1)).toEqual(["umask(077)", "bind"]);
      expect(calls.join()).not.toContain("chmod");
      expect(existsSync(join(folder, "hutch.sock"))).toBe(false);
    }),
  );

  test("takes the place of one that a killed server left, not of one that is listened on, nor of a file", () =>
    inFolder(async (folder) => {
      const path = join(folder, "hutch.sock");
      const left = `Bun.listen({ unix: ${JSON.stringify(path)}, socket: { data() {} } }); process.kill(process.pid, "SIGKILL")`;
      await Bun.spawn([process.execPath, "-e", left]).exited;
      expect(existsSync(path)).toBe(true);
      hutch = start(path);
      expect(() => start(path)).toThrow("Failed opening Unix socket: bind: Address already in use");
      const client = await RespClient.connect({ unix: path });
      expect(await client.text("PING")).toBe("+PONG");
      client.close();
      const file = join(folder, "file");
      writeFileSync(file, "precious");
      expect(() => start(file)).toThrow("Address already in use");
      expect(await Bun.file(file).text()).toBe("precious");
      expect(() => start(join(folder, "none/hutch.sock"))).toThrow("Failed opening Unix socket");
      expect(() => start(join(folder, "x".repeat(120)))).toThrow("Failed opening Unix socket");
    }));
});

/** Runs in a network namespace of its own, with addresses that are not loopback ones; prints what each client got. */
const NAMESPACE_SCRIPT = `
  import { connect } from "node:net";
  import { connect as connectTls } from "node:tls";
  import { startInProcess } from ${JSON.stringify(new URL("../support/in-process.ts", import.meta.url).pathname)};
  const [, tlsFolder] = process.argv.slice(1);
  const tlsPort = 17001;
  const file = (name) => tlsFolder + "/" + name;
  const hutch = startInProcess({
    port: "17000", bind: "* ::*", unixsocket: tlsFolder + "/hutch.sock", "tls-port": String(tlsPort),
    "tls-cert-file": file("server.crt"), "tls-key-file": file("server.key"), "tls-auth-clients": "no",
    "enable-debug-command": "local", "enable-protected-configs": "local",
  });
  let line = "PING";
  const ask = (socket, ready) => new Promise((resolve) => {
    let text = "";
    socket.on(ready, () => socket.write(line + "\\r\\n"));
    socket.on("data", (chunk) => { text += chunk; if (text.includes("\\r\\n")) socket.end(); });
    socket.on("close", () => resolve(text.trim().split(" ")[0].replace("+", "")));
    socket.on("error", (error) => resolve(error.code));
  });
  const places = [["127.0.0.1"], ["127.9.9.9"], ["::1"], ["10.9.8.7"], ["fd00::9"]];
  const all = async () => {
    const got = [];
    for (const [host] of places) got.push(await ask(connect({ host, port: 17000 }), "connect"));
    for (const [host] of places) {
      got.push(await ask(connectTls({ host, port: tlsPort, rejectUnauthorized: false }), "secureConnect"));
    }
    got.push(await ask(connect(tlsFolder + "/hutch.sock"), "connect"));
    return got.join(" ");
  };
  console.log(await all());
  hutch.engine.options.set("requirepass", "secret");
  console.log((await all()).replaceAll("-NOAUTH", "asked"));
  hutch.engine.options.set("requirepass", "");
  hutch.engine.options.set("protected-mode", "no");
  for (line of ["PING", "DEBUG SLEEP 0", "CONFIG SET dir ."]) console.log(await all());
  process.exit(0);
`;

const NAMESPACE = ["unshare", "-rn", "sh", "-c"];
const SETUP =
  "ip link set lo up && ip addr add 10.9.8.7/32 dev lo && ip -6 addr add fd00::9/128 dev lo nodad";
const hasNamespaces =
  Bun.which("unshare") !== null &&
  Bun.which("ip") !== null &&
  Bun.spawnSync([...NAMESPACE, SETUP]).exitCode === 0;
if (!hasNamespaces) console.warn("Skipping tests: network namespaces can't be had");

test.skipIf(!hasNamespaces || OPENSSL === null)(
  "without a password, clients from elsewhere are told so and closed, by IPv4, IPv6 and TLS (S21); what is for local clients is not for them (S19)",
  () =>
    inFolder(async (folder) => {
      makeAuthority(folder);
      makeCertificate(folder, "server");
      const script = join(folder, "script.ts");
      writeFileSync(script, NAMESPACE_SCRIPT);
      const child = Bun.spawn(
        [...NAMESPACE, `${SETUP} && exec "$@"`, "sh", process.execPath, script, folder],
        { stdout: "pipe", stderr: "inherit" },
      );
      const lines = (await child.stdout.text()).trimEnd().split("\n");
      const localOnes = "OK OK OK -ERR -ERR";
      const protectedOnes = "PONG PONG PONG -DENIED -DENIED";
      expect(lines).toEqual([
        `${protectedOnes} ${protectedOnes} PONG`,
        Array.from({ length: 11 }, () => "asked").join(" "),
        Array.from({ length: 11 }, () => "PONG").join(" "),
        `${localOnes} ${localOnes} OK`,
        `${localOnes} ${localOnes} OK`,
      ]);
    }),
);
