/**
 * Messages that wait to be sent to a session and are no replies to it.
 *
 * What is published to many is written once, into a batch that all its receivers read (`MessageBatch`). A queue only notes from
 * where on a batch is its own: whatever is appended to it from then on belongs to the queue too, until something else comes or the
 * queue is sent.
 *
 *   earlier   | message | part of a batch | message |    then    batch from #from to wherever it ends when the queue is sent
 */
import { freeBuffer } from "../base/bytes.ts";
import type { Slice } from "../base/slice.ts";
import type { Reply } from "../protocol/reply.ts";

/** A batch that is longer is followed by another one. */
export const BATCH_SIZE_MAX: number = 64 * 1024;
const BATCH_SIZE_FIRST = 512;
/** A batch that is emptied keeps no more memory than this. */
const BATCH_SIZE_KEEP: number = 64 * 1024;

export class MessageBatch {
  bytes: Buffer = Buffer.allocUnsafeSlow(BATCH_SIZE_FIRST);
  length = 0;
  /** Queues that take in what will be appended. */
  followers = 0;
  /** Until this changes somewhere, queues may refer to the batch: see `Deliveries.epoch`. */
  epoch: number;

  constructor(epoch: number) {
    this.epoch = epoch;
  }

  /** Makes room for `size` more bytes; what queues have noted stays true. */
  ensure(size: number): void {
    if (this.length + size <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + size));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  /** Empties a batch to which no queue refers any more. */
  reuse(epoch: number): void {
    this.epoch = epoch;
    this.length = 0;
    this.followers = 0;
    if (this.bytes.length <= BATCH_SIZE_KEEP) return;
    freeBuffer(this.bytes);
    this.bytes = Buffer.allocUnsafeSlow(BATCH_SIZE_FIRST);
  }
}

export class PushQueue {
  readonly #earlier: Buffer[] = [];
  #batch: MessageBatch | null = null;
  #from = 0;
  /** The batch's epoch when it was taken: a queue of one who has gone may outlive it. */
  #epoch = 0;

  /** Appends a message, whose bytes nobody changes any more. */
  add(message: Buffer): void {
    this.leave();
    this.#earlier.push(message);
  }

  /** Takes in what will be appended to a batch. */
  follow(batch: MessageBatch): void {
    if (batch === this.#batch && batch.epoch === this.#epoch) return;
    this.leave();
    this.#batch = batch;
    this.#from = batch.length;
    this.#epoch = batch.epoch;
    batch.followers++;
  }

  /** Takes in no more of the batch than it has now. */
  leave(): void {
    const batch = this.#batch;
    if (batch === null) return;
    if (batch.epoch === this.#epoch) {
      this.#earlier.push(batch.bytes.subarray(this.#from, batch.length));
    }
    this.#unfollow(batch);
  }

  /** Points `out` at all bytes of the queue, which is empty then, if they lie together. */
  takeWhole(out: Slice): boolean {
    const batch = this.#batch;
    if (batch === null || this.#earlier.length > 0) return false;
    out.set(batch.bytes, this.#from, batch.length);
    this.#unfollow(batch);
    return true;
  }

  /** Appends all bytes of the queue, which is empty then, to replies. */
  moveTo(reply: Reply): void {
    for (const message of this.#earlier) reply.raw(message, 0, message.length);
    this.#earlier.length = 0;
    const batch = this.#batch;
    if (batch === null) return;
    reply.raw(batch.bytes, this.#from, batch.length);
    this.#unfollow(batch);
  }

  #unfollow(batch: MessageBatch): void {
    if (batch.epoch === this.#epoch) batch.followers--;
    this.#batch = null;
  }
}
