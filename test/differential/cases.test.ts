/** Runs the cases of every file in `cases/` against Hutch and redis-server. HUTCH_CASES=<text> runs those whose file or name has it. */
import { afterAll, beforeAll, describe, test } from "bun:test";
import { redisMissing } from "../support/redis-server.ts";
import type { Case } from "./case.ts";
import { Differential } from "./runner.ts";

const wanted = process.env.HUTCH_CASES ?? "";
const folder = new URL("cases/", import.meta.url).pathname;
const files = [...new Bun.Glob("*.ts").scanSync(folder)].toSorted();

describe.skipIf(redisMissing !== null)("the same replies and data as redis-server", () => {
  let differential: Differential;
  beforeAll(async () => {
    differential = await Differential.start();
  });
  afterAll(async () => {
    await differential.stop();
  });

  for (const file of files) {
    const { cases } = require(`${folder}${file}`) as { cases: readonly Case[] };
    for (const one of cases) {
      const name = `${file.replace(".ts", "")}: ${one.name}`;
      if (name.includes(wanted)) test(name, () => differential.check(one));
    }
  }
});
