/** MULTI, EXEC and DISCARD: what is queued, what is refused, and what runs. */
import type { RespValue } from "../../support/resp-value.ts";
import { show } from "../../support/resp-value.ts";
import type { Case } from "../case.ts";
import { sameState } from "../client-fields.ts";
import { lines } from "../lines.ts";

export const cases: readonly Case[] = [
  {
    name: "commands are queued and answered together",
    steps: lines(`MULTI; SET a 1; INCR a; GET a; HSET h f v; HGETALL h; LPUSH l 1 2; PING; EXEC
      GET a; MULTI; EXEC; MULTI; GET none; EXEC; DBSIZE`),
  },
  {
    name: "DISCARD forgets what was queued",
    steps: lines("SET a 1; MULTI; SET a 2; DISCARD; GET a; DISCARD; EXEC; MULTI; GET a; EXEC"),
  },
  {
    name: "MULTI can't be nested, and the transaction goes on",
    steps: lines("MULTI; MULTI; SET a 1; EXEC; GET a"),
  },
  {
    name: "an error while running does not stop the others",
    steps: lines("SET a x; MULTI; INCR a; SET b 1; LPOP b; SETRANGE a -1 x; GET b; EXEC; GET b"),
  },
  ...[
    ["an unknown command", "NOSUCH a b"],
    ["an unknown subcommand", "CLIENT NOSUCH"],
    ["too few arguments", "SET a"],
    ["too many arguments", "GET a b"],
    ["SAVE", "SAVE"],
    ["SHUTDOWN", "SHUTDOWN NOSAVE"],
  ].map(([what, line]) => ({
    name: `${what} while queueing makes EXEC run nothing`,
    steps: [
      ...lines(`SET k 1; MULTI; SET k 2; ${line}; SET k 3; EXEC; GET k; EXEC`),
      // DISCARD forgets the error as well.
      ...lines(`MULTI; ${line}; DISCARD; MULTI; GET k; EXEC`),
    ],
  })),
  {
    name: "EXEC, DISCARD and MULTI with arguments",
    steps: lines(`EXEC x; MULTI x; DISCARD x; MULTI; SET a 1; EXEC x; GET a; EXEC
      MULTI; SET a 1; DISCARD x; EXEC; GET a; MULTI; MULTI x; GET a; EXEC`),
  },
  {
    name: "arguments are checked only when the commands run",
    steps: lines("MULTI; SET a 1 XX NX; EXPIRE a x; SELECT 99; SETEX a -1 x; GET a; EXEC"),
  },
  {
    name: "SELECT within a transaction takes effect within it, and stays",
    steps: lines("MULTI; SET a 0; SELECT 3; SET a 3; EXEC; GET a; SELECT 0; GET a; FLUSHALL"),
  },
  {
    name: "commands that wait answer at once",
    steps: lines(`MULTI; BLPOP none 0; BRPOP none 0; BLMOVE none x LEFT LEFT 0; BRPOPLPUSH none x 0
      BLMPOP 0 1 none LEFT; BZPOPMIN none 0; BZPOPMAX none 0; BZMPOP 0 1 none MIN
      XREAD BLOCK 0 STREAMS none $; XREAD BLOCK 0 STREAMS none 0
      BLPOP none x; BLPOP none -1; EXEC
      XGROUP CREATE s g $ MKSTREAM; MULTI; XREADGROUP GROUP g c BLOCK 0 STREAMS s >
      XREADGROUP GROUP g c BLOCK 0 STREAMS s 0; RPUSH l 1 2; BLPOP l 0; BLMOVE l l2 LEFT LEFT 0; EXEC`),
  },
  {
    name: "RESET leaves the transaction",
    steps: lines("MULTI; SET a 1; RESET; EXEC; GET a; MULTI; SET a 2; EXEC; GET a"),
  },
  {
    name: "QUIT within a transaction closes the connection",
    steps: [...lines("MULTI; SET a 1; QUIT"), { run: "GET a", on: "b" }],
  },
  {
    name: "a connection that is closed runs nothing of its transaction",
    steps: [
      { run: "MULTI", on: "b" },
      { run: "SET a 1", on: "b" },
      { run: "QUIT", on: "b" },
      "GET a",
    ],
  },
  {
    name: "HELLO and AUTH are queued",
    steps: lines("MULTI; AUTH x; AUTH default x; PING; EXEC"),
  },
  {
    name: "HELLO within a transaction changes the protocol of what follows",
    compare: "type",
    steps: lines("HGETALL none; MULTI; HELLO 3; HGETALL none; EXEC; HGETALL none"),
  },
  {
    name: "CLIENT REPLY OFF and ON around a transaction",
    steps: [
      { run: "CLIENT REPLY OFF", frames: 0 },
      { run: "MULTI", frames: 0 },
      { run: "SET a 1", frames: 0 },
      { run: "EXEC", frames: 0 },
      "CLIENT REPLY ON",
      "GET a",
      { run: "CLIENT REPLY SKIP", frames: 0 },
      { run: "MULTI", frames: 0 },
      "SET a 2",
      "EXEC",
      "GET a",
    ],
  },
  {
    name: "binary and long arguments",
    steps: [
      "MULTI",
      ["SET", "\x00\r\n$-1", "\xff\x00*3\r\n"],
      ["SET", "long", "x".repeat(100_000)],
      ["STRLEN", "long"],
      ["GET", "\x00\r\n$-1"],
      ["SET", "", ""],
      "EXEC",
      { raw: "MULTI\r\nSET inline 1\r\nGET inline\r\nEXEC\r\n", frames: 4 },
      { raw: 'MULTI\r\nSET "a b" "c\\x00"\r\nEXEC\r\n', frames: 3 },
    ],
  },
  {
    name: "many commands",
    steps: ["MULTI", ...Array.from({ length: 3000 }, (_, i) => `RPUSH l ${i}`), "EXEC", "LLEN l"],
  },
  {
    name: "CLIENT INFO and CLIENT LIST tell of a transaction",
    steps: lines("MULTI; PING; PING; CLIENT INFO; EXEC; CLIENT INFO").map((run) => ({
      run,
      compare: sameState,
    })),
  },
  {
    name: "commands within EXEC are counted like others",
    steps: [
      "CONFIG RESETSTAT",
      ...lines("MULTI; SET a 1; INCRBY a x; GETBIT a x; EXEC; MULTI; GET; EXEC"),
      ...["commandstats", "errorstats"].map((section) => ({
        run: `INFO ${section}`,
        compare: (ours: RespValue, theirs: RespValue) => counts(ours) === counts(theirs),
      })),
    ],
  },
  {
    name: "FLUSHALL, SWAPDB, RENAME and COPY within a transaction",
    steps:
      lines(`SET a 1; SELECT 1; SET b 2; SELECT 0; MULTI; SWAPDB 0 1; GET b; RENAME b c; COPY c d DB 1
      FLUSHDB; DBSIZE; EXEC; MULTI; SET x 1; FLUSHALL; SET y 1; EXEC; KEYS *`),
  },
  {
    name: "scripts within a transaction",
    steps: [
      ...lines(`MULTI; SET a 1; EVAL "return redis.call('INCR', KEYS[1])" 1 a; EVAL "return redis.call('NOSUCH')" 0
        EVAL "return redis.call('MULTI')" 0; EVAL "return redis.call('BLPOP', 'none', 0)" 0; EVALSHA x 0; GET a; EXEC`),
      ...lines(
        `EVAL "return redis.call('EXEC')" 0; EVAL "return redis.call('WATCH', 'a')" 0; GET a`,
      ),
    ],
    compare: "error-class",
  },
  {
    name: "names that JavaScript objects know",
    steps: lines(`MULTI; __proto__ x; EXEC; MULTI; constructor; EXEC
      MULTI; SET __proto__ 1; GET constructor; HSET toString hasOwnProperty 1; EXEC`),
  },
];

function text(value: RespValue): string {
  return "text" in value ? value.text : show(value);
}

/** Counters without times. */
function counts(value: RespValue): string {
  return text(value)
    .split("\r\n")
    .filter((line) => !/config|info|flushall|hello|client|command/.test(line))
    .map((line) => line.replace(/usec\w*=[^,]*,/g, ""))
    .toSorted()
    .join("\n");
}
