/** Memory: its limit, what happens at it, expiry and housekeeping. */
import type { OptionRow } from "../options.ts";
import { checkHz } from "./checks.ts";
import { INERT, INT64_MAX, INT_MAX, UINT64_MAX, choice, flag, integer, memory } from "./make.ts";

const POLICIES = [
  "volatile-lru",
  "volatile-lfu",
  "volatile-random",
  "volatile-ttl",
  "allkeys-lru",
  "allkeys-lfu",
  "allkeys-random",
  "noeviction",
];

export const memoryRows: readonly OptionRow[] = [
  memory("maxmemory", 0, [0, UINT64_MAX], "bytes that data and clients may use; 0 is no limit"),
  choice("maxmemory-policy", POLICIES, "noeviction", "which keys go when memory is full"),
  integer("maxmemory-samples", 5, [1, INT_MAX], "keys looked at to find one to evict"),
  integer("maxmemory-eviction-tenacity", 10, [0, 100], "how long eviction may take in a turn"),
  integer("lfu-log-factor", 10, [0, INT_MAX], "how slowly the counter of uses grows"),
  integer("lfu-decay-time", 1, [0, INT_MAX], "minutes in which the counter of uses loses one"),
  integer("hz", 10, [0, INT_MAX], "housekeeping beats a second", { check: checkHz }),
  flag("dynamic-hz", "yes", "more housekeeping with more clients", INERT),
  integer("active-expire-effort", 1, [1, 10], "how eagerly expired keys are looked for", INERT),
  flag("activerehashing", "yes", "resize the main table between commands", INERT),
  flag("lazyfree-lazy-eviction", "no", "the log unlinks evicted keys, and does not delete them"),
  flag("lazyfree-lazy-expire", "no", "free expired keys in the background", INERT),
  flag("lazyfree-lazy-server-del", "no", "free overwritten values in the background", INERT),
  flag("lazyfree-lazy-user-del", "no", "DEL frees in the background", INERT),
  flag("lazyfree-lazy-user-flush", "no", "FLUSHALL and FLUSHDB free in the background", INERT),
  flag("jemalloc-bg-thread", "yes", "free memory in a thread of the allocator", INERT),
  flag("activedefrag", "no", "move data together; from 1.1 times maxmemory on it is moved anyway"),
  memory(
    "active-defrag-ignore-bytes",
    100 << 20,
    [1, INT64_MAX],
    "waste below which nothing is moved",
  ),
  integer("active-defrag-threshold-lower", 10, [0, 1000], "percentage of waste to begin at"),
  integer("active-defrag-threshold-upper", 100, [0, 1000], "percentage of waste for full effort"),
  integer("active-defrag-cycle-min", 1, [1, 99], "least effort in percent of the CPU"),
  integer("active-defrag-cycle-max", 25, [1, 99], "most effort in percent of the CPU"),
  integer(
    "active-defrag-max-scan-fields",
    1000,
    [1, INT64_MAX],
    "elements handled in one go, 1000 at most",
  ),
];
