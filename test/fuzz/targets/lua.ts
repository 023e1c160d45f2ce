/**
 * Scripts: real ones with tokens taken away, doubled and exchanged; and calls of every function of the libraries with values that
 * they may not expect, damaged JSON and MessagePack among them. Whatever comes of it is a result or an error of Lua: the generated
 * code is JavaScript that the engine takes, no exception but Lua's leaves it, and the next script finds everything as it was.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "../../../src/base/random.ts";
import type { Case } from "../../differential/case.ts";
import { damage } from "../../persistence/damage.ts";
import { show } from "../../support/resp-value.ts";
import { pick } from "../../support/seed.ts";
import { TestEngine } from "../../support/test-engine.ts";
import type { Run, Target } from "../target.ts";

/** A script may run for so long before it is stopped, in ms; ... */
const THRESHOLD_MS = 20;
/** ... and one step of it may be a command, or a function of a library on much data. */
const HANG_MS = 1000;

const TOKEN = /\s+|[A-Za-z_]\w*|\d[\w.]*|"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'|[\s\S]/g;
const WORDS: readonly string[] = [
  ..."and break do else elseif end for function if in local nil not or repeat return then until while".split(
    " ",
  ),
  ..."= == ~= .. ... ( ) { } [ ] , ; : . # - % ^".split(" "),
  ..."0 -1 1e308 2^53 '' '%' '\\0' x t KEYS ARGV redis string _G".split(" "),
  ..."pcall error setmetatable unpack next coroutine cjson cmsgpack struct bit".split(" "),
];

/** The functions of the libraries are asked for once, of the engine itself. */
const LIST_FUNCTIONS = `
local found = {}
for name, value in pairs(_G) do
  if type(value) == 'function' then found[#found + 1] = name end
  if type(value) == 'table' and name ~= '_G' then
    for inner, f in pairs(value) do
      if type(f) == 'function' then found[#found + 1] = name .. '.' .. inner end
    end
  end
end
return found`;

const VALUES: readonly string[] = [
  ..."nil true false 0 1 -1 2 3 0.5 -0 2^31 2^32 2^53 2^63 -2^63 1e308 -1e308 1/0 -1/0 0/0".split(
    " ",
  ),
  ..."'' 'a' 'abc' '\\0' '\\255\\254' '10' '0x10' ' 1 ' '%' '%d' '%s%s%s' '%99.99f' '%q' '[' '[^' '%b()' '%f[a]'".split(
    " ",
  ),
  ..."'(' '()' '(.-)' '^a*$' '.-.-.-b' '<i4' '>!8d' 'c0s' 'z' 'I1000' 'x' 'bits' '*t' '#' '__proto__'".split(
    " ",
  ),
  "{}",
  "{1, 2, 3}",
  "{a = 1, ['__proto__'] = 2}",
  "{{{}}}",
  "{err = 'x\\r\\ny'}",
  "{ok = 1}",
  "setmetatable({}, {__index = function() error('x') end})",
  "setmetatable({}, {__tostring = 1, __call = print})",
  "string.rep('ab', 1000)",
  "function(...) return ... end",
  "coroutine.create(function(...) coroutine.yield(...) end)",
  "cjson.null",
  "_G",
];

const JSON_TEXT = Buffer.from(
  '{"a":[1,2.5,-3e10,true,false,null,"\\u00e9\\n\\ud83d\\ude00"],"__proto__":{"b":{}},"":[[[[]]]],"n":1234567890123456789}',
);

export const lua: Target = {
  name: "lua",
  what: "damaged scripts, and calls of library functions with wild values (S12, S14, S15)",
  hangMs: HANG_MS,
  start: () => LuaRun.start(),
};

class LuaRun implements Run {
  readonly #server: TestEngine;
  readonly #scripts: readonly string[];
  readonly #functions: readonly string[];
  readonly #packed: Buffer;

  private constructor(server: TestEngine, scripts: readonly string[]) {
    this.#server = server;
    this.#scripts = scripts;
    const names = server.run("EVAL", LIST_FUNCTIONS, "0");
    if (names.type !== "array") throw new Error(show(names));
    this.#functions = names.items.flatMap((item) => ("text" in item ? [item.text] : []));
    this.#packed = server.bytes(
      ...[
        "EVAL",
        "return cmsgpack.pack({1, -1, 300, 1e10, 2.5, 'x', true, {a = {b = 1}}}, 'y', cjson.null)",
        "0",
      ],
    );
  }

  static async start(): Promise<LuaRun> {
    const server = new TestEngine({ "busy-reply-threshold": `${THRESHOLD_MS}` });
    return new LuaRun(server, await readScripts());
  }

  make(random: Random): Buffer {
    switch (random.below(4)) {
      case 0:
        return Buffer.from(this.#calls(random), "latin1");
      case 1:
        return this.#decoding(random);
      default:
        return Buffer.from(damaged(random, pick(random, this.#scripts), this.#scripts), "latin1");
    }
  }

  check(bytes: Buffer): string {
    const server = this.#server;
    const reply = server.run("EVAL", bytes, "2", "k", "l", "a", "b");
    const after = show(
      server.run("EVAL", "return {#KEYS, #ARGV, tostring(x), type(redis.call)}", "0"),
    );
    if (after !== '[:0, :0, "nil", "function"]') {
      // What may not be touched refuses that; a name that a script may not read does as well.
      if (!after.startsWith("-ERR user_script:1: Script attempted to access nonexistent")) {
        throw new Error(`the next script finds ${after}`);
      }
    }
    server.run("FLUSHALL");
    return reply.type === "error" ? "error" : "result";
  }

  /** A few calls one after another, each with what the one before has given. */
  #calls(random: Random): string {
    let script = "local r\n";
    for (let left = 1 + random.below(3); left > 0; left--) {
      const parameters = Array.from({ length: random.below(5) }, () =>
        random.below(6) === 0 ? "r" : pick(random, VALUES),
      );
      script += `r = select(2, pcall(${[pick(random, this.#functions), ...parameters].join(", ")}))\n`;
    }
    return `${script}return r`;
  }

  #decoding(random: Random): Buffer {
    const isJson = random.below(2) === 0;
    const bytes = damage(random, isJson ? JSON_TEXT : this.#packed);
    const literal = Array.from(bytes, (byte) => `\\${byte.toString().padStart(3, "0")}`).join("");
    const encoded = isJson ? "cjson.encode(cjson.decode(s))" : "cmsgpack.pack(cmsgpack.unpack(s))";
    return Buffer.from(`local s = "${literal}"\nreturn ${encoded}`, "latin1");
  }
}

async function readScripts(): Promise<string[]> {
  const folder = join(import.meta.dir, "../../differential/cases");
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

function damaged(random: Random, script: string, all: readonly string[]): string {
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
