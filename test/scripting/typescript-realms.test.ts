/** Realms of TypeScript libraries: what can't be reached from within. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TypeScriptRealms } from "../../src/scripting/typescript-realms.ts";

const PROGRAM = new URL("../../src/scripting/typescript-thread.ts", import.meta.url);
const NO_INPUT = "*2\r\n*0\r\n*0\r\n";

let realms: TypeScriptRealms;
beforeAll(() => {
  realms = new TypeScriptRealms(PROGRAM, () => 0);
});
afterAll(() => realms.kill());

/** Runs the body of a function in a realm of its own. @returns its reply */
function run(body: string, answer: (request: string) => string = () => "+OK\r\n"): string {
  const loaded = realms.load(`register("f", () => { ${body} });`);
  if (typeof loaded === "string") return loaded;
  expect(realms.begin(loaded.realm, "f", NO_INPUT, answer)).toBe(true);
  const reply = realms.advance(20_000);
  realms.unload(loaded.realm);
  return reply ?? "runs on";
}

const ESCAPES: readonly string[] = [
  // Whatever object there is, its constructor's constructor makes functions of the realm, which see nothing of the host's.
  `const found = [];
   for (const value of [call, register, log, utf8, StatusReply, CallError, Promise, Error, [], {}, Symbol, globalThis, Math]) {
     found.push(value.constructor.constructor("return typeof process + typeof Bun + typeof require")());
   }
   return new Set(found).size + found[0];`,
  `let trace; try { Error.prepareStackTrace = (error, sites) => { trace = sites; return ""; }; } catch {}
   const stack = new Error("x").stack;
   const seen = Array.isArray(trace) ? trace : [];
   for (const site of seen) {
     const other = site.constructor.constructor("return typeof process + typeof Bun + typeof require")();
     if (other !== "undefinedundefinedundefined") return "escaped by a call site";
   }
   return 1 + "undefinedundefinedundefined";`,
  `function deeper() { deeper(); }
   try { deeper(); } catch (error) {
     return 1 + error.constructor.constructor("return typeof process + typeof Bun + typeof require")();
   }`,
  `let depth = 0;
   function deeper() { if (++depth % 64 === 0) call("PING"); deeper(); }
   try { deeper(); } catch (error) {
     return 1 + error.constructor.constructor("return typeof process + typeof Bun + typeof require")();
   }`,
  `try { call({ toString() { throw new Error("x"); } }); } catch (error) {
     return 1 + error.constructor.constructor("return typeof process + typeof Bun + typeof require")();
   }`,
  `const caller = (function () { try { return arguments.callee.caller; } catch { return null; } })();
   return 1 + (caller === null ? "undefinedundefinedundefined" : "escaped by a caller");`,
  `return 1 + [typeof WebAssembly, typeof Atomics, typeof SharedArrayBuffer].join("");`,
];

test.each(ESCAPES)("nothing of the host's is reached: %#", (body) => {
  expect(run(body)).toBe("$28\r\n1undefinedundefinedundefined\r\n");
});

test("an import is refused by who would resolve it, with an error of the realm", () => {
  const loaded = realms.load(`
    let seen = "nothing";
    import("node:fs").then(() => { seen = "escaped"; }, (error) => {
      seen = error.constructor.constructor("return typeof process")();
    });
    register("f", () => seen);
  `);
  if (typeof loaded === "string") throw new Error(loaded);
  realms.begin(loaded.realm, "f", NO_INPUT, () => "+OK\r\n");
  const reply = realms.advance(20_000);
  realms.unload(loaded.realm);
  expect(["$9\r\nundefined\r\n", "$7\r\nnothing\r\n"]).toContain(reply!);
});

test("macros, which would run in the server while a library is read, are refused", () => {
  const folder = mkdtempSync(join(tmpdir(), "hutch-macro-"));
  try {
    const witness = join(folder, "ran");
    const macro = join(folder, "macro.ts");
    writeFileSync(
      macro,
      `import { writeFileSync } from "node:fs"; export function make() { writeFileSync(${JSON.stringify(witness)}, "x"); return 1; }`,
    );
    const loaded = realms.load(
      `import { make } from ${JSON.stringify(macro)} with { type: "macro" }; const x = make(); register("f", () => x);`,
    );
    expect(loaded).toContain("Macros are disabled");
    expect(existsSync(witness)).toBe(false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("one library sees nothing of another", () => {
  const one = realms.load(
    `globalThis.secret = 1; Array.prototype.secret = 1; register("f", () => 1);`,
  );
  if (typeof one === "string") throw new Error(one);
  expect(run("return [typeof secret, typeof [].secret].join()")).toBe(
    "$19\r\nundefined,undefined\r\n",
  );
  realms.unload(one.realm);
});

test("a library that spoils the builtins of its realm gets no second reply in", () => {
  const reply = run(
    `String.prototype.replace = () => "x\\r\\n+SECOND\\r\\n"; String.prototype.toWellFormed = () => "a\\r\\n+b"; throw new Error("e");`,
  );
  // What comes of it is read as one reply by the server, or not at all.
  expect(reply).toBeString();
});

test("the commands of a function are answered one by one", () => {
  const asked: string[] = [];
  const reply = run(`log("a\\nb"); return [call("GET", "k"), call("INCR", 1, 2n)];`, (request) => {
    asked.push(request);
    return request.startsWith("!") ? "+OK\r\n" : ":7\r\n";
  });
  expect(asked).toEqual([
    "!a b",
    "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
    "*3\r\n$4\r\nINCR\r\n$1\r\n1\r\n$1\r\n2\r\n",
  ]);
  expect(reply).toBe("*2\r\n:7\r\n:7\r\n");
});

test("messages may be large in both directions, up to a bound", () => {
  const large = "x".repeat(3_000_000);
  const reply = run(
    `const value = call("GET", "y".repeat(1_000_000)); return value.length;`,
    (request) => {
      expect(request.length).toBeGreaterThan(1_000_000);
      return `$${large.length}\r\n${large}\r\n`;
    },
  );
  expect(reply).toBe(":3000000\r\n");
  expect(run(`return "x".repeat(70_000_000)`)).toStartWith(
    "-ERR the reply of the function is too long",
  );
});
