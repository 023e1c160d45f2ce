/**
 * The arguments of one command: slices of the buffer that the command arrived in. One object a connection is filled
 * again for each command; a command that keeps bytes copies them.
 */
import { isWord, latin1Text } from "../base/bytes.ts";
import { parseSafeInteger } from "../base/numbers.ts";

/** Numbers that `places` has room for at first: two for each argument. */
const CAPACITY_FIRST = 32;
/** Room for more numbers than this is let go after the command. */
const CAPACITY_KEEP = 2048;

export class Args {
  /** The bytes that all slices lie in. */
  bytes: Buffer = Buffer.alloc(0);
  /** Arguments, the command's name included. */
  count = 0;
  /** Where the RESP frame of these arguments begins in `bytes`, or -1 if they do not stand there as one whole frame. */
  frame = -1;
  /** First byte of each argument and the byte after it, side by side: of a pipeline's frames few lines of the cache are touched. */
  places: Int32Array = new Int32Array(CAPACITY_FIRST);

  /** Forgets the arguments. */
  clear(): void {
    this.count = 0;
    this.frame = -1;
    if (this.places.length > CAPACITY_KEEP) this.places = new Int32Array(CAPACITY_FIRST);
  }

  /** Makes room for `count` arguments in `bytes`, whose places are to be set next. */
  reset(bytes: Buffer, frame: number, count: number): void {
    this.clear();
    this.bytes = bytes;
    this.frame = frame;
    this.count = count;
    while (2 * count > this.places.length) this.#grow();
  }

  /** Appends bytes[start, end). */
  push(start: number, end: number): void {
    const at = 2 * this.count;
    if (at === this.places.length) this.#grow();
    this.places[at] = start;
    this.places[at + 1] = end;
    this.count++;
  }

  /** Moves all slices by `offset` bytes, when the buffer they lie in was moved. */
  shift(offset: number): void {
    for (let at = 0; at < 2 * this.count; at++) this.places[at]! += offset;
  }

  start(index: number): number {
    return this.places[2 * index]!;
  }

  end(index: number): number {
    return this.places[2 * index + 1]!;
  }

  length(index: number): number {
    return this.places[2 * index + 1]! - this.places[2 * index]!;
  }

  /** Bytes from the first argument's first to the last one's last. */
  get size(): number {
    return this.places[2 * this.count - 1]! - this.places[0]!;
  }

  /** Whether the argument is `word`, letters of either case. @param word upper case ASCII */
  is(index: number, word: string): boolean {
    return isWord(this.bytes, this.start(index), this.end(index), word);
  }

  /** The argument as an integer within plus or minus 2^53 - 1, or NaN. */
  integer(index: number): number {
    return parseSafeInteger(this.bytes, this.start(index), this.end(index));
  }

  /** The argument as a string of one character a byte; for names and messages, not for keys. */
  text(index: number): string {
    return latin1Text(this.bytes, this.start(index), this.end(index));
  }

  /** A copy of the argument's bytes that may be kept. */
  copy(index: number): Buffer {
    return Buffer.from(this.bytes.subarray(this.start(index), this.end(index)));
  }

  /** The arguments in a buffer of their own, to be kept. */
  detached(): Args {
    const copy = new Args();
    let size = 0;
    for (let i = 0; i < this.count; i++) size += this.length(i);
    copy.bytes = Buffer.allocUnsafeSlow(size);
    let at = 0;
    for (let i = 0; i < this.count; i++) {
      this.bytes.copy(copy.bytes, at, this.start(i), this.end(i));
      copy.push(at, at + this.length(i));
      at += this.length(i);
    }
    return copy;
  }

  /** Fills in arguments from outside a connection: one buffer with all of them, one after another. */
  fill(values: readonly (Uint8Array | string)[]): void {
    const parts = values.map((value) => (typeof value === "string" ? Buffer.from(value) : value));
    this.clear();
    this.bytes = Buffer.concat(parts);
    let at = 0;
    for (const part of parts) {
      this.push(at, at + part.length);
      at += part.length;
    }
  }

  #grow(): void {
    const places = new Int32Array(this.places.length * 2);
    places.set(this.places);
    this.places = places;
  }
}
