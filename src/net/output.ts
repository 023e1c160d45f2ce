/**
 * The way out of a connection: the batch of replies that the session writes into, and behind it the bytes that the system
 * did not take. As long as something is left over, batches queue behind it, so bytes leave in order.
 *
 * Replies that must wait until effects are safe stay in the batch, marked with the offset of the effect stream up to which
 * that must be:
 *
 *   batch   | made at offset 70 | made at 90 | made just now |
 *           0                   marks[0]     marks[1]        reply.pos
 *
 * So each leaves as soon as what it could show is safe, whatever its client has sent since.
 */
import type { Slice } from "../base/slice.ts";
import type { Socket } from "bun";
import { freeBuffer } from "../base/bytes.ts";
import { OUTPUT_PAUSE_SIZE } from "../base/limits.ts";
import type { Reply } from "../protocol/reply.ts";

/** Batches up to this size share buffers of TAIL_SIZE while they wait: less than an eighth of these is left empty. */
const SMALL_MAX: number = 8 * 1024;
const TAIL_SIZE: number = 64 * 1024;

export class Output {
  readonly #socket: Socket<unknown>;
  readonly #reply: Reply;
  /** Batches not yet sent; of the first, the bytes from #from on. */
  readonly #queue: Buffer[] = [];
  /** Small batches behind these, one after another, and where they end: each in a buffer of its own would take many times as much. */
  #tail: Buffer | null = null;
  #tailEnd = 0;
  #from = 0;
  /** Bytes in the queue. */
  unsent = 0;
  /** Bytes that the system took. */
  sent = 0;
  /** Where the replies end that wait, and the offsets that they wait for, both ascending. */
  readonly #marks: number[] = [];
  readonly #offsets: number[] = [];
  /** Some of the replies that wait come with effects of their own. */
  #wrote = false;

  constructor(socket: Socket<unknown>, reply: Reply) {
    this.#socket = socket;
    this.#reply = reply;
  }

  /** So much waits that nothing should be added. */
  get full(): boolean {
    return this.unsent > OUTPUT_PAUSE_SIZE || (this.holds && this.#reply.pos > OUTPUT_PAUSE_SIZE);
  }

  /** Replies wait until effects are safe. */
  get holds(): boolean {
    return this.#marks.length > 0;
  }

  /** Holds the replies so far until all effects up to `offset` are safe. @param wrote they come with effects of their own */
  hold(offset: number, wrote: boolean): void {
    const { pos } = this.#reply;
    const last = this.#marks.length - 1;
    if (wrote) this.#wrote = true;
    if (last >= 0 && this.#marks[last] === pos) return;
    if (last >= 0 && this.#offsets[last]! >= offset) {
      this.#marks[last] = pos;
      return;
    }
    this.#marks.push(pos);
    this.#offsets.push(offset);
  }

  /**
   * Sends the replies whose effects are safe. @param readers sends also what waits for effects of others only
   * @returns whether there were any
   */
  release(safe: number, readers: boolean): boolean {
    const offsets = this.#offsets;
    let count = 0;
    if (readers && !this.#wrote) count = offsets.length;
    else while (count < offsets.length && offsets[count]! <= safe) count++;
    if (count === 0) return false;
    const size = this.#marks[count - 1]!;
    if (count === offsets.length) {
      this.#marks.length = 0;
      offsets.length = 0;
      this.#wrote = false;
    } else {
      this.#marks.splice(0, count);
      offsets.splice(0, count);
      for (let i = 0; i < this.#marks.length; i++) this.#marks[i]! -= size;
    }
    if (size === this.#reply.pos) this.flush();
    else this.#flushPart(size);
    return true;
  }

  /** Sends the first `size` bytes of the batch; what follows moves to its beginning. */
  #flushPart(size: number): void {
    const reply = this.#reply;
    const taken = this.unsent > 0 ? 0 : this.#write(reply.buffer, 0, size);
    if (taken < size) {
      this.#endTail();
      const left = Buffer.allocUnsafeSlow(size - taken);
      reply.buffer.copy(left, 0, taken, size);
      this.#queue.push(left);
      this.unsent += size - taken;
    }
    reply.buffer.copyWithin(0, size, reply.pos);
    reply.pos -= size;
  }

  /** Sends the batch: one write, and the rest of it into the queue. */
  flush(): void {
    const reply = this.#reply;
    const size = reply.pos;
    if (this.unsent > 0) return this.#enqueue();
    const taken = this.#write(reply.buffer, 0, size);
    if (taken === size) {
      reply.clear();
      return;
    }
    this.#queue.push(reply.detach());
    this.#from = taken;
    this.unsent = size - taken;
  }

  /** Puts the batch behind what waits already. */
  #enqueue(): void {
    const reply = this.#reply;
    const size = reply.pos;
    this.unsent += size;
    if (size > SMALL_MAX) {
      this.#endTail();
      this.#queue.push(reply.detach());
      return;
    }
    if (this.#tail === null || this.#tailEnd + size > this.#tail.length) {
      this.#endTail();
      this.#tail = Buffer.allocUnsafeSlow(TAIL_SIZE);
    }
    reply.buffer.copy(this.#tail, this.#tailEnd, 0, size);
    this.#tailEnd += size;
    reply.clear();
  }

  #endTail(): void {
    if (this.#tail !== null) this.#queue.push(this.#tail.subarray(0, this.#tailEnd));
    this.#tail = null;
    this.#tailEnd = 0;
  }

  /** Sends bytes that others send as well; nothing may wait. What the system does not take is copied. */
  sendShared({ bytes, start, end }: Slice): void {
    const taken = this.#write(bytes, start, end - start);
    if (taken === end - start) return;
    const left = Buffer.allocUnsafeSlow(end - start - taken);
    bytes.copy(left, 0, start + taken, end);
    this.#queue.push(left);
    this.#from = 0;
    this.unsent = left.length;
  }

  /** Sends what the system takes of the queue. */
  sendUnsent(): void {
    this.#endTail();
    let first = this.#queue[0];
    while (first !== undefined) {
      const left = first.length - this.#from;
      const taken = this.#write(first, this.#from, left);
      this.unsent -= taken;
      this.#from += taken;
      if (taken < left) return;
      this.#queue.shift();
      freeBuffer(first);
      this.#from = 0;
      first = this.#queue[0];
    }
  }

  /** Forgets everything not yet sent. */
  drop(): void {
    this.#reply.clear();
    for (const batch of this.#queue) freeBuffer(batch);
    this.#queue.length = 0;
    this.#tail = null;
    this.#tailEnd = 0;
    this.#marks.length = 0;
    this.#offsets.length = 0;
    this.#from = 0;
    this.unsent = 0;
  }

  /** `write` answers -1 once the socket is shut: then nothing was taken, and `close` follows. */
  #write(bytes: Buffer, from: number, size: number): number {
    const taken = Math.max(0, this.#socket.write(bytes, from, size));
    this.sent += taken;
    return taken;
  }
}
