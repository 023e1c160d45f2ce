/**
 * The memory that a server and the thread with its realms share, and the turns they take in it.
 *
 *   0   whose turn it is: one of the states below
 *   4   what is asked for: one of the kinds below
 *   8   bytes of the message
 *   16  the message
 *
 *   IDLE --server asks--> REQUEST --thread answers--> DONE
 *                            |  ^
 *            thread calls    v  |   server answers
 *                           CALL
 *
 * A message is a string of one character a byte. Each side waits for the state to change, never longer than it says: a thread that is
 * to be ended must not sleep for ever.
 */

export const IDLE = 0;
export const REQUEST = 1;
export const CALL = 2;
export const ANSWER = 3;
export const DONE = 4;

/** Loads a library: the number of its realm, a line feed, its code. */
export const KIND_LOAD = 0;
/** Forgets a realm: its number. */
export const KIND_UNLOAD = 1;
/** Runs a function: number of the realm, name, and what the function is given, with a line feed behind the first two. */
export const KIND_RUN = 2;

const STATE = 0;
const KIND = 1;
const SIZE = 2;
const HEADER_SIZE = 16;

const SIZE_FIRST: number = 64 * 1024;
/** Longest message with its header. */
const SIZE_MAX: number = 64 * 1024 * 1024;

export class RealmChannel {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;

  /** @param memory of the other side; made new if absent */
  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(SIZE_FIRST, { maxByteLength: SIZE_MAX });
    this.#words = new Int32Array(this.memory, 0, HEADER_SIZE / 4);
  }

  static fits(message: string): boolean {
    return message.length <= SIZE_MAX - HEADER_SIZE;
  }

  get state(): number {
    return Atomics.load(this.#words, STATE);
  }

  get kind(): number {
    return this.#words[KIND]!;
  }

  /** Gives the turn to the other side. @returns false if the message is too long; then it keeps the turn */
  send(state: number, kind: number, message: string): boolean {
    if (!RealmChannel.fits(message)) return false;
    const size = message.length;
    if (size > this.memory.byteLength - HEADER_SIZE) this.memory.grow(HEADER_SIZE + size);
    Buffer.from(this.memory, HEADER_SIZE, size).write(message, "latin1");
    this.#words[KIND] = kind;
    this.#words[SIZE] = size;
    Atomics.store(this.#words, STATE, state);
    Atomics.notify(this.#words, STATE);
    return true;
  }

  /** The message that the other side has sent. */
  message(): string {
    return Buffer.from(this.memory, HEADER_SIZE, this.#words[SIZE]!).toString("latin1");
  }

  /** Waits until the state is no longer `state`, or the time is over. @returns whether it has changed */
  waitWhile(state: number, timeoutMs: number): boolean {
    Atomics.wait(this.#words, STATE, state, timeoutMs);
    return this.state !== state;
  }

  /** Takes the turn back. */
  reset(): void {
    Atomics.store(this.#words, STATE, IDLE);
  }
}
