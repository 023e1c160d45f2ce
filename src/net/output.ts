/**
 * The way out of a connection: the batch of replies that the session writes into, and behind it the bytes that the system
 * did not take. As long as something is left over, batches queue behind it, so bytes leave in order.
 */
import type { Socket } from "bun";
import { freeBuffer } from "../base/bytes.ts";
import { OUTPUT_PAUSE_SIZE } from "../base/limits.ts";
import type { Reply } from "../protocol/reply.ts";

export class Output {
  readonly #socket: Socket<unknown>;
  readonly #reply: Reply;
  /** Batches not yet sent; of the first, the bytes from #from on. */
  readonly #queue: Buffer[] = [];
  #from = 0;
  /** Bytes in the queue. */
  unsent = 0;
  /** Bytes that the system took. */
  sent = 0;

  constructor(socket: Socket<unknown>, reply: Reply) {
    this.#socket = socket;
    this.#reply = reply;
  }

  /** So much waits that nothing should be added. */
  get full(): boolean {
    return this.unsent > OUTPUT_PAUSE_SIZE;
  }

  /** Sends the batch: one write, and the rest of it into the queue. */
  flush(): void {
    const reply = this.#reply;
    const size = reply.pos;
    if (this.unsent > 0) {
      this.#queue.push(reply.detach());
      this.unsent += size;
      return;
    }
    const taken = this.#write(reply.buffer, 0, size);
    if (taken === size) {
      reply.clear();
      return;
    }
    this.#queue.push(reply.detach());
    this.#from = taken;
    this.unsent = size - taken;
  }

  /** Sends what the system takes of the queue. */
  sendUnsent(): void {
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
