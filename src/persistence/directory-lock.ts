/**
 * The lock of a data directory: two servers that wrote to the same files would destroy them. It is the kernel's advisory lock on a
 * file there (flock), so it ends with the process, however that ends, and a file that is left behind means nothing.
 */
import { dlopen } from "bun:ffi";
import { closeSync, ftruncateSync, openSync, readFileSync } from "node:fs";
import { writeAll } from "./write-all.ts";

const LOCK_EXCLUSIVE = 2;
const LOCK_NO_WAIT = 4;

const NAME = "hutch.lock";

/** Where the C library may be: glibc, musl, macOS. */
const LIBRARIES =
  process.platform === "darwin"
    ? ["libSystem.B.dylib"]
    : ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`];

/** Somebody else has the directory. */
export class DirectoryLocked extends Error {
  override name = "DirectoryLocked";
}

export class DirectoryLock {
  readonly #fd: number;

  /** Takes the lock of a directory. Throws `DirectoryLocked` if another server has it, or what the system says. */
  constructor(directory: string) {
    const path = `${directory}/${NAME}`;
    this.#fd = openSync(path, "a+");
    if (flock(this.#fd, LOCK_EXCLUSIVE | LOCK_NO_WAIT)) {
      ftruncateSync(this.#fd, 0);
      writeAll(this.#fd, Buffer.from(`${process.pid}\n`));
      return;
    }
    closeSync(this.#fd);
    const owner = readFileSync(path, "latin1").trim();
    throw new DirectoryLocked(
      `The data directory ${directory} is in use by another server${owner === "" ? "" : ` (process ${owner})`}.`,
    );
  }

  release(): void {
    closeSync(this.#fd);
  }
}

/** Whether the lock was had. A system whose library can't be found has no locks: there the lock is always had. */
function flock(fd: number, operation: number): boolean {
  for (const library of LIBRARIES) {
    try {
      const { symbols } = dlopen(library, { flock: { args: ["i32", "i32"], returns: "i32" } });
      return symbols.flock(fd, operation) === 0;
    } catch {
      // The next one.
    }
  }
  return true;
}
