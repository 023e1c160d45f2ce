/** Up to which size collections stay in their small encoding. */
import type { OptionRow } from "../options.ts";
import { INERT, INT64_MAX, INT_MAX, INT_MIN, integer, memory } from "./make.ts";

const COUNTS = [0, INT64_MAX] as const;

export const structureRows: readonly OptionRow[] = [
  integer("hash-max-listpack-entries", 512, COUNTS, "fields of a small hash", {
    aliases: ["hash-max-ziplist-entries"],
  }),
  memory("hash-max-listpack-value", 64, COUNTS, "longest field or value of a small hash", {
    aliases: ["hash-max-ziplist-value"],
  }),
  integer(
    "list-max-listpack-size",
    -2,
    [INT_MIN, INT_MAX],
    "elements of a list's node, or -1 to -5 for 4 to 64 KiB",
    {
      aliases: ["list-max-ziplist-size"],
    },
  ),
  integer(
    "list-compress-depth",
    0,
    [0, INT_MAX],
    "nodes at both ends of a list that stay uncompressed",
    INERT,
  ),
  integer("set-max-intset-entries", 512, COUNTS, "members of a set of integers"),
  integer("set-max-listpack-entries", 128, COUNTS, "members of a small set"),
  integer("set-max-listpack-value", 64, COUNTS, "longest member of a small set"),
  integer("zset-max-listpack-entries", 128, COUNTS, "members of a small sorted set", {
    aliases: ["zset-max-ziplist-entries"],
  }),
  memory("zset-max-listpack-value", 64, COUNTS, "longest member of a small sorted set", {
    aliases: ["zset-max-ziplist-value"],
  }),
  memory("hll-sparse-max-bytes", 3000, COUNTS, "size of a sparse HyperLogLog"),
  memory("stream-node-max-bytes", 4096, COUNTS, "size of a stream's node"),
  integer("stream-node-max-entries", 100, COUNTS, "entries of a stream's node"),
];
