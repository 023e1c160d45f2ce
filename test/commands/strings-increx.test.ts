/** INCREX, which redis-server 7.0 does not have: as its documentation and Redis's own tests of 8.8 describe it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Instance } from "../../src/instance.ts";
import { emptyAll, startInProcess } from "../support/in-process.ts";
import { RespClient } from "../support/resp-client.ts";
import { pick, rounds, seeded } from "../support/seed.ts";

const SYNTAX = "-ERR syntax error";
const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);
const START_MS = 1_700_000_000_000;

let server: Instance;
let client: RespClient;

beforeAll(async () => {
  server = startInProcess();
  client = await RespClient.connect(server.port);
});

afterAll(async () => {
  client.close();
  await server.stop();
});

beforeEach(() => {
  emptyAll(server);
  server.engine.clock.freeze(START_MS);
});

async function run(...lines: readonly string[]): Promise<string[]> {
  const replies: string[] = [];
  for (const line of lines) replies.push(await client.text(...line.split(" ")));
  return replies;
}

/** Sets `k`, runs the line and gives its reply and the value afterwards. */
async function on(value: string, line: string): Promise<readonly string[]> {
  const [, reply, after] = await run(`SET k ${value}`, line, "GET k");
  return [reply!, after!];
}

/** Unix time in ms at which `k` expires, -1 if never, -2 if there is no such key. */
function dueMs(): number {
  const database = server.engine.keyspace.databases[0]!;
  const entry = database.peek(Buffer.from("k"), 0, 1);
  return (entry as number) === 0 ? -2 : database.expiryMs(entry);
}

describe("INCREX by integers", () => {
  test("adds 1, or what BYINT says, to the value or to 0", async () => {
    expect(await run("INCREX k", "INCREX k", "INCREX k BYINT 5", "INCREX k byint -10")).toEqual([
      "[:1, :1]",
      "[:2, :1]",
      "[:7, :5]",
      "[:-3, :-10]",
    ]);
    expect(await run("INCREX k BYINT 0", "GET k")).toEqual(["[:-3, :0]", '"-3"']);
  });

  test.each([
    ["10", "BYINT 5 UBOUND 15", "[:15, :5]", "15"],
    ["10", "BYINT 5 UBOUND 12", "[:10, :0]", "10"],
    ["10", "BYINT 5 UBOUND 12 SATURATE", "[:12, :2]", "12"],
    ["10", "BYINT -5 LBOUND 5", "[:5, :-5]", "5"],
    ["10", "BYINT -5 LBOUND 8", "[:10, :0]", "10"],
    ["10", "BYINT -5 SATURATE LBOUND 8", "[:8, :-2]", "8"],
    ["10", "BYINT 5 LBOUND 10 UBOUND 10 SATURATE", "[:10, :0]", "10"],
    // A value that stands outside already: brought in where the result is, else left, or moved to the bound.
    ["50", "BYINT -25 UBOUND 30", "[:25, :-25]", "25"],
    ["50", "BYINT 5 UBOUND 30", "[:50, :0]", "50"],
    ["50", "BYINT 5 UBOUND 30 SATURATE", "[:30, :-20]", "30"],
    ["10", "BYINT -5 LBOUND 20 SATURATE", "[:20, :10]", "20"],
    ["9223372036854775807", "", "[:9223372036854775807, :0]", "9223372036854775807"],
    [
      "9223372036854775800",
      "BYINT 9223372036854775800 SATURATE",
      "[:9223372036854775807, :7]",
      "9223372036854775807",
    ],
    [
      "-9223372036854775800",
      "BYINT -9223372036854775800 SATURATE",
      "[:-9223372036854775808, :-8]",
      "-9223372036854775808",
    ],
    ["10", "BYINT 9223372036854775807 UBOUND 100 SATURATE", "[:100, :90]", "100"],
    ["10", "BYINT 9223372036854775807 UBOUND 100", "[:10, :0]", "10"],
  ])("on %s with %s", async (old, options, reply, after) => {
    expect(await on(old, `INCREX k ${options}`.trimEnd())).toEqual([reply, `"${after}"`]);
  });

  test("an applied increment that is no 64-bit integer is an error", async () => {
    const line = "INCREX k BYINT 1 SATURATE UBOUND -9223372036854775808";
    expect(await on("9223372036854775800", line)).toEqual([
      "-ERR applied increment would overflow",
      '"9223372036854775800"',
    ]);
  });

  test("on random numbers does what exact arithmetic does", async () => {
    const random = seeded("INCREX on random numbers");
    const number = (): bigint => {
      const edge = pick(random, [0n, 2n ** 31n, 2n ** 32n, 2n ** 53n, INT64_MAX, INT64_MIN, 100n]);
      const value = edge + BigInt(random.below(2001) - 1000);
      const signed = random.below(2) === 0 ? value : -value;
      return signed > INT64_MAX ? INT64_MAX : signed < INT64_MIN ? INT64_MIN : signed;
    };
    for (let i = 0; i < 500 * rounds; i++) {
      const [old, by, one, two] = [number(), number(), number(), number()];
      const [lower, upper] = one < two ? [one, two] : [two, one];
      const saturate = random.below(2) === 0;
      let result = old + by;
      if (result < lower || result > upper) {
        result = saturate ? (result < lower ? lower : upper) : old;
      }
      const applied = result - old;
      const fits = applied <= INT64_MAX && applied >= INT64_MIN;
      const line = `INCREX k BYINT ${by} LBOUND ${lower} UBOUND ${upper}${saturate ? " SATURATE" : ""}`;
      expect({ old, line, seen: await on(`${old}`, line) }).toEqual({
        old,
        line,
        seen: fits
          ? [`[:${result}, :${applied}]`, `"${result}"`]
          : ["-ERR applied increment would overflow", `"${old}"`],
      });
    }
  });

  test("INCRBY and DECRBY on random numbers do what exact arithmetic does", async () => {
    const random = seeded("INCRBY on random numbers");
    for (let i = 0; i < 500 * rounds; i++) {
      const edges = [0n, 2n ** 32n, -(2n ** 32n), 2n ** 53n, -(2n ** 53n), INT64_MAX, INT64_MIN];
      const near = (): bigint => pick(random, edges) + BigInt(random.below(7) - 3);
      const [old, by] = [BigInt.asIntN(64, near()), BigInt.asIntN(64, near())];
      for (const [command, sum] of [
        ["INCRBY", old + by],
        ["DECRBY", old - by],
      ] as const) {
        const overflow =
          command === "DECRBY" && by === INT64_MIN
            ? "-ERR decrement would overflow"
            : "-ERR increment or decrement would overflow";
        const fits = BigInt.asIntN(64, sum) === sum && !(command === "DECRBY" && by === INT64_MIN);
        const line = `${command} k ${by}`;
        expect({ old, line, seen: await on(`${old}`, line) }).toEqual({
          old,
          line,
          seen: fits ? [`:${sum}`, `"${sum}"`] : [overflow, `"${old}"`],
        });
      }
    }
  });
});

describe("INCREX by floats", () => {
  test.each([
    ["1.5", "BYFLOAT 0.25", '["1.75", "0.25"]', "1.75"],
    ["10", "BYFLOAT 1", '["11", "1"]', "11"],
    ["10", "BYFLOAT 100 UBOUND 42.5 SATURATE", '["42.5", "32.5"]', "42.5"],
    ["0", "BYFLOAT -100 LBOUND -5.5 SATURATE", '["-5.5", "-5.5"]', "-5.5"],
    ["10.0", "BYFLOAT 10 UBOUND 15.5", '["10", "0"]', "10.0"],
    ["50.5", "BYFLOAT 5.5 UBOUND 30 SATURATE", '["30", "-20.5"]', "30"],
    ["10", "BYFLOAT 1 UBOUND inf", '["11", "1"]', "11"],
    ["10", "BYFLOAT 1 LBOUND -inf", '["11", "1"]', "11"],
    ["10", "BYFLOAT 1 LBOUND -inf UBOUND -inf", '["10", "0"]', "10"],
    ["0.1", "BYFLOAT 0.2", '["0.3", "0.2"]', "0.3"],
  ])("on %s with %s", async (old, options, reply, after) => {
    expect(await on(old, `INCREX k ${options}`)).toEqual([reply, `"${after}"`]);
  });

  test.each([
    ["0", "BYFLOAT +inf", "-ERR BYFLOAT increment cannot be Infinity"],
    ["inf", "BYFLOAT 1", "-ERR value cannot be Infinity"],
    ["-inf", "BYFLOAT 0 LBOUND -100", "-ERR value cannot be Infinity"],
    ["abc", "BYFLOAT 1", "-ERR value is not a valid float"],
    ["10", "BYFLOAT 1 LBOUND inf UBOUND inf SATURATE", "-ERR applied increment would be Infinity"],
    ["10", "BYFLOAT 1 UBOUND -inf", "-ERR LBOUND can't be greater than UBOUND"],
    ["10", "BYFLOAT 1 LBOUND inf", "-ERR LBOUND can't be greater than UBOUND"],
    ["10", "BYFLOAT nan", "-ERR Increment is not a valid float"],
    ["10", "BYFLOAT 1e99999", "-ERR Increment is not a valid float"],
    ["10", "BYFLOAT 1 UBOUND abc", "-ERR UBOUND is not a valid float"],
    ["10", "BYFLOAT 1 LBOUND abc", "-ERR LBOUND is not a valid float"],
  ])("on %s with %s is an error", async (old, options, error) => {
    expect(await on(old, `INCREX k ${options}`)).toEqual([error, `"${old}"`]);
  });

  test("a sum beyond the range of long doubles counts as outside the bounds", async () => {
    await run("SET k 1e4932");
    const [reply, after] = await run("INCREX k BYFLOAT 1e4932", "GET k");
    expect(reply!.endsWith(', "0"]')).toBe(true);
    expect(after).toBe('"1e4932"');
  });

  test("RESP3 has doubles, with all digits", async () => {
    const three = await RespClient.connect(server.port, 3);
    expect(await three.text("INCREX", "k", "BYFLOAT", "2.5")).toBe("[,2.5, ,2.5]");
    expect(await three.text("INCREX", "k")).toBe("-ERR value is not an integer or out of range");
    expect(await three.text("INCREX", "n", "BYINT", "5")).toBe("[:5, :5]");
    three.close();
  });
});

describe("INCREX and time", () => {
  test("the time stays unless an option changes it", async () => {
    await run("SET k 1 EX 100", "INCREX k");
    expect(dueMs()).toBe(START_MS + 100_000);
    await run("INCREX k PX 7");
    expect(dueMs()).toBe(START_MS + 7);
    await run("INCREX k PERSIST");
    expect(dueMs()).toBe(-1);
    await run("INCREX k EXAT 1700000009 BYFLOAT 1.5");
    expect(dueMs()).toBe(START_MS + 9000);
    await run("INCREX k ENX EX 1 BYFLOAT 1");
    expect(dueMs()).toBe(START_MS + 9000);
    await run("SET k 1", "INCREX k PXAT 1700000000005 ENX");
    expect(dueMs()).toBe(START_MS + 5);
    await run("SET k 1", "INCREX n EX 1 ENX");
    expect(dueMs()).toBe(-1);
  });

  test("a counter of a window begins anew when the window is over", async () => {
    const hit = "INCREX k UBOUND 2 EX 60 ENX";
    expect(await run(hit, hit, hit)).toEqual(["[:1, :1]", "[:2, :1]", "[:2, :0]"]);
    server.engine.clock.advance(60_000);
    expect(await run(hit)).toEqual(["[:1, :1]"]);
  });

  test("a refused increment changes neither value nor time and makes no key", async () => {
    const { changes } = server.engine.keyspace.store;
    expect(await run("INCREX k BYINT 15 UBOUND 10 EX 5", "INCREX k BYFLOAT 5 LBOUND 10")).toEqual([
      "[:0, :0]",
      '["0", "0"]',
    ]);
    expect(dueMs()).toBe(-2);
    expect(server.engine.keyspace.store.changes).toBe(changes);
    await run(
      "SET k 10 EX 500",
      "INCREX k BYINT 5 UBOUND 5 EX 100",
      "INCREX k BYINT 5 UBOUND 5 PERSIST",
    );
    expect(dueMs()).toBe(START_MS + 500_000);
    expect(server.engine.keyspace.store.changes).toBe(changes + 1);
  });

  test("a time that is past deletes the key, unless ENX keeps the time that it has", async () => {
    expect(await run("SET k 10", "INCREX k EXAT 1", "GET k")).toEqual([
      "+OK",
      "[:11, :1]",
      "null bulk",
    ]);
    expect(await run("INCREX k PXAT 1 BYFLOAT 1.5", "GET k")).toEqual([
      '["1.5", "1.5"]',
      "null bulk",
    ]);
    expect(await run("SET k 10 EX 500", "INCREX k EXAT 1 ENX", "GET k")).toEqual([
      "+OK",
      "[:11, :1]",
      '"11"',
    ]);
    expect(await run("SET k abc", "INCREX k EXAT 1", "GET k")).toEqual([
      "+OK",
      "-ERR value is not an integer or out of range",
      '"abc"',
    ]);
  });
});

describe("INCREX refuses", () => {
  test.each([
    ...["FOO", "BYINT 1 FOO", "BYINT", "BYFLOAT", "LBOUND", "EX", "SAT LBOUND 0", "GET", "NX"],
    ...["BYINT 1 BYFLOAT 1.5", "BYFLOAT 1.5 BYINT 1", "BYINT 1 BYINT 2", "BYFLOAT 1 BYFLOAT 2"],
    ...["EX 10 PX 5000", "EX 10 EX 20", "EX 10 PERSIST", "PERSIST EX 10", "PERSIST PERSIST"],
    ...["PERSIST ENX", "ENX PERSIST", "ENX ENX EX 10", "LBOUND 0 LBOUND 1", "UBOUND 9 UBOUND 8"],
    ...["SATURATE SATURATE", "EX 10 KEEPTTL"],
  ])("the syntax of %s", async (options) => {
    expect(await run(`INCREX k ${options}`)).toEqual([SYNTAX]);
  });

  test.each([
    ["ENX", "-ERR ENX flag requires an expiration"],
    ["BYINT 1 ENX", "-ERR ENX flag requires an expiration"],
    ["BYINT abc", "-ERR Increment is not an integer or out of range"],
    ["BYINT 1.5", "-ERR Increment is not an integer or out of range"],
    ["UBOUND 12.5", "-ERR UBOUND is not an integer or out of range"],
    ["LBOUND inf", "-ERR LBOUND is not an integer or out of range"],
    ["LBOUND 10 UBOUND 5", "-ERR LBOUND can't be greater than UBOUND"],
    ["BYFLOAT 0.5 LBOUND 10.5 UBOUND 1.5", "-ERR LBOUND can't be greater than UBOUND"],
    ["EX 0", "-ERR invalid expire time in 'increx' command"],
    ["PX -1", "-ERR invalid expire time in 'increx' command"],
    ["EX x", "-ERR value is not an integer or out of range"],
  ])("%s", async (options, error) => {
    expect(await run(`INCREX k ${options}`, "GET k")).toEqual([error, "null bulk"]);
  });

  test("to run without a key", async () => {
    expect(await run("INCREX")).toEqual(["-ERR wrong number of arguments for 'increx' command"]);
  });
});
