/** Commands of scripts: arguments that stand in the buffer from the call before, buffers that grow, commands one after another. */
import { describe, expect, test } from "bun:test";
import { FrozenEngine } from "../support/frozen-engine.ts";
import { seeded } from "../support/seed.ts";

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
});
