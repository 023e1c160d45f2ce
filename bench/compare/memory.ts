/**
 * Resident memory a key costs beyond its own bytes and those of its value: the growth of the process, as the operating
 * system counts it, while a million keys of 16 bytes with values of 16 bytes are set through a socket.
 *
 * A process that just started has not yet compiled its code, nor grown its buffers and its JavaScript heap to the size
 * that traffic needs; those are no keys. So there are two figures. `raw` is the whole growth from the first answer on.
 * `warmed` begins after as much of the same traffic onto a thousand keys, which brings everything into being that
 * traffic brings into being, but next to no keys.
 */
import { LoadGenerator } from "../rig/load-generator.ts";
import { KEY_SIZE, VALUE_SIZE } from "../rig/requests.ts";
import { residentBytes } from "../rig/schedstat.ts";
import type { Product, RunningServer } from "../rig/servers.ts";
import { start } from "../rig/servers.ts";

const WARM_KEYS = 1000;

/** Resident memory counts as settled when it moved less than this for so long. */
const SETTLED_BYTES: number = 64 * 1024;
const SETTLED_MS = 1_000;
const SETTLE_STEP_MS = 50;
const SETTLE_TIMEOUT_MS = 20_000;

export interface MemoryFigure {
  readonly product: string;
  /** Bytes beyond key and value per key, one for each round. */
  readonly raw: number[];
  readonly warmed: number[];
}

export async function measureMemory(
  products: readonly Product[],
  keys: number,
  rounds: number,
  progress: (text: string) => void,
): Promise<MemoryFigure[]> {
  const figures = products.map((product) => ({
    product: product.name,
    raw: [] as number[],
    warmed: [] as number[],
  }));
  for (let round = 0; round < rounds; round++) {
    for (const [index, product] of products.entries()) {
      progress(`memory, round ${round + 1} of ${rounds}: ${product.name}`);
      figures[index]!.raw.push(await bytesPerKey(product, keys, false));
      figures[index]!.warmed.push(await bytesPerKey(product, keys, true));
    }
  }
  return figures;
}

async function bytesPerKey(product: Product, keys: number, warm: boolean): Promise<number> {
  const server = await start(product);
  const generator = await LoadGenerator.start("resp", server.port);
  try {
    if (warm) await generator.fill(0, keys, WARM_KEYS);
    const before = await settledBytes(server);
    await generator.fill(WARM_KEYS, keys);
    const after = await settledBytes(server);
    return (after - before) / keys - KEY_SIZE - VALUE_SIZE;
  } finally {
    await generator.stop();
    await server.stop();
  }
}

/** Resident bytes when they have stopped changing. */
export async function settledBytes(server: RunningServer): Promise<number> {
  const deadline = performance.now() + SETTLE_TIMEOUT_MS;
  let bytes = residentBytes(server.pid);
  let since = performance.now();
  while (performance.now() - since < SETTLED_MS) {
    if (performance.now() > deadline) throw new Error("resident memory does not settle");
    await Bun.sleep(SETTLE_STEP_MS);
    const now = residentBytes(server.pid);
    if (Math.abs(now - bytes) <= SETTLED_BYTES) continue;
    bytes = now;
    since = performance.now();
  }
  return residentBytes(server.pid);
}
