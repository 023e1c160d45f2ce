/** Replication and the cluster. */
import type { OptionRow } from "../options.ts";
import { checkBacklog, checkHostName, checkNodeName, checkReplicaOf, refuse } from "./checks.ts";
import {
  FIXED_INERT,
  INERT,
  INT64_MAX,
  INT_MAX,
  UINT64_MAX,
  choice,
  flag,
  integer,
  list,
  memory,
  text,
} from "./make.ts";

const PORTS = [0, 65535] as const;
const COUNTS = [0, INT_MAX] as const;

/** The old name of a replication option as its alias. */
function was(alias: string) {
  return { ...INERT, aliases: [alias] };
}

export const replicationRows: readonly OptionRow[] = [
  list("replicaof", "", "primary to follow: host and port", {
    ...FIXED_INERT,
    aliases: ["slaveof"],
    check: checkReplicaOf,
  }),
  text("masterauth", "", "password for the primary", { ...INERT, sensitive: true }),
  text("masteruser", "", "user for the primary", { ...INERT, sensitive: true }),
  flag(
    "replica-serve-stale-data",
    "yes",
    "answer reads without a primary",
    was("slave-serve-stale-data"),
  ),
  flag("replica-read-only", "yes", "a replica refuses writes", was("slave-read-only")),
  flag(
    "replica-lazy-flush",
    "no",
    "free old data in the background at a resync",
    was("slave-lazy-flush"),
  ),
  flag(
    "replica-ignore-maxmemory",
    "yes",
    "a replica evicts nothing by itself",
    was("slave-ignore-maxmemory"),
  ),
  flag("replica-announced", "yes", "show the replica to monitors", INERT),
  flag("replica-ignore-disk-write-errors", "no", "a replica goes on when its disk fails", INERT),
  integer(
    "replica-priority",
    100,
    COUNTS,
    "who is promoted first; 0 is never",
    was("slave-priority"),
  ),
  text("replica-announce-ip", "", "address a replica reports", was("slave-announce-ip")),
  integer("replica-announce-port", 0, PORTS, "port a replica reports", was("slave-announce-port")),
  flag("repl-diskless-sync", "yes", "send snapshots without a file", INERT),
  integer("repl-diskless-sync-delay", 5, COUNTS, "seconds to wait for more replicas", INERT),
  integer(
    "repl-diskless-sync-max-replicas",
    0,
    COUNTS,
    "replicas that need no more waiting",
    INERT,
  ),
  choice(
    "repl-diskless-load",
    ["disabled", "on-empty-db", "swapdb"],
    "disabled",
    "load a primary's snapshot without a file",
    INERT,
  ),
  flag("repl-disable-tcp-nodelay", "no", "fewer, larger packets to replicas", INERT),
  integer(
    "repl-ping-replica-period",
    10,
    [1, INT_MAX],
    "seconds between pings of replicas",
    was("repl-ping-slave-period"),
  ),
  integer("repl-timeout", 60, [1, INT_MAX], "seconds until a silent partner is lost", INERT),
  memory(
    "repl-backlog-size",
    1024 * 1024,
    [1, INT64_MAX],
    "bytes kept for replicas that come back",
    { ...INERT, check: checkBacklog },
  ),
  integer("repl-backlog-ttl", 3600, [0, INT64_MAX], "seconds to keep them without replicas", INERT),
  integer(
    "min-replicas-to-write",
    0,
    COUNTS,
    "replicas without which writes are refused",
    was("min-slaves-to-write"),
  ),
  integer(
    "min-replicas-max-lag",
    10,
    COUNTS,
    "seconds of lag up to which a replica counts",
    was("min-slaves-max-lag"),
  ),
  choice(
    "propagation-error-behavior",
    ["ignore", "panic", "panic-on-replicas"],
    "ignore",
    "what a failing replicated command does",
    INERT,
  ),
  flag("cluster-enabled", "no", "be a node of a cluster", {
    ...FIXED_INERT,
    check: refuse("no", "cluster mode is not supported"),
  }),
  text("cluster-config-file", "nodes.conf", "file in which a node keeps the cluster", FIXED_INERT),
  integer(
    "cluster-node-timeout",
    15000,
    [0, INT64_MAX],
    "milliseconds until a node is taken for lost",
    INERT,
  ),
  integer("cluster-port", 0, PORTS, "port of the cluster bus", FIXED_INERT),
  text("cluster-announce-ip", "", "address a node reports", INERT),
  text("cluster-announce-hostname", "", "host name a node reports", {
    ...INERT,
    check: checkHostName,
  }),
  text("cluster-announce-human-nodename", "", "name of a node for people", {
    ...INERT,
    check: checkNodeName,
  }),
  integer("cluster-announce-port", 0, PORTS, "port a node reports", INERT),
  integer("cluster-announce-tls-port", 0, PORTS, "TLS port a node reports", INERT),
  integer("cluster-announce-bus-port", 0, PORTS, "bus port a node reports", INERT),
  choice(
    "cluster-preferred-endpoint-type",
    ["ip", "hostname", "unknown-endpoint"],
    "ip",
    "how nodes are named to clients",
    INERT,
  ),
  integer(
    "cluster-migration-barrier",
    1,
    COUNTS,
    "replicas a primary keeps when others lack one",
    INERT,
  ),
  flag("cluster-allow-replica-migration", "yes", "replicas move to primaries without one", INERT),
  integer(
    "cluster-replica-validity-factor",
    10,
    COUNTS,
    "how old the data of a promoted replica may be",
    was("cluster-slave-validity-factor"),
  ),
  flag("cluster-replica-no-failover", "no", "never be promoted", was("cluster-slave-no-failover")),
  flag("cluster-require-full-coverage", "yes", "refuse queries while slots are uncovered", INERT),
  flag("cluster-allow-reads-when-down", "no", "answer reads while the cluster is down", INERT),
  flag(
    "cluster-allow-pubsubshard-when-down",
    "yes",
    "answer shard channels while the cluster is down",
    INERT,
  ),
  memory(
    "cluster-link-sendbuf-limit",
    0,
    [0, UINT64_MAX],
    "unsent bytes to a node; 0 is no limit",
    INERT,
  ),
];
