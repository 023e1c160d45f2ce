/** A file that is read from its beginning to its end. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { ByteSource } from "./rdb-input.ts";

export class FileSource implements ByteSource {
  readonly size: number;
  readonly #fd: number;

  /** Opens the file. Throws the system's error if that can't be done. */
  constructor(path: string) {
    this.#fd = openSync(path, "r");
    this.size = fstatSync(this.#fd).size;
  }

  read(target: Buffer, at: number, size: number): number {
    return readSync(this.#fd, target, at, size, null);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
