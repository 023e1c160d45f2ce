/** A defect that shows itself as an exception (S26): the program ends, whatever kind of exception it is. */
import { expect, test } from "bun:test";
import { RespClient } from "../support/resp-client.ts";

const ROOT = new URL("../../src", import.meta.url).pathname;

/** A server with one command more, which writes and then does what it should not. */
const PROGRAM = `
import { allRows } from "${ROOT}/all-rows.ts";
import { OPTION_ROWS } from "${ROOT}/base/option-table.ts";
import { Options } from "${ROOT}/base/options.ts";
import { handleDefects } from "${ROOT}/cli/signals.ts";
import { startInstance } from "${ROOT}/instance.ts";
const options = new Options(OPTION_ROWS);
for (const [name, value] of [["port", "0"], ["save", ""], ["appendonly", "no"]]) options.set(name, value);
const handler = (session, args, reply) => {
  reply.ok();
  switch (args.text(1)) {
    case "type": return undefined.x;
    case "range": return new Array(-1);
    case "reference": return nothing.x;
    default: throw new SyntaxError("x");
  }
};
const all = allRows();
const ping = all.find(({ name }) => name === "ping");
const row = { ...ping, name: "defect", arity: 2, handler };
const { engine, port } = startInstance({ options, rows: [...all, row] });
handleDefects({ warning: (line) => console.log(line) });
console.log("port " + port);
`;

test.each(["type", "range", "reference", "syntax"])(
  "the program ends with a %s error inside a command, and its reply does not leave (S26)",
  async (kind) => {
    const child = Bun.spawn([process.execPath, "-e", PROGRAM], {
      stdout: "pipe",
      stderr: "inherit",
    });
    let printed = "";
    const { promise, resolve } = Promise.withResolvers<number>();
    const collected = (async () => {
      for await (const chunk of child.stdout) {
        printed += Buffer.from(chunk).toString("latin1");
        const found = /port (\d+)/.exec(printed);
        if (found !== null) resolve(Number(found[1]));
      }
    })();
    const client = await RespClient.connect(await promise);
    expect(await client.text("PING")).toBe("+PONG");
    expect(client.text("DEFECT", kind)).rejects.toThrow("closed the connection");
    expect(await child.exited).toBe(1);
    await collected;
    expect(printed).toContain("Crashed: ");
    client.close();
  },
);
