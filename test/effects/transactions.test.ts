/** What a transaction does is one block of the stream: kept as a whole or not at all. */
import { describe, expect, test } from "bun:test";
import type { Engine } from "../../src/commands/engine.ts";
import type { Session } from "../../src/commands/session.ts";
import { lines } from "../differential/lines.ts";
import { commandsOf, createEngine, dataOf, replay, send, takeEffects } from "./two-engines.ts";

function recorded(): { engine: Engine; session: Session } {
  const engine = createEngine();
  engine.record(true);
  return { engine, session: engine.createSession() };
}

function run(session: Session, text: string): string[] {
  return lines(text).map((line) => send(session, line.split(" ")));
}

function effectsOf(engine: Engine): string[] {
  return commandsOf(takeEffects(engine)).map((command) => command.join(" "));
}

/** [what runs, its effects] */
const CASES: readonly (readonly [commands: string, effects: string])[] = [
  ["MULTI; SET a 1; INCR a; EXEC", "MULTI; SELECT 0; SET a 1; INCR a; EXEC"],
  ["SET x 1; MULTI; SET a 1; INCR a; EXEC", "SELECT 0; SET x 1; MULTI; SET a 1; INCR a; EXEC"],
  // One effect needs no block, none leaves nothing.
  ["MULTI; GET a; SET a 1; GET a; EXEC", "SELECT 0; SET a 1"],
  ["MULTI; GET a; EXEC", ""],
  ["MULTI; EXEC", ""],
  ["MULTI; SET a 1; SET b 2; DISCARD", ""],
  ["MULTI; SET a 1; NOSUCH; SET b 2; EXEC", ""],
  ["MULTI; SET a x; INCR a; SET b 2; EXEC", "MULTI; SELECT 0; SET a x; SET b 2; EXEC"],
  // Commands that tell several effects themselves open no block of their own.
  [
    "MULTI; MSETEX 2 a 1 b 2; SADD s m; SPOP s; EXEC",
    "MULTI; SELECT 0; SET a 1; SET b 2; SADD s m; DEL s; EXEC",
  ],
  ["MULTI; MSETEX 2 a 1 b 2; EXEC", "MULTI; SELECT 0; SET a 1; SET b 2; EXEC"],
  [
    "MULTI; SET a 1; SELECT 2; SET b 2; EXEC; SET c 3",
    "MULTI; SELECT 0; SET a 1; SELECT 2; SET b 2; EXEC; SET c 3",
  ],
  [
    "MULTI; RPUSH l a; BLPOP l 0; BLPOP l 0; SET a 1; EXEC",
    "MULTI; SELECT 0; RPUSH l a; LPOP l; SET a 1; EXEC",
  ],
  // The count is kept with the value: PFCOUNT changes it.
  ["MULTI; PFADD h a; PFCOUNT h; PFCOUNT h; EXEC", "MULTI; SELECT 0; PFADD h a; PFCOUNT h; EXEC"],
];

describe("the effects of a transaction", () => {
  for (const [commands, effects] of CASES) {
    test(`of ${commands}`, () => {
      const { engine, session } = recorded();
      run(session, commands);
      expect(effectsOf(engine)).toEqual(lines(effects));
    });
  }

  test("include keys that are found expired on the way", () => {
    const { engine, session } = recorded();
    run(session, "PSETEX k 5 v; SET other 1; MULTI; SET a 1; GET k; SET b 1");
    takeEffects(engine);
    engine.clock.advance(5);
    run(session, "EXEC");
    expect(effectsOf(engine)).toEqual(lines("MULTI; SET a 1; DEL k; SET b 1; EXEC"));
  });

  test("come before those of clients who are served after it", () => {
    const { engine, session } = recorded();
    const waiting = engine.createSession();
    send(waiting, ["BLPOP", "l", "0"]);
    run(session, "MULTI; RPUSH l a; RPUSH l b; SET x 1; EXEC");
    expect(effectsOf(engine)).toEqual(
      lines("MULTI; SELECT 0; RPUSH l a; RPUSH l b; SET x 1; EXEC; LPOP l"),
    );
  });

  test("stand in one block for each session, whoever queues in between", () => {
    const { engine, session } = recorded();
    const other = engine.createSession();
    run(session, "MULTI; SET a 1");
    run(other, "MULTI; SET b 1; SET c 1");
    run(session, "SET d 1");
    run(other, "EXEC; SET e 1");
    run(session, "EXEC");
    expect(effectsOf(engine)).toEqual(
      lines("MULTI; SELECT 0; SET b 1; SET c 1; EXEC; SET e 1; MULTI; SET a 1; SET d 1; EXEC"),
    );
  });

  test("are two blocks where the log is changed in between", () => {
    const { engine, session } = recorded();
    const { effects, gate } = engine;
    const written: string[] = [];
    gate.setLog({
      write(bytes, size, offset) {
        for (const one of commandsOf(Buffer.from(bytes.subarray(0, size)))) {
          written.push(one.join(" "));
        }
        queueMicrotask(() => gate.advance(offset));
        return true;
      },
    });
    run(session, "SET x 1");
    effects.beginBlock();
    run(session, "SET a 1; SET b 1");
    gate.commit();
    run(session, "SET c 1; SET d 1; SET e 1");
    effects.endBlock();
    gate.commit();
    expect(written).toEqual(
      lines(
        "SELECT 0; SET x 1; MULTI; SET a 1; SET b 1; EXEC; MULTI; SET c 1; SET d 1; SET e 1; EXEC",
      ),
    );
  });

  test("that are not whole change nothing when they are run again", () => {
    const { engine, session } = recorded();
    run(session, "SET a 0");
    const before = takeEffects(engine);
    run(session, "MULTI; SET a 1; RPUSH l x y; SET b 1; EXEC");
    const block = takeEffects(engine);
    const exec = block.length - "*1\r\n$4\r\nEXEC\r\n".length;
    const second = createEngine();
    const whole = Buffer.concat([before, block]);
    expect(() => replay(second, whole.subarray(0, before.length + exec))).toThrow(
      "a transaction without an end",
    );
    expect(send(second.createSession(), ["GET", "a"])).toBe("$1\r\n0\r\n");
    expect(dataOf(second)).toHaveLength(1);
    const third = createEngine();
    replay(third, whole);
    expect(dataOf(third)).toEqual(dataOf(engine));
  });
});
