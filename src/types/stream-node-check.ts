/**
 * Checks the nodes of a stream from outside, one after another: bytes that are a listpack already (structures/listpack-check.ts).
 * What passes has the form of stream-node.ts, counts that are right, and ids that grow, also beyond the node before.
 */
import { int64 } from "../base/numbers.ts";
import { HEADER_SIZE } from "../structures/listpack-check.ts";
import { decodeInteger, entrySize, isIntegerHead, STRING6 } from "../structures/listpack-entry.ts";
import { StreamId } from "../structures/stream-id.ts";
import { FLAG_DELETED, FLAG_SAME_FIELDS } from "./stream-node.ts";

/** Heads below it are integers themselves. */
const INT7_END = STRING6;

export class NodeCheck {
  /** The greatest id so far; 0-0 before the first entry. */
  readonly last: StreamId = new StreamId();
  /** Entries of the node that are not deleted. */
  live = 0;
  readonly #id: StreamId = new StreamId();
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;
  #sound = false;

  /** Whether the listpack bytes[start, end) is a node of this id that may follow the nodes seen so far. */
  isSound(master: StreamId, bytes: Buffer, start: number, end: number): boolean {
    this.#bytes = bytes;
    this.#at = start + HEADER_SIZE;
    this.#end = end - 1;
    this.#sound = true;
    const live = this.#count();
    const deleted = this.#count();
    const fields = this.#count();
    this.#skip(fields);
    if (this.#count() !== 0) this.#sound = false;
    this.live = 0;
    let marked = 0;
    while (this.#sound && this.#at < this.#end) {
      const flags = this.#count();
      if (!this.#readId(master)) this.#sound = false;
      const own = (flags & FLAG_SAME_FIELDS) === 0;
      const count = own ? this.#count() : fields;
      const elements = own ? 2 * count : count;
      this.#skip(elements);
      if (this.#count() !== elements + (own ? 4 : 3)) this.#sound = false;
      if ((flags & FLAG_DELETED) === 0) this.live++;
      else marked++;
    }
    return this.#sound && this.live === live && marked === deleted;
  }

  /** Reads an entry's id, which must be greater than the last one and not less than the node's. */
  #readId(master: StreamId): boolean {
    const id = this.#id;
    this.#integer();
    const ms = (master.msLow >>> 0) + (int64.low >>> 0);
    const msHigh = master.msHigh + int64.high + (ms > 0xffffffff ? 1 : 0);
    this.#integer();
    const seq = (master.seqLow >>> 0) + (int64.low >>> 0);
    id.set(msHigh, ms, master.seqHigh + int64.high + (seq > 0xffffffff ? 1 : 0), seq);
    const isNext = id.compare(this.last) > 0 && id.compare(master) >= 0;
    if (isNext) this.last.copy(id);
    return isNext;
  }

  /** Reads an integer that counts something, below 2^31. */
  #count(): number {
    const head = this.#at < this.#end ? this.#bytes[this.#at]! : INT7_END;
    if (head < INT7_END) {
      // Most of them: a head that is the number, and its backlen.
      this.#at += 2;
      return head;
    }
    this.#integer();
    if (int64.high !== 0 || int64.low < 0) this.#sound = false;
    return this.#sound ? int64.low : 0;
  }

  /** Leaves the next element in `int64`. */
  #integer(): void {
    int64.low = 0;
    int64.high = 0;
    if (this.#at >= this.#end || !isIntegerHead(this.#bytes[this.#at]!)) {
      this.#sound = false;
      return;
    }
    decodeInteger(this.#bytes, this.#at);
    this.#at += entrySize(this.#bytes, this.#at);
  }

  #skip(count: number): void {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = this.#at;
    for (let left = count; left > 0; left--) {
      if (at >= end) {
        this.#sound = false;
        break;
      }
      at += entrySize(bytes, at);
    }
    this.#at = at;
  }
}
