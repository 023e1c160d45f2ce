/** The time from starting a server's process to its first PONG, as somebody sees it who waits for it. */
import { firstPong, RunningServer } from "../rig/servers.ts";
import type { Product } from "../rig/servers.ts";
import { abba } from "../rig/statistics.ts";

export interface StartFigure {
  readonly product: string;
  /** Milliseconds of each start. */
  readonly ms: number[];
}

/** Asking goes on every millisecond, so a figure is up to that and a connection's set-up too high. */
export async function measureFirstPong(
  products: readonly Product[],
  rounds: number,
  progress: (text: string) => void,
): Promise<StartFigure[]> {
  const figures = products.map((product) => ({ product: product.name, ms: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    progress(`first PONG, round ${round + 1} of ${rounds}`);
    for (const product of abba(products, round)) {
      const server = new RunningServer(product);
      try {
        await firstPong(server);
        const ms = (Bun.nanoseconds() - server.startedNs) / 1e6;
        figures.find((figure) => figure.product === product.name)!.ms.push(ms);
      } finally {
        await server.stop();
      }
    }
  }
  return figures;
}
