/** What a script does is one block of the stream (RELIABILITY S16): kept as a whole or not at all, also where it fails half way. */
import { describe, expect, test } from "bun:test";
import { commandsOf, createEngine, dataOf, replay, send, takeEffects } from "./two-engines.ts";

function effectsOf(script: string, ...parameters: string[]): string[] {
  const engine = createEngine();
  engine.record(true);
  send(engine.createSession(), ["EVAL", script, ...(parameters.length > 0 ? parameters : ["0"])]);
  const stream = takeEffects(engine);
  const copy = createEngine();
  replay(copy, stream);
  expect(dataOf(copy)).toEqual(dataOf(engine));
  return commandsOf(stream).map((command) => command.join(" "));
}

describe("the effects of a script (S16)", () => {
  test("are those of its commands, in one block where they are several", () => {
    expect(effectsOf("redis.call('SET', 'a', 1) return redis.call('INCR', 'a')")).toEqual([
      ...["MULTI", "SELECT 0", "SET a 1", "INCR a", "EXEC"],
    ]);
    expect(effectsOf("redis.call('GET', 'a') redis.call('SET', KEYS[1], 0.1)", "1", "k")).toEqual([
      "SELECT 0",
      "SET k 0.10000000000000001",
    ]);
    expect(effectsOf("return redis.call('GET', 'a')")).toEqual([]);
  });

  test("are kept of a script that fails half way", () => {
    expect(effectsOf("for i = 1, 3 do redis.call('SET', 'k' .. i, i) end error('no')")).toEqual([
      ...["MULTI", "SELECT 0", "SET k1 1", "SET k2 2", "SET k3 3", "EXEC"],
    ]);
  });

  test("name what was chosen by chance and the times that were meant", () => {
    expect(
      effectsOf(
        "redis.call('SADD', 's', 'm') redis.call('SPOP', 's') redis.call('SET', 'k', 1, 'EX', 5)",
      ),
    ).toEqual(["MULTI", "SELECT 0", "SADD s m", "DEL s", "SET k 1 PXAT 1700000005000", "EXEC"]);
  });

  test("are none where the script wants none", () => {
    expect(
      effectsOf(
        "redis.set_repl(redis.REPL_NONE) redis.call('SET', 'a', 1) redis.call('DEL', 'a') " +
          "redis.set_repl(redis.REPL_ALL) redis.call('SET', 'b', 1)",
      ),
    ).toEqual(["SELECT 0", "SET b 1"]);
  });

  test("lie within those of a transaction", () => {
    const engine = createEngine();
    engine.record(true);
    const session = engine.createSession();
    const script = "redis.call('SET', 'b', 2) redis.call('SET', 'c', 3)";
    for (const line of [["MULTI"], ["SET", "a", "1"], ["EVAL", script, "0"], ["EXEC"]]) {
      send(session, line);
    }
    expect(commandsOf(takeEffects(engine)).map((command) => command.join(" "))).toEqual([
      ...["MULTI", "SELECT 0", "SET a 1", "SET b 2", "SET c 3", "EXEC"],
    ]);
  });

  test("are written as they come once the script takes long, and are one block all the same", () => {
    const engine = createEngine();
    engine.record(true);
    const session = engine.createSession();
    const { effects } = engine;
    send(session, ["SET", "x", "1"]);
    let stream = takeEffects(engine);
    const take = (): void => {
      effects.cutBlock();
      stream = Buffer.concat([stream, takeEffects(engine)]);
    };
    effects.beginBlock();
    send(session, ["SET", "a", "1"]);
    effects.openBlock();
    take();
    const half = stream;
    take();
    send(session, ["SET", "b", "2"]);
    take();
    effects.endBlock();
    take();
    expect(commandsOf(stream).map((command) => command.join(" "))).toEqual([
      ...["SELECT 0", "SET x 1", "MULTI", "SET a 1", "SET b 2", "EXEC"],
    ]);
    // What a log holds that ends half way.
    const copy = createEngine();
    expect(() => replay(copy, half)).toThrow("a transaction without an end");
    expect(send(copy.createSession(), ["DBSIZE"])).toBe(":1\r\n");
  });

  test("leave nothing behind where a script that took long wrote nothing", () => {
    const engine = createEngine();
    engine.record(true);
    const { effects } = engine;
    effects.beginBlock();
    effects.openBlock();
    effects.cutBlock();
    effects.endBlock();
    expect(takeEffects(engine).length).toBe(0);
    effects.beginBlock();
    effects.openBlock();
    send(engine.createSession(), ["SET", "a", "1"]);
    effects.endBlock();
    expect(commandsOf(takeEffects(engine)).map((command) => command.join(" "))).toEqual([
      ...["MULTI", "SELECT 0", "SET a 1", "EXEC"],
    ]);
  });
});
