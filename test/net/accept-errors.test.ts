/** A server that can't accept a connection goes on, does not spin, and accepts again when it can (S4). */
import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inFolder, runHutch } from "../cli/run-hutch.ts";
import { BOUND } from "../support/bound.ts";
import { crowding } from "../support/crowding.ts";
import { RespClient } from "../support/resp-client.ts";
import { until } from "../support/until.ts";

const strace = Bun.which("strace");

describe.skipIf(strace === null)("an error of accept (S4)", () => {
  test.each(["EMFILE", "ENFILE", "ECONNABORTED", "EPROTO", "ENOBUFS"])(
    "%s, five times, costs a client no more than a moment",
    async (error) => {
      const inject = `inject=accept4:error=${error}:when=1..5`;
      const run = runHutch(["--port", "0", "--bind", "127.0.0.1", "--save", ""], {
        after: `exec ${strace} -f -q -o /dev/null -e trace=accept4 -e ${inject} "$@"`,
      });
      try {
        const port = await run.port();
        const start = performance.now();
        for (let i = 0; i < 3; i++) {
          const client = await RespClient.connect(port);
          expect(await client.text("PING")).toBe("+PONG");
          client.close();
        }
        expect(performance.now() - start).toBeLessThan(1000 * crowding());
      } finally {
        process.kill(Number(/PID: (\d+)/.exec(run.out())?.[1]), "SIGKILL");
        await run.stop();
      }
    },
  );
});

/** An embedded server: nobody fits its maxclients to the files that it may open. */
const EMBEDDED = `
  import { createServer } from ${JSON.stringify(new URL("../../src/index.ts", import.meta.url).pathname)};
  const server = await createServer({ port: 0 });
  console.log(server.port);
`;
const TICKS_PER_SECOND = 100;

/** Seconds of CPU that a process has used. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

test.skipIf(process.platform !== "linux")(
  "without a file left clients are turned away, at little cost, until there are some again (S4)",
  () =>
    inFolder(async (folder) => {
      const script = join(folder, "server.ts");
      writeFileSync(script, EMBEDDED);
      const child = Bun.spawn(
        [...BOUND, "sh", "-c", 'ulimit -n 64 && exec "$@"', "sh", process.execPath, script],
        { stdout: "pipe", stderr: "inherit" },
      );
      const { value } = await child.stdout.getReader().read();
      const port = Number(Buffer.from(value!).toString());
      const clients: RespClient[] = [];
      const ask = async (): Promise<string> => {
        const client = await RespClient.connect(port);
        clients.push(client);
        client.write("PING\r\n");
        const reply = await client.read();
        return reply.type === "error" ? reply.text : "served";
      };
      try {
        let reply = "served";
        while (reply === "served") reply = await ask();
        expect(clients.length).toBeGreaterThan(20);
        expect(reply).toBe("ERR max number of clients reached");
        const before = cpuSeconds(child.pid);
        const start = performance.now();
        for (let i = 0; i < 10; i++) {
          const asked = performance.now();
          expect(await ask()).toBe("ERR max number of clients reached");
          expect(performance.now() - asked).toBeLessThan(1000 * crowding());
          await Bun.sleep(200);
        }
        const share = (cpuSeconds(child.pid) - before) / ((performance.now() - start) / 1000);
        expect(share).toBeLessThan(0.2);
        expect(await clients[0]!.text("PING")).toBe("+PONG");
        for (const client of clients.splice(5, 10)) client.close();
        await until(
          "it to accept clients again",
          async () => (await ask()) === "served",
          2000 * crowding(),
        );
      } finally {
        for (const client of clients) client.close();
        child.kill("SIGKILL");
        await child.exited;
      }
    }),
  20_000,
);
