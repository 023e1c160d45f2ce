/** Commands about the server: FLUSHALL, SWAPDB, INFO and the like. */
import type { RespValue } from "../../support/resp-value.ts";
import type { Case } from "../case.ts";

/** Fields of redis-server's INFO that have no meaning here, since what they are about does not exist. */
const NOT_OURS =
  /^(?:redis_build_id|atomicvar_api|gcc_version|current_|used_memory_(?:lua|vm)|mem_clients|rdb_last_cow|aof_(?:last_cow|rewrites_consec)|module_fork|active_defrag|total_active_defrag|reply_buffer)/;

/** Ours has the sections of theirs, in the same order, and in each the fields that have a meaning here, in the same order. */
function sameInfo(ours: RespValue, theirs: RespValue): boolean {
  if (ours.type !== theirs.type) return false;
  const [a, b] = [ours, theirs].map((value) =>
    value.type === "bulk" || value.type === "verbatim" ? value.text : "",
  );
  const theirNames = namesOf(b!).filter((name) => !NOT_OURS.test(name));
  const known = new Set(theirNames);
  const ourNames = namesOf(a!).filter((name) => known.has(name));
  return ourNames.join() === theirNames.join();
}

function namesOf(text: string): string[] {
  return text
    .split("\r\n")
    .filter((line) => line !== "")
    .map((line) => (line.startsWith("#") ? line : line.split(":")[0]!));
}

export const cases: readonly Case[] = [
  {
    name: "DEBUG's switches of lists, hash tables and histories answer as redis-server does",
    steps: [
      "DEBUG QUICKLIST-PACKED-THRESHOLD 1",
      "DEBUG QUICKLIST-PACKED-THRESHOLD 200b",
      "DEBUG QUICKLIST-PACKED-THRESHOLD 4293918720",
      "DEBUG QUICKLIST-PACKED-THRESHOLD 4293918721",
      "DEBUG QUICKLIST-PACKED-THRESHOLD 4gb",
      "DEBUG QUICKLIST-PACKED-THRESHOLD abc",
      "DEBUG QUICKLIST-PACKED-THRESHOLD -1",
      "DEBUG QUICKLIST-PACKED-THRESHOLD",
      "DEBUG QUICKLIST-PACKED-THRESHOLD 0",
      "SET s 1",
      "HSET h f 1",
      "DEBUG LISTPACK none",
      "DEBUG LISTPACK s",
      "DEBUG LISTPACK h",
      "DEBUG HTSTATS-KEY none",
      "DEBUG HTSTATS-KEY s",
      "DEBUG HTSTATS-KEY h",
      "DEBUG CHANGE-REPL-ID",
      "DEBUG CHANGE-REPL-ID x",
    ],
  },
  {
    name: "DBSIZE counts the keys of one database",
    steps: [
      "DBSIZE",
      "SET a 1",
      "SET b 1",
      "DBSIZE",
      "SELECT 1",
      "DBSIZE",
      "SET a 1",
      "DBSIZE",
      "DBSIZE x",
    ],
  },
  {
    name: "FLUSHDB and FLUSHALL",
    steps: [
      "SET a 1",
      "SELECT 1",
      "SET a 1",
      "FLUSHDB x",
      "FLUSHDB ASYNC SYNC",
      "DBSIZE",
      "FLUSHDB ASYNC",
      "DBSIZE",
      "SET b 1",
      "SELECT 0",
      "DBSIZE",
      "FLUSHALL x",
      "FLUSHALL sync x",
      "DBSIZE",
      "FLUSHALL sync",
      "DBSIZE",
      "SELECT 1",
      "DBSIZE",
      "FLUSHDB",
      "FLUSHALL",
    ],
  },
  {
    name: "SWAPDB",
    steps: [
      "SET a 0 EX 100",
      "SELECT 3",
      "SET a 3",
      { run: "SELECT 0", on: "b" },
      "SWAPDB 0 3",
      "GET a",
      { run: "GET a", on: "b" },
      { run: "TTL a", compare: { near: 1 } },
      "SWAPDB 3 3",
      "SWAPDB x 1",
      "SWAPDB 1 x",
      "SWAPDB x x",
      "SWAPDB 1 16",
      "SWAPDB -1 0",
      "SWAPDB 99999999999 0",
      "SWAPDB 0 99999999999",
      "SWAPDB 0",
      "SWAPDB 0 1 2",
    ],
  },
  {
    name: "TIME",
    compare: "type",
    steps: ["TIME", { run: "TIME x", compare: "exact" }],
  },
  {
    name: "SHUTDOWN, its errors",
    steps: [
      "SHUTDOWN x",
      "SHUTDOWN NOSAVE SAVE",
      "SHUTDOWN SAVE NOSAVE",
      "SHUTDOWN ABORT",
      "SHUTDOWN ABORT NOW",
      "SHUTDOWN NOW ABORT",
      "SHUTDOWN ABORT ABORT",
      "SHUTDOWN SAVE x",
    ],
  },
  {
    name: "LOLWUT",
    compare: "type",
    steps: [
      "LOLWUT",
      "LOLWUT VERSION 5",
      "LOLWUT VERSION",
      "LOLWUT x",
      { run: "LOLWUT VERSION x", compare: "exact" },
      { run: "LOLWUT VERSION 5 x", compare: "exact" },
      { run: "LOLWUT VERSION 5 1 x", compare: "exact" },
    ],
  },
  {
    name: "INFO has redis-server's sections and fields in its order",
    compare: sameInfo,
    steps: [
      // Codes of errors that others have answered are fields too.
      "CONFIG RESETSTAT",
      "SET k v EX 100",
      "INFO",
      "INFO default",
      "INFO server",
      "INFO SERVER clients",
      "INFO stats server",
      "INFO keyspace",
      "INFO cpu modules",
      "INFO cluster nothing",
      { run: "INFO nothing", compare: "exact" },
      { run: "INFO cluster", compare: "exact" },
      { run: "INFO modules", compare: "exact" },
      { run: "INFO keyspace", compare: sameInfo },
    ],
  },
];
