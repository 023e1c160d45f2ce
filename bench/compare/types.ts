/**
 * CPU time of the commands of all data types, with redis-benchmark's load: one grid for each operation, so that a server
 * holds the data of one operation at a time.
 */
import type { RunningServer } from "../rig/servers.ts";
import { RespClient } from "../rig/resp-client.ts";
import type { Arm, Cell, GridOptions } from "./grid.ts";
import { measureGrid } from "./grid.ts";
import { redisBenchmark } from "./redis-benchmark.ts";
import type { TypeOperation } from "./type-operations.ts";
import { TYPE_OPERATIONS } from "./type-operations.ts";

/** Heavy operations are measured without pipelining: the tool sends no fewer than a pipeline on each connection. */
export const HEAVY_DEPTH = 1;
/** Unmeasured, before an operation's first cell, in measurements: compilers get to know the command. */
const WARM_UP = 2;

/** The depths of the run at which an operation is measured. */
export function depthsOf(operation: TypeOperation, depths: readonly number[]): readonly number[] {
  return operation.heavy ? depths.filter((depth) => depth === HEAVY_DEPTH) : depths;
}

/** @param options whose operations are names out of TYPE_OPERATIONS */
export async function measureTypes(
  servers: readonly RunningServer[],
  names: readonly string[],
  options: GridOptions,
): Promise<Cell[]> {
  const cells: Cell[] = [];
  const clients: RespClient[] = [];
  try {
    for (const server of servers) clients.push(await RespClient.connect(server.port));
    for (const operation of TYPE_OPERATIONS) {
      const depths = depthsOf(operation, options.depths);
      if (!options.operations.includes(operation.name) || depths.length === 0) continue;
      const arms = servers.map((server, i) => armOf(operation, names[i]!, server, clients[i]!));
      for (const client of clients) {
        await client.call(["FLUSHALL"]);
        await operation.setUp(client);
      }
      const rateMax = (): number => operation.rateMax;
      const one = { ...options, operations: [operation.name], depths, rateMax, warmUp: WARM_UP };
      cells.push(...(await measureGrid(arms, one)));
    }
  } finally {
    for (const client of clients) client.close();
  }
  return cells;
}

function armOf(
  operation: TypeOperation,
  name: string,
  server: RunningServer,
  client: RespClient,
): Arm {
  const { prepare, requestsMax } = operation;
  return {
    name,
    server,
    prepare: async (_operation, requests) => {
      await prepare?.(client, Math.ceil(Math.min(requests, requestsMax)));
    },
    load: (_operation, depth, requests) =>
      redisBenchmark(server.port, operation, depth, Math.min(requests, requestsMax)),
  };
}
