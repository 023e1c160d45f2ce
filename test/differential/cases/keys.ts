/** Keys of any type: every command and option, wrong numbers and options, wrong numbers of arguments. */
import type { RespValue } from "../../support/resp-value.ts";
import { lines } from "../lines.ts";
import type { Case } from "../case.ts";

/** What may stand where a database or a count should. */
const NUMBERS: readonly string[] = [
  ...["-9223372036854775809", "-9223372036854775808", "-2147483649", "-2147483648", "-1", "0"],
  ...["15", "16", "2147483647", "2147483648", "9007199254740993", "9223372036854775807"],
  ...["9223372036854775808", "1e3", "nan", "inf", "0x10", '" 1"', '"1 "', "01", "-0", '""', "1.5"],
];

const PATTERNS: readonly string[] = [
  ...["*", "**", "?", "h?llo", "h*llo", "h[ae]llo", "h[^e]llo", "h[a-b]llo", "h[b-a]llo"],
  ...["h[e", "h[^", "h[", "h\\\\", "h\\\\*llo", "\\\\h*", "[\\\\]]*", "*[", "*\\\\", "[]*", "[^]*"],
  ...[
    "*o",
    "*l*",
    "*ll*o*",
    "h*o*",
    "",
    "[a-z]*",
    "[A-Z]*",
    "*[0-9]",
    "?*",
    "*?",
    "h-llo",
    "h[*]llo",
  ],
];
const NAMES: readonly string[] = [
  ...["hello", "hallo", "hbllo", "hllo", "h*llo", "h-llo", "H", "h", "hello1", "a]", "[", "\\\\"],
];

/** Walks of SCAN differ in order and cursor: compared is what a call that looks at everything finds. */
function sameKeys(ours: RespValue, theirs: RespValue): boolean {
  const keys = (reply: RespValue): string | null => {
    if (reply.type !== "array" || reply.items.length !== 2) return null;
    const [cursor, found] = reply.items as [RespValue, RespValue];
    if (cursor.type !== "bulk" || found.type !== "array") return null;
    const names = found.items.map((item) => (item.type === "bulk" ? item.text : "?"));
    return `${cursor.text} ${JSON.stringify(names.toSorted())}`;
  };
  const mine = keys(ours);
  return mine !== null && mine === keys(theirs);
}

export const cases: readonly Case[] = [
  {
    name: "DEL and UNLINK count the keys that there were",
    steps: lines(`
        MSET a 1 b 2 c 3 d 4; DEL a; DEL a; DEL a b nokey b; UNLINK c nokey c; UNLINK nokey
        EXISTS a b c d; DEL; UNLINK; UNLINK d d
      `),
  },
  {
    name: "EXISTS and TOUCH count keys as often as they are named",
    steps: lines(`
        MSET a 1 b 2; EXISTS a; EXISTS a a b nokey; TOUCH a a b nokey; TOUCH nokey; EXISTS
        TOUCH; TYPE a; TYPE nokey; TYPE; TYPE a b
      `),
  },
  {
    name: "RENAME takes value and expiry along and replaces what is there",
    steps: lines(`
        SET a 1; SET b 2 EX 1000; RENAME a b; GET b; TTL b; EXISTS a; RENAME a b
        SET c 3 PXAT 9999999999999; RENAME c d; PEXPIRETIME d; RENAME d d; GET d
        RENAME nokey nokey; RENAME; RENAME a; RENAME a b c
      `),
  },
  {
    name: "RENAMENX renames to free names only",
    steps: lines(`
        MSET a 1 b 2; RENAMENX a b; RENAMENX a c; RENAMENX c c; GET c; RENAMENX a x
        RENAMENX nokey nokey; RENAMENX; RENAMENX a; RENAMENX a b c
      `),
  },
  {
    name: "COPY copies value and expiry, and replaces only if asked to",
    steps: lines(`
        SET a hello EX 1000; COPY a b; GET b; COPY a b; SET a new; COPY a b REPLACE; GET b
        TTL b; COPY nokey b; COPY nokey b REPLACE; COPY a a; COPY a a REPLACE
        COPY nokey nokey; COPY a b DB 0 REPLACE; COPY a a DB 0; COPY a b DB; COPY a b x
        COPY a b REPLACE x; COPY a c replace REPLACE; COPY a b db 0 DB 0 RePlAcE; COPY a
        SET n 12; COPY n m; INCR m; GET n; APPEND b x; GET a; SET x "" EX 100; COPY x y; GET y
        PERSIST y; TTL x
      `),
  },
  {
    name: "COPY between databases finds the copy there",
    steps: lines(`
        SET a 1 EX 1000; COPY a a DB 3; COPY a a DB 3; COPY a b DB 3; COPY nokey a DB 3
        SELECT 3; GET a; TTL a; MGET a b; SET a 2; COPY a a DB 0; COPY a a DB 0 REPLACE
        SELECT 0; GET a; TTL a
      `),
  },
  {
    name: "long values are copied, moved and deleted like short ones",
    steps: [
      ["SET", "long", "x".repeat(3000)],
      ...lines(`
        COPY long copy; SETRANGE copy 0 y; GETRANGE long 0 1; GETRANGE copy 0 1
        RENAME copy other; STRLEN other; MOVE other 4; DEL long; SELECT 4; STRLEN other
      `),
      "UNLINK other",
    ],
  },
  {
    name: "the database of COPY and MOVE is checked before anything else",
    steps: ["SET a 1", "SET b 2"].concat(
      NUMBERS.flatMap((number) => [
        `COPY a c DB ${number}`,
        `MOVE b ${number}`,
        `MOVE nokey ${number}`,
      ]),
    ),
  },
  {
    name: "MOVE takes a key to another database unless it is there",
    steps: lines(`
        SET a 1 EX 1000; MOVE a 5; EXISTS a; MOVE a 5; SET a 2; MOVE a 5; GET a; SELECT 5
        GET a; TTL a; MOVE a 5; MOVE a 0; DEL a; MOVE a 0; SELECT 0; GET a; MOVE; MOVE a
        MOVE a 1 2; MOVE nokey 0
      `),
  },
  {
    name: "RANDOMKEY of one key, and of none",
    steps: lines("RANDOMKEY; SET only 1; RANDOMKEY; PEXPIREAT only 1; RANDOMKEY; RANDOMKEY x"),
  },
  {
    name: "KEYS answers what matches, class by class",
    compare: "unordered",
    steps: [
      ...NAMES.map((name) => `SET "${name}" 1`),
      ...PATTERNS.map((pattern) => `KEYS "${pattern}"`),
      ...lines("KEYS; KEYS a b"),
    ],
  },
  {
    name: "SCAN finds the same keys by pattern, count and type",
    compare: sameKeys,
    steps: [
      ...NAMES.map((name) => ({ run: `SET "${name}" 1`, compare: "exact" as const })),
      "SCAN 0 COUNT 1000",
      ...PATTERNS.map((pattern) => `SCAN 0 COUNT 1000 MATCH "${pattern}"`),
      ...lines(`
        SCAN 0 COUNT 1000 TYPE string; SCAN 0 TYPE STRING COUNT 1000
        SCAN 0 COUNT 1000 TYPE list; SCAN 0 COUNT 1000 TYPE nosuchtype
        SCAN 0 COUNT 1000 TYPE ""; scan 0 count 1000 match h* type string
        SCAN 0 COUNT 1 COUNT 1000; SCAN 0 COUNT 1000 MATCH x MATCH h*
        SCAN 0 COUNT 9223372036854775807; SCAN "" COUNT 1000; SCAN +0 COUNT 1000
        SCAN 00 COUNT 1000; SCAN -0 COUNT 1000
      `),
    ],
  },
  {
    name: "SCAN refuses wrong cursors, counts and options in this order",
    steps: [
      ...lines(
        'x; 1x; " 1"; "1 "; 18446744073709551616; 99999999999999999999999; 1.5; +; -; --1',
      ).map((cursor) => `SCAN ${cursor} COUNT 0`),
      ...NUMBERS.filter((number) => !/^\d+$/.test(number)).map(
        (number) => `SCAN 0 COUNT ${number}`,
      ),
      ...lines(`
        SCAN; SCAN 0 COUNT; SCAN 0 COUNT x; SCAN 0 COUNT 0; SCAN 0 MATCH; SCAN 0 TYPE; SCAN 0 x
        SCAN 0 x y; SCAN 0 COUNT 9223372036854775808; SCAN 0 COUNT 1 x; SCAN 0 MATCH * COUNT 0
        SCAN 0 TYPE list COUNT x; SCAN "\\n1"
      `),
    ],
  },
  {
    name: "cursors of any size are taken, the largest one ends the walk",
    compare: sameKeys,
    steps: ["SCAN 18446744073709551615", "SCAN 9223372036854775807", "SCAN 4294967295", "SCAN -1"],
  },
  {
    name: "OBJECT ENCODING tells integers, short and long strings apart",
    steps: [
      ...lines(`
        SET i 12; OBJECT ENCODING i; SET i 012; OBJECT ENCODING i; SET i -9223372036854775808
        OBJECT ENCODING i; SET i 9223372036854775808; OBJECT ENCODING i
        SET i 20000000000000000000; OBJECT ENCODING i; SET s ""; OBJECT ENCODING s
        SETRANGE s 0 12; OBJECT ENCODING s; INCR s; OBJECT ENCODING s; APPEND s 1
        OBJECT ENCODING s; INCRBYFLOAT s 0.5; OBJECT ENCODING s; APPEND new 12
        OBJECT ENCODING new; COPY s copy; OBJECT ENCODING copy
      `),
      ["SET", "short", "x".repeat(44)],
      "OBJECT ENCODING short",
      ["SET", "long", "x".repeat(45)],
      "OBJECT ENCODING long",
      ["SET", "longer", "x".repeat(5000)],
      ...lines("OBJECT ENCODING longer; OBJECT ENCODING nokey"),
    ],
  },
  {
    name: "OBJECT answers nothing for keys that are not there, and errors for wrong words",
    steps: [
      ...lines(`
        SET a hello; OBJECT FREQ a; OBJECT FREQ nokey; OBJECT REFCOUNT a
        OBJECT REFCOUNT nokey; OBJECT IDLETIME a; OBJECT IDLETIME nokey; OBJECT; OBJECT x
        OBJECT ENCODING; OBJECT ENCODING a b; OBJECT HELP x; OBJECT FREQ; OBJECT IDLETIME
        OBJECT REFCOUNT
      `),
      { run: "OBJECT HELP", compare: "type" as const },
    ],
  },
  {
    name: "MEMORY USAGE measures keys that are there, and checks its options",
    steps: [
      "SET a hello",
      ...["", "SAMPLES 0", "SAMPLES 5", "samples 9223372036854775807", "SAMPLES 1 SAMPLES 2"].map(
        (options) => ({ run: `MEMORY USAGE a ${options}`, compare: "type" as const }),
      ),
      ...lines(`
        MEMORY USAGE nokey; MEMORY USAGE a SAMPLES; MEMORY USAGE a x
        MEMORY USAGE a SAMPLES -1; MEMORY USAGE a SAMPLES x; MEMORY USAGE nokey SAMPLES -1
        MEMORY USAGE nokey x 1; MEMORY; MEMORY x; MEMORY USAGE; MEMORY DOCTOR x
        MEMORY STATS x; MEMORY PURGE; MEMORY PURGE x; MEMORY MALLOC-STATS x; MEMORY HELP x
      `),
      { run: "MEMORY HELP", compare: "type" as const },
      { run: "MEMORY DOCTOR", compare: "type" as const },
      { run: "MEMORY MALLOC-STATS", compare: "type" as const },
      { run: "MEMORY STATS", compare: "type" as const },
    ],
  },
  {
    name: "DEBUG DIGEST and DIGEST-VALUE of strings are redis-server's",
    steps: [
      ...lines(`
        DEBUG DIGEST; SET a 1; DEBUG DIGEST; SET b hello EX 1000; DEBUG DIGEST; SET "" ""
        DEBUG DIGEST; SET "a b\\xff\\r\\n" "\\x00"; DEBUG DIGEST; COPY b b DB 7; DEBUG DIGEST
      `),
      ["SET", "long", "x".repeat(5000)],
      ...lines(`
        DEBUG DIGEST; DEL a; DEBUG DIGEST; DEBUG DIGEST-VALUE a b nokey long b
        debug digest-value; DEBUG DIGEST x; FLUSHALL; DEBUG DIGEST
      `),
    ],
  },
  {
    name: "DEBUG PROTOCOL answers every type",
    steps: lines(`
        string; integer; double; bignum; null; array; set; map; attrib; verbatim; true; false
        STRING; x; ""
      `).map((type) => `DEBUG PROTOCOL ${type}`),
  },
  {
    name: "DEBUG PROTOCOL pushes with RESP2 are refused",
    protocols: [2],
    steps: ["DEBUG PROTOCOL push"],
  },
  {
    name: "DEBUG POPULATE adds keys with their values",
    steps: lines(`
        DEBUG POPULATE 3; MGET key:0 key:1 key:2 key:3; DEBUG POPULATE 2 other; GET other:1
        DEBUG POPULATE 2 cut 3; GET cut:1; DEBUG POPULATE 2 fill 12; GET fill:1
        SET key:3 mine; DEBUG POPULATE 5; GET key:3; DEBUG POPULATE 0; DEBUG POPULATE -1
        DEBUG POPULATE x; DEBUG POPULATE 1 p x; DEBUG POPULATE 1 p -1; DEBUG POPULATE 1 p 1 1
        DEBUG POPULATE; DEBUG DIGEST
      `),
  },
  {
    name: "the other subcommands of DEBUG check what they are given",
    steps: [
      ...lines(`
        DEBUG; DEBUG nosuch; DEBUG SLEEP; DEBUG SLEEP 0; DEBUG SLEEP x; DEBUG SLEEP -1
        DEBUG SLEEP 0.001; DEBUG SLEEP 0 0; DEBUG OBJECT; DEBUG OBJECT nokey; DEBUG OBJECT a b
        DEBUG HTSTATS; DEBUG HTSTATS x; DEBUG HTSTATS 16; DEBUG HTSTATS -1
        DEBUG HTSTATS-KEY nokey; SET a 1; DEBUG HTSTATS-KEY a; DEBUG SET-ACTIVE-EXPIRE
        DEBUG SET-ACTIVE-EXPIRE 1; DEBUG SET-ACTIVE-EXPIRE x; DEBUG SET-ACTIVE-EXPIRE 1
        DEBUG LOG; DEBUG LOG x; DEBUG LOG x y; DEBUG ERROR; DEBUG ERROR "CODE text"
        DEBUG ERROR "a\\r\\nb"; DEBUG ERROR x y; DEBUG DIGEST x; DEBUG PROTOCOL
        DEBUG PROTOCOL x y; DEBUG PAUSE-CRON; DEBUG PAUSE-CRON 0; DEBUG HELP x
      `),
      { run: "DEBUG HELP", compare: "type" as const },
      { run: "DEBUG OBJECT a", compare: "type" as const },
      { run: "DEBUG HTSTATS 0", compare: "type" as const },
    ],
  },
];
