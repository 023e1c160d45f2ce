/** HGETEX and HSETEX, which redis-server 7.0 lacks: replies and errors are those of Redis 8.0 (t_hash.c). */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { FrozenEngine } from "../support/frozen-engine.ts";

const NOW_S = 1.8e9;
const TIME_MAX = 2 ** 46 - 1;
const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const NOT_AN_INTEGER = "-ERR value is not an integer or out of range";

let at: FrozenEngine;

beforeEach(() => {
  at = new FrozenEngine();
});
afterEach(() => at.release());

describe("HGETEX", () => {
  beforeEach(() => {
    at.run("HSET h a 1 b 2 c 3");
  });

  test("returns values and sets, or takes away, their time", () => {
    expect(at.run("HGETEX h FIELDS 2 a x")).toBe("[1 nil]");
    expect(at.run("HTTL h FIELDS 1 a")).toBe("[-1]");
    expect(at.run("HGETEX h EX 10 FIELDS 2 a x")).toBe("[1 nil]");
    expect(at.run("HGETEX h px 1500 FIELDS 1 b")).toBe("[2]");
    expect(at.run("HPTTL h FIELDS 3 a b c")).toBe("[10000 1500 -1]");
    expect(at.run("HGETEX h FIELDS 2 a b")).toBe("[1 2]");
    expect(at.run("HPTTL h FIELDS 2 a b")).toBe("[10000 1500]");
    expect(at.run(`HGETEX h EXAT ${NOW_S + 3} FIELDS 1 a`)).toBe("[1]");
    expect(at.run(`HGETEX h PXAT ${NOW_S * 1000 + 4} FIELDS 1 b`)).toBe("[2]");
    expect(at.run("HPTTL h FIELDS 2 a b")).toBe("[3000 4]");
    expect(at.run("HGETEX h PERSIST FIELDS 3 a b c")).toBe("[1 2 3]");
    expect(at.run("HTTL h FIELDS 3 a b c")).toBe("[-1 -1 -1]");
    expect(at.run("OBJECT ENCODING h")).toBe("listpack");
  });

  test("removes fields whose time is past, and the key with the last", () => {
    const { store } = at.engine.keyspace;
    const { changes } = store;
    expect(at.run("HGETEX h EX 0 FIELDS 2 a a")).toBe("[1 nil]");
    expect(at.run("HGETEX h PXAT 1 FIELDS 2 b c")).toBe("[2 3]");
    expect(at.run("EXISTS h")).toBe("0");
    expect(store.changes).toBe(changes + 3);
    expect(at.run("HGETEX h EX 10 FIELDS 2 a b")).toBe("[nil nil]");
  });

  test("refuses wrong arguments", () => {
    at.run("SET s v");
    expect(at.run("HGETEX s EX x FIELDS 1 a")).toBe(WRONG_TYPE);
    expect(at.run("HGETEX h EX x FIELDS 1 a")).toBe(NOT_AN_INTEGER);
    expect(at.run("HGETEX h EX -1 FIELDS 1 a")).toBe("-ERR invalid expire time, must be >= 0");
    const invalid = "-ERR invalid expire time in 'hgetex' command";
    expect(at.run(`HGETEX h PXAT ${TIME_MAX + 1} FIELDS 1 a`)).toBe(invalid);
    expect(at.run(`HGETEX h EX ${TIME_MAX} FIELDS 1 a`)).toBe(invalid);
    const missing = "-ERR Mandatory argument FIELDS is missing or not at the right position";
    expect(at.run("HGETEX h FOO FIELDS 1 a")).toBe(missing);
    expect(at.run("HGETEX h PERSIST EX 10 FIELDS 1 a")).toBe(missing);
    expect(at.run("HGETEX h EX 10 PERSIST FIELDS 1 a")).toBe(missing);
    const arity = "-ERR wrong number of arguments for 'hgetex' command";
    expect(at.run("HGETEX h EX 10 FIELDS")).toBe(arity);
    expect(at.run("HGETEX h FIELDS 1")).toBe(arity);
    const positive = "-ERR Number of fields must be a positive integer";
    expect(at.run("HGETEX h FIELDS 0 a")).toBe(positive);
    expect(at.run("HGETEX h FIELDS x a")).toBe(positive);
    const match = "-ERR The `numfields` parameter must match the number of arguments";
    expect(at.run("HGETEX h FIELDS 2 a")).toBe(match);
    expect(at.run("HGETEX h EX 10 FIELDS 1 a b")).toBe(match);
    expect(at.run("HTTL h FIELDS 3 a b c")).toBe("[-1 -1 -1]");
  });
});

describe("HSETEX", () => {
  test("sets fields and their time", () => {
    expect(at.run("HSETEX h EX 10 FIELDS 2 a 1 b 2")).toBe("1");
    expect(at.run("HGETALL h")).toBe("[a 1 b 2]");
    expect(at.run("HTTL h FIELDS 2 a b")).toBe("[10 10]");
    expect(at.run("HSETEX h FIELDS 1 a 5")).toBe("1");
    expect(at.run("HSETEX h KEEPTTL FIELDS 2 b 6 c 7")).toBe("1");
    expect(at.run("HTTL h FIELDS 3 a b c")).toBe("[-1 10 -1]");
    expect(at.run(`HSETEX h PXAT ${NOW_S * 1000 + 7} fields 1 a 1`)).toBe("1");
    expect(at.run("HPTTL h FIELDS 1 a")).toBe("[7]");
    expect(at.run("HGETALL h")).toBe("[a 1 b 6 c 7]");
    const long = "x".repeat(100);
    expect(at.run(`HSETEX h PX 70 FIELDS 1 ${long} ${long}`)).toBe("1");
    expect(at.run("OBJECT ENCODING h")).toBe("hashtable");
    expect(at.run(`HPTTL h FIELDS 3 a b ${long}`)).toBe("[7 10000 70]");
  });

  test("takes conditions on all fields: FNX, FXX", () => {
    expect(at.run("HSETEX h FXX EX 10 FIELDS 1 a 1")).toBe("0");
    expect(at.run("EXISTS h")).toBe("0");
    expect(at.run("HSETEX h FNX FIELDS 2 a 1 b 2")).toBe("1");
    expect(at.run("HSETEX h FNX FIELDS 2 b 3 c 4")).toBe("0");
    expect(at.run("HSETEX h FXX FIELDS 2 b 3 c 4")).toBe("0");
    expect(at.run("HGETALL h")).toBe("[a 1 b 2]");
    expect(at.run("HSETEX h PX 100 FXX FIELDS 2 a 3 b 4")).toBe("1");
    expect(at.run("HPTTL h FIELDS 2 a b")).toBe("[100 100]");
    at.advance(100);
    expect(at.run("HSETEX h FXX FIELDS 1 a 3")).toBe("0");
    expect(at.run("HSETEX h FNX FIELDS 1 a 3")).toBe("1");
  });

  test("with a time that is past leaves nothing behind", () => {
    const { store } = at.engine.keyspace;
    expect(at.run("HSETEX h EX 0 FIELDS 2 a 1 b 2")).toBe("1");
    expect(at.run("EXISTS h")).toBe("0");
    at.run("HSET h a 1 c 3");
    const { changes } = store;
    expect(at.run("HSETEX h PXAT 1 FIELDS 2 a 1 b 2")).toBe("1");
    expect(at.run("HGETALL h")).toBe("[c 3]");
    expect(store.changes).toBe(changes + 2);
    expect(at.run("HSETEX h PXAT 1 FIELDS 1 c 2")).toBe("1");
    expect(at.run("EXISTS h")).toBe("0");
  });

  test("refuses wrong arguments", () => {
    at.run("SET s v");
    const arity = "-ERR wrong number of arguments for 'hsetex' command";
    expect(at.run("HSETEX s FIELDS 1 a 1")).toBe(WRONG_TYPE);
    expect(at.run("HSETEX s FIELDS 2 a 1")).toBe(arity);
    expect(at.run("HSETEX h FIELDS 1 a")).toBe(arity);
    expect(at.run("HSETEX h FIELDS 1 a 1 b")).toBe(arity);
    expect(at.run("HSETEX h FIELDS 1 a 1 b 2")).toBe(arity);
    expect(at.run("HSETEX h EX 10 FNX FIELDS")).toBe(arity);
    expect(at.run("HSETEX h FNX EX 10 FIELDS 1 a")).toBe(arity);
    for (const number of ["0", "-1", "x", "2147483648"]) {
      expect(at.run(`HSETEX h FIELDS ${number} a 1`)).toBe("-ERR invalid number of fields");
    }
    expect(at.run("HSETEX h FOO FIELDS 1 a 1")).toBe("-ERR unknown argument: FOO");
    expect(at.run("HSETEX h NX FIELDS 1 a 1")).toBe("-ERR unknown argument: NX");
    const one = "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified";
    expect(at.run("HSETEX h EX 10 PX 10 FIELDS 1 a 1")).toBe(one);
    expect(at.run("HSETEX h EX 10 EX 10 FIELDS 1 a 1")).toBe(one);
    expect(at.run("HSETEX h KEEPTTL EX 10 FIELDS 1 a 1")).toBe(one);
    const condition = "-ERR Only one of FXX or FNX arguments can be specified";
    expect(at.run("HSETEX h FNX FXX FIELDS 1 a 1")).toBe(condition);
    expect(at.run("HSETEX h FNX FNX FIELDS 1 a 1")).toBe(condition);
    expect(at.run("HSETEX h FNX KEEPTTL FXX PX")).toBe(condition);
    expect(at.run("HSETEX h FNX x y EX")).toBe("-ERR unknown argument: x");
    expect(at.run("HSETEX h FNX PX 1 EX")).toBe(one);
    expect(at.run("HSETEX h EX x FIELDS 1 a 1")).toBe(NOT_AN_INTEGER);
    expect(at.run("HSETEX h PX -5 FIELDS 1 a 1")).toBe("-ERR invalid expire time, must be >= 0");
    expect(at.run(`HSETEX h PXAT ${TIME_MAX + 1} FIELDS 1 a 1`)).toBe(
      "-ERR invalid expire time in 'hsetex' command",
    );
    expect(at.run("EXISTS h")).toBe("0");
  });
});
