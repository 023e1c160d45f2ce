/**
 * What keeping a log costs: SET without one and with `appendfsync everysec` at depth 16, by CPU time, and with `always` at depth 1, by
 * operations per second on the same disk.
 */
import type { LogPolicy, Product, RunningServer } from "../rig/servers.ts";
import { start } from "../rig/servers.ts";
import type { Arm, Cell, GridOptions } from "./grid.ts";
import { measureGrid } from "./grid.ts";
import { ownTest, redisBenchmark } from "./redis-benchmark.ts";

const EVERYSEC_DEPTH = 16;
const ALWAYS_DEPTH = 1;

/** The name of a server's arm with a policy. */
export function logName(product: string, policy: LogPolicy): string {
  return `${product}, ${policy === "none" ? "no log" : policy}`;
}

/** @param products Hutch, and who it is compared with */
export async function measureLog(
  products: readonly Product[],
  options: Omit<GridOptions, "operations" | "depths">,
): Promise<readonly Cell[]> {
  const grid = { ...options, operations: ["SET"] };
  return [
    ...(await measurePolicies(products, ["none", "everysec"], {
      ...grid,
      depths: [EVERYSEC_DEPTH],
    })),
    ...(await measurePolicies(products, ["always"], { ...grid, depths: [ALWAYS_DEPTH] })),
  ];
}

async function measurePolicies(
  products: readonly Product[],
  policies: readonly LogPolicy[],
  grid: GridOptions,
): Promise<readonly Cell[]> {
  const servers: RunningServer[] = [];
  const arms: Arm[] = [];
  try {
    for (const policy of policies) {
      for (const product of products) {
        const server = await start(product, { log: policy });
        servers.push(server);
        arms.push({
          name: logName(product.name, policy),
          server,
          load: (operation, depth, requests) =>
            redisBenchmark(server.port, ownTest(operation), depth, requests),
        });
      }
    }
    return await measureGrid(arms, grid);
  } finally {
    for (const server of servers) await server.stop();
  }
}
