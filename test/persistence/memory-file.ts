/** Files in memory: what a snapshot wrote, and loading it. */
import type { ByteSink } from "../../src/persistence/byte-sink.ts";
import { RdbInput } from "../../src/persistence/rdb-input.ts";
import { RdbLoader } from "../../src/persistence/rdb-loader.ts";
import type { TestEngine } from "../support/test-engine.ts";

export class MemorySink implements ByteSink {
  error: string | null = null;
  readonly #chunks: Buffer[] = [];

  write(bytes: Buffer, start: number, end: number): void {
    this.#chunks.push(Buffer.from(bytes.subarray(start, end)));
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

/** Loads a file in whatever pieces it is read. @param chunk bytes that a read gives at most */
export function loadBytes(server: TestEngine, bytes: Buffer, chunk = Infinity): RdbLoader {
  let at = 0;
  const source = {
    read(target: Buffer, to: number, size: number): number {
      const count = Math.min(size, chunk, bytes.length - at);
      bytes.copy(target, to, at, at + count);
      at += count;
      return count;
    },
  };
  const input = RdbInput.from(source, bytes.length);
  const loader = new RdbLoader(server.engine.keyspace, input, true, false);
  loader.step(Infinity);
  return loader;
}
