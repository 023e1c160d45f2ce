/** How much memory a server uses, and for what: the one place that adds it up. All figures are bytes. */
import type { Engine } from "./engine.ts";

export interface MemoryFigures {
  /** Blocks of the arena in use, buffers of clients, scripts, effects that wait for the log. */
  readonly used: number;
  /** The highest `used` that was seen. */
  readonly peak: number;
  /** `used` when the server was put together. */
  readonly startup: number;
  /** Clients and their buffers. */
  readonly clients: number;
  /** Effects that wait for the log: they do not count towards the limit. */
  readonly log: number;
  /** Scripts and functions. */
  readonly scripts: number;
  /** The JavaScript heap in use, which is no part of `used`. */
  readonly heap: number;
  /** The tables of the databases' dicts. */
  readonly tables: number;
  /** The tables of those dicts that are being resized, and how many they are. */
  readonly resizing: number;
  readonly resizingCount: number;
  /** What is not data of keys: startup, clients, scripts, the log, tables. */
  readonly overhead: number;
  /** What keys and values take. */
  readonly dataset: number;
  /** Blocks of the arena in use. */
  readonly allocated: number;
  /** Pages of the arena that hold blocks. */
  readonly active: number;
  /** The same and free pages that still hold memory: all of the arena that is resident. */
  readonly resident: number;
  /** The whole process. */
  readonly rss: number;
}

/** Bytes in use: what counts towards the limit, and effects that wait for the log. */
export function usedMemory({ memoryLimit, effects }: Engine): number {
  return memoryLimit.counted + effects.buffer.length;
}

export function memoryFigures(engine: Engine): MemoryFigures {
  const { arena, dict } = engine.keyspace.store;
  const { stats, startupMemory: startup } = engine;
  const used = usedMemory(engine);
  stats.samplePeak(used);
  const clients = engine.clientMemory.total;
  const log = engine.effects.buffer.length;
  const scripts = engine.memoryLimit.scriptBytes;
  let tables = 0;
  let resizing = 0;
  let resizingCount = 0;
  for (const database of engine.keyspace.databases) {
    const bytes = 4 * dict.buckets(database.dict);
    tables += bytes;
    if (!dict.resizing(database.dict)) continue;
    resizing += bytes;
    resizingCount++;
  }
  const { rss, heapUsed } = process.memoryUsage();
  const overhead = startup + clients + log + scripts + tables;
  return {
    used,
    peak: stats.peakMemory,
    startup,
    clients,
    log,
    scripts,
    // Bun counts the arena's segments among the heap.
    heap: Math.max(0, heapUsed - arena.reservedBytes),
    tables,
    resizing,
    resizingCount,
    overhead,
    dataset: Math.max(0, used - overhead),
    allocated: arena.usedBytes,
    active: arena.pageBytes(),
    resident: arena.pageBytes() + arena.heldBytes,
    rss,
  };
}
