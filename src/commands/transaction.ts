/**
 * The commands that a session has queued since MULTI. Their bytes lie one behind the other in one buffer, where their
 * arguments begin and end in one array: nothing is made per argument, and what is kept for the next transaction is bounded.
 *
 *   #bytes    | frame or arguments of the first command | of the second | ...
 *   #places   | frame, count, start, end, start, end, ... | frame, count, ... |      positions in #bytes
 *
 * `frame` is where the command stands as one whole RESP frame, or -1 if it came some other way. So what the log needs of a
 * command is copied from here in one piece, as from the read buffer of a connection.
 */
import { copyBytes, freeBuffer, freeLarge } from "../base/bytes.ts";
import { INPUT_MAX, TRANSACTION_BUFFER_KEEP, TRANSACTIONS_KEEP } from "../base/limits.ts";
import { Args } from "../protocol/args.ts";
import type { Command } from "./command.ts";

const BYTES_FIRST = 1024;
const PLACES_FIRST = 128;
/** Places of a command beside those of its arguments: frame, count. */
const HEAD = 2;

/** Bytes that a queued command takes beside those of its arguments: a reference, its head, and for each argument two places. */
const COMMAND_SIZE = 8 + 4 * HEAD;
const ARGUMENT_SIZE = 8;

export class Transaction {
  /** A command was refused: EXEC runs nothing. */
  failed = false;
  /** Flags of all commands together, and those that at least one of them lacks. */
  flags = 0;
  missing = 0;
  /** In the order in which they came. */
  readonly commands: Command[] = [];
  /** Bytes of all arguments and frames. */
  size = 0;
  #bytes: Buffer = Buffer.allocUnsafeSlow(BYTES_FIRST);
  #places: Int32Array = new Int32Array(PLACES_FIRST);
  #placed = 0;
  /** Place of the command that `next` gives. */
  #cursor = 0;
  readonly #args: Args = new Args();

  /** Bytes that the queue takes, as CLIENT LIST shows them. */
  get memory(): number {
    const { commands } = this;
    const argumentCount = (this.#placed - HEAD * commands.length) / 2;
    return this.size + COMMAND_SIZE * commands.length + ARGUMENT_SIZE * argumentCount;
  }

  /** Appends a copy of a command, if it may still be run. */
  queue(command: Command, args: Args): void {
    if (this.failed) return;
    this.commands.push(command);
    this.flags |= command.flags;
    this.missing |= ~command.flags;
    const { bytes, count, frame } = args;
    let at = this.#placed;
    if (at + HEAD + 2 * count > this.#places.length) this.#growPlaces(HEAD + 2 * count);
    const places = this.#places;
    this.#placed += HEAD + 2 * count;
    places[at + 1] = count;
    if (frame >= 0) {
      const shift = this.#append(bytes, frame, args.end(count - 1) + 2) - frame;
      places[at] = frame + shift;
      at += HEAD;
      for (let i = 0; i < 2 * count; i++) places[at++] = args.places[i]! + shift;
      return;
    }
    places[at] = -1;
    at += HEAD;
    for (let i = 0; i < count; i++, at += 2) {
      const start = args.start(i);
      const end = args.end(i);
      const copy = this.#append(bytes, start, end);
      places[at] = copy;
      places[at + 1] = copy + end - start;
    }
  }

  /** Lets `next` begin with the first command. */
  rewind(): void {
    this.#cursor = 0;
  }

  /** The arguments of the next command; they are good until the one after it is asked for. */
  next(): Args {
    const args = this.#args;
    const places = this.#places;
    let at = this.#cursor;
    const count = places[at + 1]!;
    args.reset(this.#bytes, places[at]!, count);
    at += HEAD;
    for (let i = 0; i < 2 * count; i++) args.places[i] = places[at++]!;
    this.#cursor = at;
    return args;
  }

  /** Forgets everything, to be used for another transaction. */
  clear(): void {
    this.failed = false;
    this.flags = 0;
    this.missing = 0;
    this.commands.length = 0;
    this.size = 0;
    this.#placed = 0;
    this.#cursor = 0;
    this.#args.clear();
    if (this.#bytes.length > TRANSACTION_BUFFER_KEEP) {
      freeBuffer(this.#bytes);
      this.#bytes = Buffer.allocUnsafeSlow(BYTES_FIRST);
      this.#args.bytes = this.#bytes;
    }
    if (this.#places.byteLength > TRANSACTION_BUFFER_KEEP) {
      this.#places = new Int32Array(PLACES_FIRST);
    }
  }

  /** Appends bytes[start, end). Returns where they stand now. */
  #append(bytes: Buffer, start: number, end: number): number {
    const at = this.size;
    const needed = at + end - start;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(
        Math.max(Math.min(2 * this.#bytes.length, INPUT_MAX), needed),
      );
      this.#bytes.copy(larger, 0, 0, at);
      freeLarge(this.#bytes);
      this.#bytes = larger;
    }
    copyBytes(this.#bytes, at, bytes, start, end);
    this.size = needed;
    return at;
  }

  #growPlaces(count: number): void {
    const size = Math.max(2 * this.#places.length, this.#placed + count);
    const larger = new Int32Array(size);
    larger.set(this.#places.subarray(0, this.#placed));
    this.#places = larger;
  }
}

/** Transactions that nobody uses, for the next MULTI of whichever session. */
export class TransactionPool {
  readonly #spare: Transaction[] = [];

  take(): Transaction {
    return this.#spare.pop() ?? new Transaction();
  }

  give(transaction: Transaction): void {
    transaction.clear();
    if (this.#spare.length < TRANSACTIONS_KEEP) this.#spare.push(transaction);
  }
}
