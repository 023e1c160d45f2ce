/** How much memory a server uses, and for what: the one place that adds it up. All figures are bytes. */
import type { Engine } from "./engine.ts";

export interface MemoryFigures {
  /** What there was at the start, blocks of the arena in use, and buffers of clients. */
  readonly used: number;
  /** The highest `used` that was seen. */
  readonly peak: number;
  /** `used` when the server was put together. */
  readonly startup: number;
  /** Buffers of clients. */
  readonly clients: number;
  /** The tables of the databases' dicts. */
  readonly tables: number;
  /** The tables of those dicts that are being resized, and how many they are. */
  readonly resizing: number;
  readonly resizingCount: number;
  /** What is not data of keys: startup, clients, tables. */
  readonly overhead: number;
  /** What keys and values take. */
  readonly dataset: number;
  /** Blocks of the arena in use. */
  readonly allocated: number;
  /** Pages of the arena that hold blocks. */
  readonly active: number;
  /** Segments of the arena, as far as the system has backed them with memory. */
  readonly resident: number;
  /** The whole process. */
  readonly rss: number;
}

export function memoryFigures(engine: Engine): MemoryFigures {
  const { arena, dict } = engine.keyspace.store;
  const { stats } = engine;
  let clients = 0;
  for (const { peer } of engine.sessions.values()) {
    if (peer !== null) clients += peer.inputBytes + peer.inputFreeBytes + peer.outputBytes;
  }
  const used = stats.startupMemory + arena.usedBytes + clients;
  if (used > stats.peakMemory) stats.peakMemory = used;
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
  const rss = process.memoryUsage.rss();
  const overhead = stats.startupMemory + clients + tables;
  return {
    used,
    peak: stats.peakMemory,
    startup: stats.startupMemory,
    clients,
    tables,
    resizing,
    resizingCount,
    overhead,
    dataset: Math.max(0, used - overhead),
    allocated: arena.usedBytes,
    active: arena.pageBytes(),
    resident: Math.min(arena.reservedBytes, rss),
    rss,
  };
}
