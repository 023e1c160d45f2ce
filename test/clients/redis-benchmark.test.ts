/** redis-benchmark's own list of tests, as somebody runs it who wants a first impression. */
import { expect, test } from "bun:test";
import { startHutch } from "../support/hutch-process.ts";

const benchmark = Bun.which("redis-benchmark");
if (benchmark === null && process.env.CI === "true") {
  throw new Error("redis-benchmark is not installed");
}

test.skipIf(benchmark === null)(
  "redis-benchmark runs all its tests, and gets no error",
  async () => {
    const server = await startHutch();
    try {
      const options = [
        "-p",
        `${server.port}`,
        "-n",
        "500",
        "-c",
        "10",
        "-P",
        "4",
        "-r",
        "1000",
        "--csv",
      ];
      const child = Bun.spawn([benchmark!, ...options], { stdout: "pipe", stderr: "pipe" });
      const [printed, errors] = await Promise.all([child.stdout.text(), child.stderr.text()]);
      expect(await child.exited).toBe(0);
      expect(errors).toBe("");
      const [head, ...lines] = printed.trim().split("\n");
      expect(head).toStartWith('"test","rps"');
      expect(lines.length).toBeGreaterThanOrEqual(18);
      for (const line of lines) expect(line).toMatch(/^"[^"]+","[1-9]\d*\.\d+"/);
    } finally {
      await server.stop();
    }
  },
);
