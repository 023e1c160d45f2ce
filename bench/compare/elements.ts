/**
 * Resident bytes per element of the data types: the growth of the process, as the operating system counts it, while half
 * a million elements come in, key and payload included, divided by the elements. Each figure is that of a fresh process that
 * has seen as many of the same commands, with a FLUSHALL after each thousand elements (`memory.ts` says why).
 */
import { RespClient } from "../rig/resp-client.ts";
import type { Product } from "../rig/servers.ts";
import { start } from "../rig/servers.ts";
import type { ElementKind } from "./element-kinds.ts";
import { settledBytes } from "./memory.ts";

export interface ElementFigure {
  readonly kind: string;
  readonly product: string;
  /** Bytes per element, one for each round. */
  readonly bytes: number[];
}

const BATCH = 200;
/** The warm-up deletes everything whenever there are so many elements. */
const WARM_ELEMENTS = 1000;

export async function measureElements(
  products: readonly Product[],
  kinds: readonly ElementKind[],
  elements: number,
  rounds: number,
  progress: (text: string) => void,
): Promise<ElementFigure[]> {
  const figures: ElementFigure[] = [];
  for (const kind of kinds) {
    for (const product of products) {
      const bytes: number[] = [];
      for (let round = 0; round < rounds; round++) {
        progress(`elements, ${kind.name}, round ${round + 1} of ${rounds}: ${product.name}`);
        bytes.push(await bytesPerElement(product, kind, elements));
      }
      figures.push({ kind: kind.name, product: product.name, bytes });
    }
  }
  return figures;
}

async function bytesPerElement(
  product: Product,
  kind: ElementKind,
  elements: number,
): Promise<number> {
  const server = await start(product);
  try {
    const client = await RespClient.connect(server.port);
    const count = Math.ceil(elements / kind.perCommand);
    await client.callMany({ count, command: warmUpCommand(kind) }, BATCH);
    await client.call(["FLUSHALL"]);
    const before = await settledBytes(server);
    await client.callMany({ count, command: kind.command }, BATCH);
    const after = await settledBytes(server);
    client.close();
    return (after - before) / (count * kind.perCommand);
  } finally {
    await server.stop();
  }
}

/** The first commands over and over, with everything deleted in between. */
function warmUpCommand(kind: ElementKind): (index: number) => readonly string[] {
  const cycle = Math.ceil(WARM_ELEMENTS / kind.perCommand);
  return (index) => (index % cycle === 0 ? ["FLUSHALL"] : kind.command(index % cycle));
}
