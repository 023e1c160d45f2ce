/**
 * Clients whose machine has gone without a word: `tcp-keepalive` finds them, also those that wait for keys (L3). Server and clients stand in
 * network namespaces of their own with a cable between them, which is pulled out. Runs at full size only: it takes half a minute.
 */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { inFolder } from "../cli/run-hutch.ts";
import { rounds } from "../support/seed.ts";

const SUPPORT = new URL("../support/in-process.ts", import.meta.url).pathname;

const SERVER_SCRIPT = `
  import { startInProcess } from ${JSON.stringify(SUPPORT)};
  const hutch = startInProcess({
    port: "17000", bind: "10.1.0.1", "protected-mode": "no", "tcp-keepalive": "10",
  });
  const { sessions, blocking, channels } = hutch.engine;
  const wait = async (condition) => { while (!condition()) await Bun.sleep(20); };
  const clients = Bun.spawn(["nsenter", "-t", process.argv[2], "-n", process.execPath, process.argv[3]]);
  // What was sent and not confirmed would have the kernel try again and again instead of asking.
  await clients.stdout.getReader().read();
  await wait(() => sessions.size === 3 && blocking.keys === 1 && channels.sessions.size === 1);
  const start = performance.now();
  Bun.spawnSync(["nsenter", "-t", process.argv[2], "-n", "ip", "link", "set", "c0", "down"]);
  await wait(() => sessions.size === 0);
  console.log(JSON.stringify({
    seconds: (performance.now() - start) / 1000, waiting: blocking.keys, subscribed: channels.sessions.size,
  }));
  clients.kill("SIGKILL");
  process.exit(0);
`;

const CLIENT_SCRIPT = `
  let answered = 0;
  for (const line of ["BLPOP list 0", "SUBSCRIBE channel", "PING"]) {
    await Bun.connect({
      hostname: "10.1.0.1", port: 17000,
      socket: { open: (socket) => void socket.write(line + "\\r\\n"), close() {}, error() {},
        data: () => { if (++answered === 2) setTimeout(() => console.log("answered"), 200); },
      },
    });
  }
`;

/** Runs "$@" with the process id of one in the clients' namespace as an argument more. */
const SETUP = `
  set -e
  ip link set lo up
  ip link add s0 type veth peer name c0
  unshare -n sleep 100 >/dev/null 2>&1 & other=$!
  trap 'kill $other' EXIT
  until [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.01; done
  ip link set c0 netns $other
  ip addr add 10.1.0.1/24 dev s0; ip link set s0 up
  nsenter -t $other -n sh -c 'ip addr add 10.1.0.2/24 dev c0; ip link set c0 up'
  "$1" "$2" $other "$3"
`;

const hasNamespaces =
  Bun.which("unshare") !== null &&
  Bun.which("nsenter") !== null &&
  Bun.which("ip") !== null &&
  Bun.spawnSync(["unshare", "-rn", "ip", "link", "add", "a0", "type", "veth"]).exitCode === 0;

test.skipIf(rounds === 1 || !hasNamespaces)(
  "clients that went without a word are closed within 30 s, and wait for nothing any more (L3)",
  () =>
    inFolder(async (folder) => {
      const server = join(folder, "server.ts");
      const clients = join(folder, "clients.ts");
      writeFileSync(server, SERVER_SCRIPT);
      writeFileSync(clients, CLIENT_SCRIPT);
      const child = Bun.spawn(
        ["unshare", "-rn", "sh", "-c", SETUP, "sh", process.execPath, server, clients],
        { stdout: "pipe", stderr: "inherit" },
      );
      const found = JSON.parse(await child.stdout.text()) as Record<string, number>;
      expect(found).toEqual({ seconds: expect.any(Number), waiting: 0, subscribed: 0 });
      expect(found.seconds).toBeGreaterThan(5);
      expect(found.seconds).toBeLessThan(30);
    }),
  60_000,
);
