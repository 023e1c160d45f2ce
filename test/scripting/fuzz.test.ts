/**
 * Damaged scripts: tokens of real ones taken away, doubled, exchanged. Whatever comes of it is a result or an error of Lua; the generated
 * code is JavaScript that the engine takes, and no exception but Lua's leaves the engine.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Case } from "../differential/case.ts";
import { TestEngine } from "../support/test-engine.ts";
import type { Random } from "../../src/base/random.ts";
import { pick, rounds, seeded } from "../support/seed.ts";

const COUNT = 1500 * rounds;

const TOKEN = /\s+|[A-Za-z_]\w*|\d[\w.]*|"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'|[\s\S]/g;
const WORDS: readonly string[] = [
  ..."and break do else elseif end for function if in local nil not or repeat return then until while".split(
    " ",
  ),
  ...[
    "=",
    "==",
    "~=",
    "..",
    "...",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    ",",
    ";",
    ":",
    ".",
    "#",
    "-",
    "%",
    "^",
  ],
  ...[
    "0",
    "-1",
    "1e308",
    "2^53",
    "''",
    "'%'",
    "'\\0'",
    "x",
    "t",
    "KEYS",
    "ARGV",
    "redis",
    "string",
    "_G",
  ],
  ...[
    "pcall",
    "error",
    "setmetatable",
    "unpack",
    "next",
    "coroutine",
    "cjson",
    "cmsgpack",
    "struct",
    "bit",
  ],
];

async function scripts(): Promise<string[]> {
  const folder = join(import.meta.dir, "../differential/cases");
  const found: string[] = [];
  for (const file of readdirSync(folder).filter((name) => name.startsWith("scripts-"))) {
    const { cases } = (await import(join(folder, file))) as { cases: readonly Case[] };
    for (const { steps } of cases) {
      for (const step of steps)
        if (Array.isArray(step) && step[0] === "EVAL") found.push(step[1] as string);
    }
  }
  return found;
}

function damage(random: Random, script: string, all: readonly string[]): string {
  const tokens = script.match(TOKEN) ?? [];
  for (let left = 1 + random.below(4); left > 0; left--) {
    const at = random.below(tokens.length + 1);
    switch (random.below(5)) {
      case 0:
        tokens.splice(at, 1);
        break;
      case 1:
        tokens.splice(at, 0, ` ${pick(random, WORDS)} `);
        break;
      case 2:
        tokens[at] = ` ${pick(random, WORDS)} `;
        break;
      case 3:
        tokens.splice(at, 0, ...(pick(random, all).match(TOKEN) ?? []).slice(0, 8));
        break;
      default:
        tokens.splice(at, 0, tokens[random.below(tokens.length)] ?? " ");
    }
  }
  return tokens.join("");
}

describe("damaged scripts", () => {
  test("end with a result or an error", async () => {
    const random = seeded("damaged scripts");
    const all = await scripts();
    expect(all.length).toBeGreaterThan(700);
    // Some loop for ever.
    const engine = new TestEngine({ "busy-reply-threshold": "20" });
    for (let i = 0; i < COUNT; i++) {
      const script = damage(random, pick(random, all), all);
      try {
        engine.run("EVAL", Buffer.from(script, "latin1"), "2", "k", "l", "a", "b");
      } catch (error) {
        throw new Error(`this script throws in the server: ${JSON.stringify(script)}`, {
          cause: error,
        });
      }
      if (i % 100 === 0) engine.run("FLUSHALL");
    }
  }, 120_000);
});
