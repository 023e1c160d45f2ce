/** The time at which keys expire: every command, condition and edge of its numbers. */
import { lines } from "../lines.ts";
import type { Case, Step } from "../case.ts";

/** What may stand where a time should. */
const TIMES: readonly string[] = [
  ...["-9223372036854775809", "-9223372036854775808", "-9223372036854775807", "-9223372036854776"],
  ...["-9223372036854775", "-9007199254740993", "-2147483649", "-1", "0", "1", "2147483647"],
  ...["9007199254740991", "9007199254740992", "9007199254740993", "9223372036854774"],
  ...["9223372036854775", "9223372036854776", "9223372036854775806", "9223372036854775807"],
  ...["9223372036854775808", "18446744073709551615", "1e3", "nan", "inf", "0x10", '" 1"', '"1 "'],
  ...["01", "-0", '""', "1.5", "x"],
];
const FAR = "9999999999999";
const SETTERS: readonly string[] = ["EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"];

/** Every subset of the conditions, in two orders. */
const CONDITIONS: readonly string[] = Array.from({ length: 16 }, (_, bits) =>
  ["NX", "XX", "GT", "LT"].filter((_word, bit) => bits & (1 << bit)),
).flatMap((words) => [words.join(" "), words.toReversed().join(" ").toLowerCase()]);

/** A key's expiry from every side. */
const LOOK = "TTL k; PTTL k; EXPIRETIME k; PEXPIRETIME k";

/** Steps in which what depends on the time of the run is compared as such. */
function timed(text: string): Step[] {
  return lines(text).map((run) => {
    if (/^(TTL|EXPIRETIME) /.test(run)) return { run, compare: { near: 1 } };
    return /^(PTTL|PEXPIRETIME) /.test(run) ? { run, compare: { near: 200 } } : run;
  });
}

export const cases: readonly Case[] = [
  ...SETTERS.map((setter): Case => ({
    name: `${setter} with every edge of the time`,
    // Times relative to now differ by what the two servers take them for; the data would, too.
    data: false,
    steps: TIMES.flatMap((time) =>
      timed(`SET k v; ${setter} k ${time}; ${LOOK}; EXISTS k; ${setter} nokey ${time}`),
    ),
  })),
  {
    name: "absolute times beyond 2^53 are kept exactly",
    steps: lines(
      "9007199254740993; 9223372036854775807; 9223372036854775806; 4611686018427387905",
    ).flatMap((time) =>
      lines(`
          SET k v; PEXPIREAT k ${time}; PEXPIRETIME k; EXPIRETIME k; APPEND k more; PEXPIRETIME k
          RENAME k moved; PEXPIRETIME moved; COPY moved k REPLACE; PEXPIRETIME k; PERSIST moved
          PEXPIREAT k ${time} GT; PEXPIREAT k ${time} LT; PEXPIREAT k ${time} XX; PERSIST k
          PEXPIRETIME k; DEL moved
        `),
    ),
  },
  {
    name: "what is left until a time beyond 2^53 has all its digits",
    // Of a number of that size, two readings a moment apart are told from rounded ones by their last digits alone.
    compare: { near: 4096 },
    steps: lines(`
      SET k v; PEXPIREAT k 9007199254740993; PTTL k; TTL k; PEXPIREAT k 9223372036854775807
      PTTL k; TTL k
    `),
  },
  ...SETTERS.map((setter): Case => ({
    name: `${setter} with every set of conditions, on keys with and without a time`,
    data: false,
    steps: CONDITIONS.flatMap((conditions) => {
      const time = setter.endsWith("AT") ? (setter === "EXPIREAT" ? "9999999999" : FAR) : "10000";
      const earlier = time.replace(/.$/, "");
      return timed(`
        SET k v; ${setter} k ${time} ${conditions}; ${LOOK}; ${setter} k ${time} ${conditions}
        ${setter} k ${time}9 ${conditions}; ${LOOK}; SET k v EX 500
        ${setter} k ${earlier} ${conditions}; ${LOOK}; ${setter} nokey ${time} ${conditions}
      `);
    }),
  })),
  {
    name: "a time that is past deletes the key unless a condition forbids it",
    steps: lines(`
        SET k v; EXPIRE k -1 XX; EXISTS k; EXPIRE k -1 GT; EXISTS k; EXPIRE k -1 NX; EXISTS k
        SET k v EX 100; EXPIRE k 0 NX; EXISTS k; EXPIRE k 0 GT; EXISTS k; EXPIRE k 0 LT
        EXISTS k; SET k v; EXPIREAT k 1 LT; EXISTS k; SET k v; PEXPIREAT k 0; EXISTS k; TTL k
        SET k v; PEXPIREAT k -9223372036854775808; EXISTS k; DBSIZE
      `),
  },
  {
    name: "options are checked before the time, the time before the key",
    steps: SETTERS.flatMap((setter) =>
      lines(`
        ${setter}; ${setter} k; ${setter} k x bad; ${setter} k x NX XX; ${setter} k 1 NX bad
        ${setter} nokey x; ${setter} nokey 10 GT LT; ${setter} nokey 10 NX GT LT
        ${setter} nokey 10 bad NX; ${setter} nokey 10 nx NX; ${setter} nokey 10 ""
        ${setter} nokey 9223372036854775807; ${setter} nokey 9223372036854775807 bad
        ${setter} k 1 "a\\x00b"; ${setter} k 1 "a\\r\\nb\\r\\n"; ${setter} k 1 "\\r\\n"; ${setter} k 1 "\\xff\\xfe"
      `),
    ),
  },
  {
    name: "keys without a time, keys that are not there, wrong numbers of arguments",
    steps: lines("TTL; PTTL; EXPIRETIME; PEXPIRETIME; PERSIST").flatMap((getter) =>
      lines(`
        ${getter} nokey; SET k v; ${getter} k; ${getter}; ${getter} k k; SET n 5; ${getter} n
      `),
    ),
  },
  {
    name: "PERSIST takes a time away once",
    steps: lines(`
        SET k v EX 100; PERSIST k; TTL k; PERSIST k; GET k; SET n 12 PXAT 9999999999999
        PERSIST n; GET n; INCR n; TTL n; PERSIST nokey
      `),
  },
  {
    name: "what changes a value keeps its time, what sets it takes it away",
    steps: lines(`
        SET k 1 PXAT 9999999999999; INCR k; PEXPIRETIME k; APPEND k x; PEXPIRETIME k
        SETRANGE k 100 y; PEXPIRETIME k; SET k 2 KEEPTTL; PEXPIRETIME k; SET k 3
        PEXPIRETIME k; EXPIREAT k 9999999999; GETSET k 4; TTL k; EXPIREAT k 9999999999
        PEXPIRETIME k; EXPIREAT k 9999999998; EXPIRETIME k; GETDEL k; EXPIRETIME k
      `),
  },
  {
    name: "seconds are rounded to the nearest",
    steps: ["1499", "1500", "1501", "999", "500", "499"].flatMap((end) =>
      lines(`
        SET k v; PEXPIREAT k 999999999${end}; EXPIRETIME k; PEXPIRETIME k
      `),
    ),
  },
];
