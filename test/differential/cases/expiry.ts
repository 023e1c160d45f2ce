/** The time at which keys expire: every command, condition and edge of its numbers. */
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
const NEAR = { near: 200 };
const NEAR_SECONDS = { near: 1 };

/** Like NEAR, for numbers that a double does not hold: all digits but the last few. */
const NEAR_BIG = { near: 2048 };

const SETTERS: readonly string[] = ["EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"];

/** Every subset of the conditions, in two orders. */
const CONDITIONS: readonly string[] = Array.from({ length: 16 }, (_, bits) =>
  ["NX", "XX", "GT", "LT"].filter((_word, bit) => bits & (1 << bit)),
).flatMap((words) => [words.join(" "), words.toReversed().join(" ").toLowerCase()]);

/** What a key's expiry looks like from every side. */
function looks(key: string): Step[] {
  return [
    { run: `TTL ${key}`, compare: NEAR_SECONDS },
    { run: `PTTL ${key}`, compare: NEAR },
    { run: `EXPIRETIME ${key}`, compare: NEAR_SECONDS },
    { run: `PEXPIRETIME ${key}`, compare: NEAR },
  ];
}

export const cases: readonly Case[] = [
  ...SETTERS.map((setter): Case => ({
    name: `${setter} with every edge of the time`,
    // Times relative to now are compared by how they look; data would differ by a millisecond.
    data: false,
    steps: TIMES.flatMap((time): Step[] => [
      "SET k v",
      `${setter} k ${time}`,
      ...looks("k"),
      "EXISTS k",
      `${setter} nokey ${time}`,
    ]),
  })),
  {
    name: "absolute times beyond 2^53 are kept exactly",
    steps: [
      "9007199254740993",
      "9223372036854775807",
      "9223372036854775806",
      "4611686018427387905",
    ].flatMap((time): Step[] => [
      ...["SET k v", `PEXPIREAT k ${time}`, "PEXPIRETIME k", "EXPIRETIME k", "APPEND k more"],
      ...["PEXPIRETIME k", "RENAME k moved", "PEXPIRETIME moved", "COPY moved k REPLACE"],
      ...[
        "PEXPIRETIME k",
        { run: "PTTL k", compare: NEAR_BIG },
        { run: "TTL k", compare: NEAR_BIG },
      ],
      ...[
        `PEXPIREAT k ${time} GT`,
        `PEXPIREAT k ${time} LT`,
        `PEXPIREAT k ${time} XX`,
        "PERSIST k",
      ],
      ...["PEXPIRETIME k", "DEL moved"],
    ]),
  },
  ...SETTERS.map((setter): Case => ({
    name: `${setter} with every set of conditions, on keys with and without a time`,
    data: false,
    steps: CONDITIONS.flatMap((conditions): Step[] => {
      const time = setter.endsWith("AT") ? (setter === "EXPIREAT" ? "9999999999" : FAR) : "10000";
      const earlier = time.replace(/.$/, "");
      return [
        ...["SET k v", `${setter} k ${time} ${conditions}`, ...looks("k")],
        ...[
          `${setter} k ${time} ${conditions}`,
          `${setter} k ${time}9 ${conditions}`,
          ...looks("k"),
        ],
        ...["SET k v EX 500", `${setter} k ${earlier} ${conditions}`, ...looks("k")],
        `${setter} nokey ${time} ${conditions}`,
      ];
    }),
  })),
  {
    name: "a time that is past deletes the key unless a condition forbids it",
    steps: [
      ...[
        "SET k v",
        "EXPIRE k -1 XX",
        "EXISTS k",
        "EXPIRE k -1 GT",
        "EXISTS k",
        "EXPIRE k -1 NX",
        "EXISTS k",
      ],
      ...[
        "SET k v EX 100",
        "EXPIRE k 0 NX",
        "EXISTS k",
        "EXPIRE k 0 GT",
        "EXISTS k",
        "EXPIRE k 0 LT",
        "EXISTS k",
      ],
      ...[
        "SET k v",
        "EXPIREAT k 1 LT",
        "EXISTS k",
        "SET k v",
        "PEXPIREAT k 0",
        "EXISTS k",
        "TTL k",
      ],
      ...["SET k v", "PEXPIREAT k -9223372036854775808", "EXISTS k", "DBSIZE"],
    ],
  },
  {
    name: "options are checked before the time, the time before the key",
    steps: SETTERS.flatMap((setter): Step[] => [
      ...[
        setter,
        `${setter} k`,
        `${setter} k x bad`,
        `${setter} k x NX XX`,
        `${setter} k 1 NX bad`,
      ],
      ...[`${setter} nokey x`, `${setter} nokey 10 GT LT`, `${setter} nokey 10 NX GT LT`],
      ...[`${setter} nokey 10 bad NX`, `${setter} nokey 10 nx NX`, `${setter} nokey 10 ""`],
      ...[`${setter} nokey 9223372036854775807`, `${setter} nokey 9223372036854775807 bad`],
    ]),
  },
  {
    name: "keys without a time, keys that are not there, wrong numbers of arguments",
    steps: ["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "PERSIST"].flatMap((getter): Step[] => [
      ...[
        `${getter} nokey`,
        "SET k v",
        `${getter} k`,
        getter,
        `${getter} k k`,
        "SET n 5",
        `${getter} n`,
      ],
    ]),
  },
  {
    name: "PERSIST takes a time away once",
    steps: [
      ...[
        "SET k v EX 100",
        "PERSIST k",
        "TTL k",
        "PERSIST k",
        "GET k",
        "SET n 12 PXAT 9999999999999",
      ],
      ...["PERSIST n", "GET n", "INCR n", "TTL n", "PERSIST nokey"],
    ],
  },
  {
    name: "what changes a value keeps its time, what sets it takes it away",
    steps: [
      ...["SET k 1 PXAT 9999999999999", "INCR k", "PEXPIRETIME k", "APPEND k x", "PEXPIRETIME k"],
      ...["SETRANGE k 100 y", "PEXPIRETIME k", "SET k 2 KEEPTTL", "PEXPIRETIME k", "SET k 3"],
      ...["PEXPIRETIME k", "EXPIREAT k 9999999999", "GETSET k 4", "TTL k", "EXPIREAT k 9999999999"],
      ...["PEXPIRETIME k", "EXPIREAT k 9999999998", "EXPIRETIME k", "GETDEL k", "EXPIRETIME k"],
    ],
  },
  {
    name: "seconds are rounded to the nearest",
    steps: ["1499", "1500", "1501", "999", "500", "499"].flatMap((end) => [
      ...["SET k v", `PEXPIREAT k 999999999${end}`, "EXPIRETIME k", "PEXPIRETIME k"],
    ]),
  },
];
