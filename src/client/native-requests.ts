/**
 * Requests of the native protocol, written one after another into one growing buffer that waits to be sent.
 *
 *   request  00, u16 command, strings      string   u32 length, bytes      big-endian
 */
import { copyBytes } from "../base/bytes.ts";
import { NATIVE_HEADER } from "../protocol/native.ts";

const FIRST_SIZE = 4096;
/** A larger buffer is let go when everything in it is sent. */
const KEEP_SIZE = 1 << 20;

const HEADER_SIZE = 3;
const LENGTH_SIZE = 4;

export class NativeRequests {
  #buffer: Buffer = Buffer.allocUnsafeSlow(FIRST_SIZE);
  /** Bytes [#from, #end) wait. */
  #from = 0;
  #end = 0;

  /** Bytes that wait to be sent. */
  get size(): number {
    return this.#end - this.#from;
  }

  /** Appends a request. The strings are copied. */
  append(command: number, strings: readonly Buffer[]): void {
    let size = HEADER_SIZE;
    for (const string of strings) size += LENGTH_SIZE + string.length;
    this.#ensure(size);
    const buffer = this.#buffer;
    let pos = this.#end;
    buffer[pos] = NATIVE_HEADER;
    pos = buffer.writeUInt16BE(command, pos + 1);
    for (const string of strings) {
      pos = buffer.writeUInt32BE(string.length, pos);
      copyBytes(buffer, pos, string, 0, string.length);
      pos += string.length;
    }
    this.#end = pos;
  }

  /** Hands what waits to `write`, which says how many bytes it took; the rest waits on. */
  send(write: (buffer: Buffer, from: number, size: number) => number): void {
    const { size } = this;
    if (size === 0) return;
    const taken = Math.max(0, write(this.#buffer, this.#from, size));
    this.#from += taken;
    if (taken < size) return;
    this.#from = 0;
    this.#end = 0;
    if (this.#buffer.length > KEEP_SIZE) this.#buffer = Buffer.allocUnsafeSlow(FIRST_SIZE);
  }

  #ensure(size: number): void {
    if (this.#end + size <= this.#buffer.length) return;
    const waiting = this.size;
    const needed = waiting + size;
    // Half of a buffer that is moved within itself is free afterwards, so moving stays linear.
    const target =
      needed * 2 <= this.#buffer.length ? this.#buffer : Buffer.allocUnsafeSlow(needed * 2);
    this.#buffer.copy(target, 0, this.#from, this.#end);
    this.#buffer = target;
    this.#from = 0;
    this.#end = waiting;
  }
}
