/** All options of a server, in the order of the help text. */
import { clientRows } from "./option-rows/clients.ts";
import { memoryRows } from "./option-rows/memory.ts";
import { networkRows } from "./option-rows/network.ts";
import { persistenceRows } from "./option-rows/persistence.ts";
import { replicationRows } from "./option-rows/replication.ts";
import { serverRows } from "./option-rows/server.ts";
import { structureRows } from "./option-rows/structures.ts";
import { tlsRows } from "./option-rows/tls.ts";
import type { OptionRow } from "./options.ts";

/** The rows by subject. */
export const OPTION_GROUPS: readonly (readonly [subject: string, rows: readonly OptionRow[]])[] = [
  ["Network", networkRows],
  ["TLS", tlsRows],
  ["Clients", clientRows],
  ["Server", serverRows],
  ["Memory", memoryRows],
  ["Structures", structureRows],
  ["Persistence", persistenceRows],
  ["Replication", replicationRows],
];

export const OPTION_ROWS: readonly OptionRow[] = OPTION_GROUPS.flatMap(([, rows]) => rows);
