/** Commands of scripts: arguments that stand in the buffer from the call before, buffers that grow, commands one after another. */
import { describe, expect, test } from "bun:test";
import { FrozenEngine } from "../support/frozen-engine.ts";
import { seeded } from "../support/seed.ts";

/** Commands that make, read, move and delete what a key holds; K and L are keys. */
const LINES: readonly string[] = [
  ...["SET K v", "SET K 17", "APPEND K abcdefgh", "SETRANGE K 40 x", "GET K", "GETDEL K", "INCR K"],
  ...["SET K v EX 100", "SET K v KEEPTTL", "EXPIRE K 100", "PEXPIRE K -1", "PERSIST K", "TTL K"],
  ...["LPUSH K a b", "LPOP K", "LRANGE K 0 -1", "SADD K a", "SREM K a", "SINTERSTORE K L K"],
  ...["HSET K f v", "HDEL K f", "HGET K f", "DEL K", "UNLINK K", "RENAME K L", "COPY K L REPLACE"],
  ...["MOVE K 1", "EXISTS K L", "SWAPDB 0 1", "FLUSHDB", "FLUSHALL", "PING"],
  ...["TYPE K", "OBJECT ENCODING K", "NOSUCH K", "GET", `${"X".repeat(40)} K`],
];

describe("redis.call", () => {
  test("runs the command that it is given, whatever was called before", () => {
    const engine = new FrozenEngine();
    const random = seeded("calls of scripts");
    const model = new Map<string, string>();
    const steps: string[] = [];
    const expected: string[] = [];
    let key = "k0";
    for (let i = 0; i < 400; i++) {
      // Every second time the key of the call before, which is announced then; others of its length may stand in its place.
      if (random.below(2) === 0) key = "k".repeat(1 + random.below(3)) + random.below(4);
      // Some are larger than the buffer that there is.
      const size = random.below(12) === 0 ? 900 + random.below(5000) : random.below(6);
      const value = String(random.below(10)).repeat(size);
      switch (random.below(6)) {
        case 0:
          steps.push(`r[#r + 1] = redis.call('SET', '${key}', '${value}').ok`);
          model.set(key, value);
          expected.push("OK");
          break;
        case 1:
          steps.push(`r[#r + 1] = redis.call('APPEND', '${key}', '${value}')`);
          model.set(key, (model.get(key) ?? "") + value);
          expected.push(String(model.get(key)!.length));
          break;
        case 2:
          steps.push(`r[#r + 1] = redis.call('DEL', '${key}', 'x')`);
          expected.push(model.delete(key) ? "1" : "0");
          break;
        case 3: {
          const other = `${key[0]}${random.below(4)}`;
          steps.push(`r[#r + 1] = redis.pcall('RENAME', '${key}', '${other}').ok or 'error'`);
          const moved = model.get(key);
          expected.push(moved === undefined ? "error" : "OK");
          if (moved === undefined) break;
          model.delete(key);
          model.set(other, moved);
          break;
        }
        case 4:
          steps.push(`r[#r + 1] = redis.call('OBJECT', 'HELP')[1] ~= nil and 'help'`);
          expected.push("help");
          break;
        default:
          steps.push(`r[#r + 1] = redis.call('GET', '${key}') or 'none'`);
          expected.push(model.get(key) ?? "none");
      }
      // Once more, or after a call that was given up with the first arguments in the buffer.
      if (random.below(3) === 0) {
        if (random.below(2) === 0) steps.push(`redis.pcall('GET', '${key}x', {})`);
        steps.push(`r[#r + 1] = redis.call('GET', '${key}') or 'none'`);
        steps.push(`r[#r + 1] = redis.call('GET', '${key}') or 'none'`);
        expected.push(model.get(key) ?? "none", model.get(key) ?? "none");
      }
      if (random.below(9) === 0) {
        steps.push(
          "r[#r + 1] = redis.pcall('GET', {}).err and redis.pcall('NOSUCH').err and 'refused'",
        );
        expected.push("refused");
      }
    }
    const reply = engine.call("EVAL", `local r = {} ${steps.join("\n")} return r`, "0");
    expect(reply).toBe(`[${expected.join(" ")}]`);
    engine.release();
  });

  test("finds what its key holds, whatever the commands before made of it", () => {
    const random = seeded("commands of scripts on few keys");
    const together = new FrozenEngine();
    const apart = new FrozenEngine();
    const keys = ["k", "l", "a longer key", ""];
    const literal = (word: string): string => {
      if (word === "K" || word === "L")
        return `'${keys[random.below(2) * random.below(keys.length)]!}'`;
      return `'${word}'`;
    };
    for (let round = 0; round < 60; round++) {
      const calls: string[] = [];
      for (let left = 1 + random.below(40); left > 0; left--) {
        const words = LINES[random.below(LINES.length)]!.split(" ");
        const call = `cjson.encode({redis.pcall(${words.map(literal).join(", ")})})`;
        calls.push(call);
        // Just the same again, or after something that fills in arguments too.
        if (random.below(3) === 0) calls.push(call);
        if (random.below(5) === 0) calls.push("redis.acl_check_cmd('GET', 'k')", call);
      }
      const script = `local r = {} ${calls.map((call) => `r[#r + 1] = ${call}`).join("\n")} return r`;
      const one = calls.map((call) => apart.call("EVAL", `return ${call}`, "0"));
      expect(together.call("EVAL", script, "0")).toBe(`[${one.join(" ")}]`);
    }
    together.release();
    apart.release();
  });
});
