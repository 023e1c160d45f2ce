/** What a script can't do (RELIABILITY S12, S14, S15): leave its sandbox, leave traces, take all memory, forge replies. */
import { heapSize } from "bun:jsc";
import { describe, expect, test } from "bun:test";
import { SCRIPT_MEMORY_MAX } from "../../src/base/limits.ts";
import { FrozenEngine } from "../support/frozen-engine.ts";
import { TestEngine } from "../support/test-engine.ts";

function run(script: string): string {
  // Some take long on a machine that does other things too.
  const engine = new FrozenEngine({ "busy-reply-threshold": "0" });
  const answer = engine.call("EVAL", script, "0");
  engine.release();
  return answer;
}

describe("a script", () => {
  const missing = ["os", "io", "debug", "package", "require", "module", "dofile", "loadfile"];
  const more = [
    "print",
    "getfenv",
    "setfenv",
    "newproxy",
    "process",
    "Bun",
    "globalThis",
    "Function",
  ];

  test("finds no way out of the sandbox (S12)", () => {
    for (const name of [...missing, ...more]) {
      expect(run(`return ${name}`)).toStartWith("-ERR user_script:1: Script attempted to access");
    }
    expect(run("return string.dump(function() end)")).toContain("unable to dump given function");
    expect(run("return loadstring('\\27Lua')")).toBe("nil");
  });

  test("meets JavaScript nowhere (S12)", () => {
    const names = [
      "__proto__",
      "constructor",
      "prototype",
      "toString",
      "length",
      "__index",
      "name",
    ];
    for (const name of names) {
      expect(run(`return tostring(({})["${name}"])`)).toBe("nil");
      expect(run(`local t = {} t["${name}"] = 5 return t["${name}"]`)).toBe("5");
      expect(run(`return tostring(("x")["${name}"])`)).toBe("nil");
      expect(run(`local f = function() end return pcall(function() return f["${name}"] end)`)).toBe(
        "nil",
      );
      expect(run(`local ${name === "__index" ? "x" : name} = 5 return 1`)).toBe("1");
      expect(run(`return redis.call("SET", "${name}", "${name}")`)).toBe("OK");
    }
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  test("can be full of what JavaScript would take for code", () => {
    const text = "`${process.exit(1)}` \\u2028 */ // \x01leave; $m.steps=0 </script>";
    expect(run(`return [==[${text}]==]`)).toBe(text);
    expect(run("local t = {['\\1leave;'] = 7} return t['\\1leave;']")).toBe("7");
    expect(run("local class, var, let, yield, await = 1, 2, 3, 4, 5 return var + await")).toBe("7");
    expect(run("--*/ this is a comment\nreturn 1")).toBe("1");
    // A line of the code that begins with a mark comes from the generator only.
    expect(run('local s = "\\n/*99*/" local x return x.y')).toContain("user_script:1:");
  });

  test("changes nothing that the next one could see (S12)", () => {
    const engine = new FrozenEngine();
    const changes = [
      "foo = 1",
      "string.foo = 1",
      "redis.call = nil",
      "_G.foo = 1",
      "rawset(_G, 'foo', 1)",
      "setmetatable(_G, {})",
      "getmetatable(_G).__index = nil",
      "getmetatable('').__index = nil",
      "getmetatable('').__index.foo = 1",
      "table.insert(string, 1)",
      "table.sort(string)",
      "cjson.null = 1",
    ];
    for (const change of changes) {
      const answer = engine.call("EVAL", change, "0");
      if (!change.startsWith("table.sort")) expect(answer).toContain("readonly table");
    }
    engine.call("EVAL", "cjson.encode_max_depth(1) math.randomseed(1) KEYS[1] = 'x'", "1", "k");
    expect(engine.call("EVAL", "return cjson.encode({{{1}}})", "0")).toBe("[[[1]]]");
    expect(engine.call("EVAL", "return #KEYS + #ARGV", "0")).toBe("0");
    engine.release();
  });

  test("asks in vain for strings beyond all bounds", () => {
    for (const expression of [
      "string.rep('x', 2^31)",
      "string.rep('x', 1e9)",
      "('x'):rep(2^53)",
      "table.concat({string.rep('x', 3e8), string.rep('x', 3e8)})",
      "string.rep('x', 4e8) .. string.rep('y', 4e8)",
      "string.gsub(string.rep('x', 2^16), 'x', string.rep('y', 2^16))",
    ]) {
      expect(run(`return #(${expression})`)).toStartWith("-ERR not enough memory");
    }
    expect(run("return string.format('%99999d', 1)")).toContain("width or precision too long");
  }, 60_000);

  test("that fills a table without end is stopped, and its memory comes back (S14)", () => {
    Bun.gc(true);
    const before = heapSize();
    const fill = "while true do t[#t + 1] = string.rep('x', 1e6) .. #t end";
    // What pcall catches is the script's own.
    expect(run(`local t = {} while true do pcall(function() ${fill} end) end`)).toStartWith(
      "-ERR not enough memory",
    );
    Bun.gc(true);
    expect(heapSize() - before).toBeLessThan(SCRIPT_MEMORY_MAX / 2);
  }, 120_000);

  test("that recurses without end is stopped, and commands have the stack they need", () => {
    const deep = `local function f(n) redis.call('ZADD', 'z', n, 'm' .. n) return 1 + f(n + 1) end `;
    expect(run(`${deep} return f(1)`)).toStartWith("-ERR user_script:1: stack overflow");
    expect(run(`${deep} return select(2, pcall(f, 1))`)).toBe("user_script:1: stack overflow");
    const bombs = [
      "local t = setmetatable({}, {}) getmetatable(t).__index = function(_, k) return t[k] end return t.x",
      "local function f() return pcall(f) end return tostring(f())",
      "local function f() return (coroutine.wrap(f)()) end return f()",
      "local s = string.rep('(', 40) return string.find('a', s)",
      "return string.find(string.rep('a', 1e6), string.rep('a?', 1e5))",
      "local t = {} for i = 1, 1e5 do t = {t} end return t",
      "local t = {} t[1] = t return t",
      "return loadstring(string.rep('(', 1e5))",
      "return loadstring('return ' .. string.rep('{', 1e5))",
      "local f = loadstring('return ' .. string.rep('-', 199) .. '1') return f and 1",
    ];
    for (const bomb of bombs) expect(typeof run(bomb)).toBe("string");
  }, 60_000);

  test("that moves an element by two billion places can be stopped like any other (S13)", () => {
    const engine = new FrozenEngine({ "busy-reply-threshold": "20" });
    const begun = performance.now();
    expect(engine.call("EVAL", "table.insert({}, -2^31, 'x')", "0")).toStartWith("-");
    expect(performance.now() - begun).toBeLessThan(5000);
    engine.release();
  });

  test("can't forge replies (S15)", () => {
    const engine = new TestEngine();
    for (const value of ["x\\r\\n+OK\\0y", "a\\nb", "\\r\\n:1\\r\\n"]) {
      for (const call of [`error_reply("${value}")`, `status_reply("${value}")`]) {
        const reply = engine.run("EVAL", `return redis.${call}`, "0");
        expect(["error", "simple"]).toContain(reply.type);
        expect("text" in reply && reply.text).not.toMatch(/[\r\n\0]/);
      }
      engine.run("EVAL", `return {err = "${value}"}`, "0");
      engine.run("EVAL", `return {big_number = "${value}"}`, "0");
      engine.run("EVAL", `error({err = "${value}"})`, "0");
      engine.run("EVAL", `error("${value}")`, "0");
    }
  });
});
