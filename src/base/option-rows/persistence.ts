/** Snapshots and the append-only file. */
import type { OptionRow } from "../options.ts";
import { checkDumpName, checkLogFolder, checkLogName, checkSave } from "./checks.ts";
import {
  FIXED,
  INERT,
  INT64_MAX,
  INT_MAX,
  INT_MIN,
  choice,
  flag,
  integer,
  list,
  memory,
  text,
} from "./make.ts";

const HIDDEN_INERT = { hidden: true, inert: true };

export const persistenceRows: readonly OptionRow[] = [
  list(
    "save",
    "3600 1 300 100 60 10000",
    "snapshot after so many seconds if there were so many changes",
    { check: checkSave },
  ),
  text("dbfilename", "dump.rdb", "name of the snapshot", {
    protected: true,
    check: checkDumpName,
  }),
  flag("rdbcompression", "yes", "compress strings in dumps and snapshots"),
  flag("rdbchecksum", "yes", "end snapshots with a checksum", FIXED),
  flag("rdb-save-incremental-fsync", "yes", "sync snapshots in steps", INERT),
  flag("rdb-del-sync-files", "no", "delete snapshots that were made for replicas", INERT),
  integer(
    "rdb-key-save-delay",
    0,
    [INT_MIN, INT_MAX],
    "for tests: microseconds per saved key",
    HIDDEN_INERT,
  ),
  integer(
    "key-load-delay",
    0,
    [INT_MIN, INT_MAX],
    "for tests: microseconds per loaded key",
    HIDDEN_INERT,
  ),
  integer(
    "loading-process-events-interval-bytes",
    2 * 1024 * 1024,
    [1024, INT_MAX],
    "bytes loaded before clients are looked at",
    HIDDEN_INERT,
  ),
  flag("stop-writes-on-bgsave-error", "yes", "refuse writes after a failed snapshot"),
  choice(
    "sanitize-dump-payload",
    ["no", "yes", "clients"],
    "no",
    "check loaded values in depth",
    INERT,
  ),
  flag("appendonly", "no", "log every write; the program does so unless it is told otherwise"),
  text("appendfilename", "appendonly.aof", "first part of the log's file names", {
    ...FIXED,
    check: checkLogName,
  }),
  text("appenddirname", "appendonlydir", "folder of the log", {
    ...FIXED,
    check: checkLogFolder,
  }),
  choice("appendfsync", ["everysec", "always", "no"], "everysec", "when the log is synced"),
  flag("no-appendfsync-on-rewrite", "no", "do not sync the log while it is rewritten"),
  integer("auto-aof-rewrite-percentage", 100, [0, INT_MAX], "growth at which the log is rewritten"),
  memory(
    "auto-aof-rewrite-min-size",
    64 * 1024 * 1024,
    [0, INT64_MAX],
    "size below which it is not",
  ),
  flag("aof-load-truncated", "yes", "load a log whose end is cut off"),
  flag("aof-use-rdb-preamble", "yes", "a rewritten log begins with a snapshot, else with commands"),
  flag("aof-timestamp-enabled", "no", "write times into the log"),
  flag("aof-rewrite-incremental-fsync", "yes", "sync a rewritten log in steps", INERT),
  flag("aof-disable-auto-gc", "no", "keep files that the log needs no more", { hidden: true }),
];
