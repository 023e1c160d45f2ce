/**
 * The requests that the load generator sends, in both protocols, built before anything is measured.
 *
 * Keys are "key:" and twelve digits, as redis-benchmark makes them; values are 16 bytes that are no number. So all
 * requests of one kind have one size, and so have their replies: a generator counts bytes and parses nothing.
 */
export type Protocol = "resp" | "native";
export type SingleOperation = "SET" | "GET";
/** MULTI is a whole transaction: MULTI, ten SETs of different keys, EXEC. Only RESP has it. */
export type Operation = SingleOperation | "MULTI";

export const KEY_SIZE = 16;
export const VALUE_SIZE = 16;
/** Keys that the comparison draws from: redis-benchmark's `-r`. */
export const KEY_RANGE = 100_000;

/** SETs of a transaction. */
export const TRANSACTION_SETS = 10;
/** Between the numbers of its keys. */
const TRANSACTION_STEP = 9973;

const DIGITS = 12;
const VALUE: string = "value".padEnd(VALUE_SIZE, "-");

const NATIVE_GET = 0;
const NATIVE_SET = 1;

/** The key with a number. @param index below 10^12 */
export function keyOf(index: number): string {
  return `key:${String(index).padStart(DIGITS, "0")}`;
}

/** Requests of one size, one after another. */
export class RequestRing {
  readonly bytes: Buffer;
  /** Bytes of one request. */
  readonly size: number;
  readonly count: number;
  readonly #keyAt: number;

  constructor(protocol: Protocol, operation: Operation, keys: readonly number[]) {
    const frames = keys.map((key) =>
      operation === "MULTI" ? transactionOf(key) : requestOf(protocol, operation, keyOf(key)),
    );
    this.bytes = Buffer.concat(frames);
    this.count = keys.length;
    this.size = frames[0]!.length;
    this.#keyAt = frames[0]!.indexOf("key:") + KEY_SIZE - DIGITS;
  }

  /** Changes the key of a request. */
  setKey(request: number, key: number): void {
    let rest = key;
    const start = request * this.size + this.#keyAt;
    for (let at = start + DIGITS - 1; at >= start; at--) {
      const next = Math.floor(rest / 10);
      this.bytes[at] = 0x30 + rest - next * 10;
      rest = next;
    }
  }
}

export function requestOf(protocol: Protocol, operation: SingleOperation, key: string): Buffer {
  const strings = operation === "SET" ? [key, VALUE] : [key];
  if (protocol === "native") {
    return nativeFrame(operation === "SET" ? NATIVE_SET : NATIVE_GET, strings);
  }
  return respFrame([operation, ...strings]);
}

/** A transaction. @param key number of its first key */
export function transactionOf(key: number): Buffer {
  const sets = Array.from({ length: TRANSACTION_SETS }, (_, i) => [
    "SET",
    keyOf((key + i * TRANSACTION_STEP) % KEY_RANGE),
    VALUE,
  ]);
  return Buffer.concat([["MULTI"], ...sets, ["EXEC"]].map(respFrame));
}

/** The replies to a transaction. */
export const TRANSACTION_REPLY: Buffer = Buffer.from(
  `+OK\r\n${"+QUEUED\r\n".repeat(TRANSACTION_SETS)}*${TRANSACTION_SETS}\r\n${"+OK\r\n".repeat(TRANSACTION_SETS)}`,
);

function respFrame(words: readonly string[]): Buffer {
  const parts = words.map((part) => `$${part.length}\r\n${part}\r\n`);
  return Buffer.from(`*${parts.length}\r\n${parts.join("")}`);
}

/** The reply to a request whose key is there. */
export function replyTo(protocol: Protocol, operation: SingleOperation, key: string): Buffer {
  if (protocol === "native") return nativeReply(operation === "SET" ? key : VALUE);
  return Buffer.from(operation === "SET" ? "+OK\r\n" : `$${VALUE_SIZE}\r\n${VALUE}\r\n`);
}

function nativeFrame(command: number, strings: readonly string[]): Buffer {
  return Buffer.concat([Buffer.from([0, 0, command]), ...strings.map(nativeString)]);
}

function nativeReply(text: string): Buffer {
  return Buffer.concat([Buffer.from([0, 0]), nativeString(text)]);
}

function nativeString(text: string): Buffer {
  const bytes = Buffer.alloc(4 + text.length, text);
  bytes.writeUInt32BE(text.length);
  bytes.write(text, 4, "latin1");
  return bytes;
}

/** Length of the native reply that `bytes` begins with, or -1 if it is not complete. */
export function nativeReplyEnd(bytes: Buffer): number {
  if (bytes.length < 6) return -1;
  const end = 6 + bytes.readUInt32BE(2);
  return bytes.length >= end ? end : -1;
}
