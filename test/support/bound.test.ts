/** A test run that is killed leaves no servers behind, and no tracer of theirs. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { BOUND } from "./bound.ts";
import { until } from "./until.ts";

const strace = Bun.which("strace");

/** A process is there, and not only what is left until its parent asks for it. */
function lives(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && !/\) [ZX] /.test(readFileSync(stat, "latin1"));
}

const HELPERS = `
  import { runHutch } from ${JSON.stringify(new URL("../cli/run-hutch.ts", import.meta.url).pathname)};
  import { startHutch } from ${JSON.stringify(new URL("hutch-process.ts", import.meta.url).pathname)};
  import { redisMissing, startRedis } from ${JSON.stringify(new URL("redis-server.ts", import.meta.url).pathname)};
`;

/** Servers that tests start, each followed by its process id. */
const STARTS: readonly [name: string, missing: boolean, program: string][] = [
  ["a server", false, "console.log((await startHutch()).pid)"],
  [
    "a server under strace",
    strace === null,
    `const run = runHutch(["--port", "0"], { after: 'exec ${strace} -f -q -o /dev/null -e trace=fsync "$@"' });
     await run.port();
     console.log(run.pid, /PID: (\\d+)/.exec(run.out())[1]);`,
  ],
  ["redis-server", false, "console.log(redisMissing === null ? (await startRedis()).pid : '')"],
];

for (const [name, missing, program] of STARTS) {
  test.skipIf(BOUND.length === 0 || missing)(
    `${name} ends when the test that started it is killed`,
    async () => {
      const code = `${HELPERS}${program};\nconsole.log("ready"); await new Promise(() => setInterval(() => {}, 1000));`;
      const child = Bun.spawn([...BOUND, process.execPath, "-e", code], {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "inherit",
      });
      let printed = "";
      for await (const chunk of child.stdout) {
        printed += Buffer.from(chunk).toString("latin1");
        if (printed.includes("ready")) break;
      }
      const pids = (printed.match(/\d+/g) ?? []).map(Number);
      for (const pid of pids) expect(lives(pid)).toBe(true);
      child.kill("SIGKILL");
      await child.exited;
      await until("their end", () => pids.every((pid) => !lives(pid)));
    },
  );
}
