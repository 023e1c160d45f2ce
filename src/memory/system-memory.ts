/**
 * Memory from the operating system: zero bytes that cost nothing until they are touched, and that go back page by page.
 *
 * `new ArrayBuffer` is not good enough for blocks of megabytes. The engine's allocator keeps what was freed, and clears by
 * hand what it hands out again: 35 ms for 64 MiB, in the middle of a command. So on Linux memory is mapped (mmap(2)) and
 * unmapped without the allocator, through Bun's foreign functions. Giving touched pages back takes time as well, 50 µs a MiB,
 * so it is done in slices: `give` only remembers the buffer, `step` gives back a bounded part of it. Where the C library
 * can't be opened, the engine's allocator has to do.
 *
 * A buffer that is collected before it was given back is unmapped then, as a whole.
 */
import { dlopen, ptr, toArrayBuffer, type Pointer } from "bun:ffi";

/** Bytes that one `step` gives back: about 0.1 ms. */
const STEP_SIZE: number = 1 << 20;

// mmap(2), madvise(2) on Linux.
const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const MADV_DONTNEED = 4;
const MADV_POPULATE_WRITE = 23;

const SYMBOLS = {
  mmap: { args: ["ptr", "u64", "i32", "i32", "i32", "i64"], returns: "ptr" },
  munmap: { args: ["ptr", "u64"], returns: "i32" },
  madvise: { args: ["ptr", "u64", "i32"], returns: "i32" },
} as const;

/**
 * The function's whole signature, which bun-types leaves out: `free` is called with the address and `context`, once nothing
 * refers to the buffer or it is detached. munmap(2) takes just these, with the size for context.
 */
type ToArrayBuffer = (
  address: Pointer,
  from: number,
  size: number,
  context: number,
  free: number,
) => ArrayBuffer;

type CLibrary = ReturnType<typeof dlopen<typeof SYMBOLS>>["symbols"];

const library: CLibrary | null = openLibrary();

/** A buffer of which bytes [0, left) are still to be given back. */
interface Unused {
  readonly buffer: ArrayBuffer;
  left: number;
}

export class SystemMemory {
  readonly #unused: Unused[] = [];
  /** False once the system has refused to populate: kernels before 5.14 can't. */
  #populates = library !== null;

  /**
   * Takes memory, all bytes zero. Throws a RangeError if there is none.
   * @param size bytes, a multiple of the system's page size
   */
  take(size: number): ArrayBuffer {
    if (library === null) return new ArrayBuffer(size);
    const address = library.mmap(null, size, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
    // What mmap fails with, -1, is too large an address for a number.
    if (typeof address !== "number") throw new RangeError("Out of memory");
    const unmap = (library.munmap as unknown as { ptr: number }).ptr;
    return (toArrayBuffer as unknown as ToArrayBuffer)(address, 0, size, size, unmap);
  }

  /**
   * Has the system provide the pages of buffer[from, from + size) at once, which takes a bit more than half of the time that
   * one fault a page takes. Changes nothing otherwise.
   */
  populate(buffer: ArrayBuffer, from: number, size: number): void {
    if (!this.#populates) return;
    this.#populates = library!.madvise(addressOf(buffer, from), size, MADV_POPULATE_WRITE) === 0;
  }

  /** Gives back what buffer[from, from + size) holds, whole pages of the system, which reads as zeros then. 50 µs a MiB. */
  discard(buffer: ArrayBuffer, from: number, size: number): void {
    library?.madvise(addressOf(buffer, from), size, MADV_DONTNEED);
  }

  /** Gives memory back that `take` has returned; nobody may use views of it any more. */
  give(buffer: ArrayBuffer): void {
    this.#unused.push({ buffer, left: library === null ? 0 : buffer.byteLength });
  }

  /** Does a bounded part of giving back. Returns true while there is more. */
  step(): boolean {
    const last = this.#unused.at(-1);
    if (last === undefined) return false;
    if (last.left > 0) {
      const size = Math.min(last.left, STEP_SIZE);
      last.left -= size;
      library!.madvise(addressOf(last.buffer, last.left), size, MADV_DONTNEED);
    }
    if (last.left === 0) {
      // Detaching frees at once, without waiting for a garbage collection.
      last.buffer.transfer(0);
      this.#unused.pop();
    }
    return this.#unused.length > 0;
  }
}

function addressOf(buffer: ArrayBuffer, from: number): Pointer {
  return (ptr(buffer) + from) as Pointer;
}

function openLibrary(): CLibrary | null {
  if (process.platform !== "linux") return null;
  try {
    return dlopen("libc.so.6", SYMBOLS).symbols;
  } catch {
    return null;
  }
}
