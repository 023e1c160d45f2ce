/** A server that is killed, or shut down, while a script is half done (S16): after the restart nothing of the script is there. */
import { describe, expect, test } from "bun:test";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { HutchProcess } from "../support/hutch-process.ts";
import { startHutch } from "../support/hutch-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { until } from "../support/until.ts";
import { inFolder } from "./folder.ts";

const SCRIPT = "while true do redis.call('INCR', 'half') redis.call('RPUSH', 'list', 'x') end";

function serve(folder: string): Promise<HutchProcess> {
  return startHutch({
    args: ["--dir", folder, "--appendonly", "yes", "--busy-reply-threshold", "30"],
  });
}

/** Bytes of all files of the log. */
function logSize(folder: string): number {
  const files = join(folder, "appendonlydir");
  return readdirSync(files).reduce((sum, name) => sum + statSync(join(files, name)).size, 0);
}

describe("a script that is half done (S16)", () => {
  for (const end of ["SIGKILL", "SHUTDOWN NOSAVE"] as const) {
    test(`leaves nothing behind after ${end}`, async () => {
      await inFolder(async (folder) => {
        let server = await serve(folder);
        try {
          const writer = await RespClient.connect(server.port);
          await writer.call("SET", "before", "1");
          const size = logSize(folder);
          void writer.call("EVAL", SCRIPT, "0").catch(() => {});
          // The log has some of it by now: more than the record of the first run holds.
          await until("the script in the log", () => logSize(folder) > size + 10_000);
          const client = await RespClient.connect(server.port);
          expect((await client.call("SCRIPT", "KILL")).type).toBe("error");
          if (end === "SIGKILL") server.kill("SIGKILL");
          else await client.call("SHUTDOWN", "NOSAVE").catch(() => {});
          await server.exited;
          writer.close();
          client.close();
          // The second time over a log that was cut and written to.
          for (const time of ["first", "second"]) {
            server = await serve(folder);
            const after = await RespClient.connect(server.port);
            expect(await after.text("GET", "before")).toBe('"1"');
            expect(await after.text("EXISTS", "half", "list")).toBe(":0");
            expect(await after.text("SET", time, "1", "GET")).toBe("null bulk");
            if (time === "second") expect(await after.text("GET", "first")).toBe('"1"');
            after.close();
            await server.stop();
          }
        } finally {
          await server.stop();
        }
      });
    }, 60_000);
  }
});
