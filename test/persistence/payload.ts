/** Builds RDB bytes by hand, for forms that no server at hand writes, and for those that nobody should. */
import { Crc64 } from "../../src/persistence/crc64.ts";

type Part = number | string | Buffer;

/** A payload for RESTORE: type and value, then version and checksum. */
export function payload(type: number, ...value: Part[]): Buffer {
  return sealed(join(type, ...value));
}

/** The same of type and value as they are. @param version of the format */
export function sealed(content: Buffer, version = 10): Buffer {
  const bytes = Buffer.concat([content, Buffer.alloc(10)]);
  bytes.writeUInt16LE(version, content.length);
  const crc = new Crc64();
  crc.add(bytes, 0, content.length + 2);
  crc.write(bytes, content.length + 2);
  return bytes;
}

/** Bytes, and strings of one character a byte, one after another. */
export function join(...parts: Part[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === "number") return Buffer.of(part);
      return typeof part === "string" ? Buffer.from(part, "latin1") : part;
    }),
  );
}

/** A length below 2^32. */
export function length(value: number): Buffer {
  if (value < 64) return Buffer.of(value);
  const bytes = Buffer.of(0x80, 0, 0, 0, 0);
  bytes.writeUInt32BE(value, 1);
  return bytes;
}

/** A string with its length. */
export function text(...parts: Part[]): Buffer {
  const bytes = join(...parts);
  return join(length(bytes.length), bytes);
}

/** A ziplist of strings, and of integers given as [encoding byte, bytes...]. */
export function ziplist(...elements: (string | readonly number[])[]): Buffer {
  const entries: Buffer[] = [];
  let before = 0;
  let tail = 10;
  let size = 10;
  for (const element of elements) {
    const body = typeof element === "string" ? ziplistString(element) : Buffer.from(element);
    const prefix = before < 254 ? Buffer.of(before) : join(254, uint32(before));
    const entry = join(prefix, body);
    tail = size;
    size += entry.length;
    before = entry.length;
    entries.push(entry);
  }
  const count = Buffer.alloc(2);
  count.writeUInt16LE(elements.length);
  return join(uint32(size + 1), uint32(tail), count, ...entries, 255);
}

function ziplistString(element: string): Buffer {
  if (element.length < 64) return join(element.length, element);
  if (element.length < 16384) {
    return join(0x40 | (element.length >> 8), element.length & 255, element);
  }
  const size = Buffer.alloc(4);
  size.writeUInt32BE(element.length);
  return join(0x80, size, element);
}

/** A zipmap. @param unused bytes behind each value */
export function zipmap(unused: number, ...pairs: (readonly [string, string])[]): Buffer {
  const parts: Part[] = [pairs.length];
  for (const [field, value] of pairs) {
    parts.push(zipmapLength(field), field, zipmapLength(value), unused, value);
    parts.push(Buffer.alloc(unused));
  }
  return join(...parts, 255);
}

function zipmapLength(value: string): Buffer {
  return value.length < 254 ? Buffer.of(value.length) : join(254, uint32(value.length));
}

/** A listpack of short strings and of integers from 0 to 127. */
export function listpack(...elements: (string | number)[]): Buffer {
  const entries = elements.map((element) =>
    typeof element === "number"
      ? Buffer.of(element, 1)
      : join(0x80 | element.length, element, element.length + 1),
  );
  const content = join(...entries, 255);
  const head = Buffer.alloc(6);
  head.writeUInt32LE(content.length + 6);
  head.writeUInt16LE(elements.length, 4);
  return join(head, content);
}

/** Eight bytes of a double. */
export function double(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

/** Sixteen bytes of a stream's id. */
export function streamId(ms: number, seq: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64BE(BigInt(ms), 0);
  bytes.writeBigUInt64BE(BigInt(seq), 8);
  return bytes;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
