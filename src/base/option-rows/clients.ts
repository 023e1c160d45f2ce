/** What clients may use, and who may do what. */
import type { OptionRow } from "../options.ts";
import { checkOutputLimit } from "./checks.ts";
import {
  INERT,
  INT64_MAX,
  FIXED,
  UINT_MAX,
  choice,
  flag,
  integer,
  list,
  memory,
  text,
} from "./make.ts";

const MIB = 1024 * 1024;
const WHO = ["no", "yes", "local"] as const;

/** Unlike in Redis, a normal client that does not read its replies has a limit too. */
const OUTPUT_LIMITS =
  "normal 268435456 67108864 60 slave 268435456 67108864 60 pubsub 33554432 8388608 60";

export const clientRows: readonly OptionRow[] = [
  integer("maxclients", 10000, [1, UINT_MAX], "connected clients"),
  memory("proto-max-bulk-len", 512 * MIB, [MIB, INT64_MAX], "longest argument of a command"),
  memory(
    "client-query-buffer-limit",
    1024 * MIB,
    [MIB, INT64_MAX],
    "bytes of unfinished commands a client may have",
  ),
  list(
    "client-output-buffer-limit",
    OUTPUT_LIMITS,
    "unread replies a client may have: class, hard limit, soft limit, seconds",
    {
      check: checkOutputLimit,
    },
  ),
  memory(
    "maxmemory-clients",
    "5%",
    [0, INT64_MAX],
    "bytes all clients may use together, or a percentage of maxmemory",
    { percent: true },
  ),
  integer(
    "tracking-table-max-keys",
    1000000,
    [0, INT64_MAX],
    "keys remembered for client-side caches, 0 for all",
  ),
  text("requirepass", "", "password of the default user", { sensitive: true }),
  text("aclfile", "", "file of users", FIXED),
  integer("acllog-max-len", 128, [0, INT64_MAX], "entries of the log of refusals"),
  choice(
    "acl-pubsub-default",
    ["allchannels", "resetchannels"],
    "resetchannels",
    "channels a new user may use",
  ),
  choice("enable-debug-command", WHO, "no", "who may use DEBUG", FIXED),
  choice("enable-module-command", WHO, "no", "who may use MODULE", { ...FIXED, inert: true }),
  choice("enable-protected-configs", WHO, "no", "who may change protected options", FIXED),
  flag("hide-user-data-from-log", "no", "keep keys and values out of the log", INERT),
  flag("latency-tracking", "yes", "measure the latency of each command"),
];
