import { expect, test } from "bun:test";
import { Crc64 } from "../../src/persistence/crc64.ts";
import { seeded } from "../support/seed.ts";

const MASK = (1n << 64n) - 1n;

/** The definition, bit by bit. */
function model(bytes: Buffer): bigint {
  let crc = 0n;
  for (const byte of bytes) {
    for (let bit = 0n; bit < 8n; bit++) {
      const high = (crc >> 63n) ^ ((BigInt(byte) >> bit) & 1n);
      crc = (crc << 1n) & MASK;
      if (high === 1n) crc ^= 0xad93d23594c935a9n;
    }
  }
  let reversed = 0n;
  for (let bit = 0n; bit < 64n; bit++) reversed = (reversed << 1n) | ((crc >> bit) & 1n);
  return reversed;
}

function checksum(crc: Crc64): bigint {
  const bytes = Buffer.alloc(8);
  crc.write(bytes, 0);
  return bytes.readBigUInt64LE();
}

test("the checksum of the digits 1 to 9 is the one that is published", () => {
  const crc = new Crc64();
  crc.add(Buffer.from("123456789"), 0, 9);
  expect(checksum(crc)).toBe(0xe9c6d914c4b8d9can);
});

test("many bytes have the checksum that they have in pieces", () => {
  const random = seeded("crc64 of many bytes");
  for (let round = 0; round < 60; round++) {
    const bytes = Buffer.from(
      Array.from({ length: random.below(200_000) }, () => random.below(256)),
    );
    const whole = new Crc64();
    const pieces = new Crc64();
    const start = random.below(Math.min(bytes.length + 1, 20));
    whole.add(bytes, start, bytes.length);
    for (let at = start; at < bytes.length;) {
      const end = Math.min(bytes.length, at + 1 + random.below(1000));
      pieces.add(bytes, at, end);
      at = end;
    }
    expect(checksum(whole)).toBe(checksum(pieces));
  }
});

test("any bytes in any pieces have the checksum of the definition", () => {
  const random = seeded("crc64");
  for (let round = 0; round < 200; round++) {
    const bytes = Buffer.from(Array.from({ length: random.below(100) }, () => random.below(256)));
    const crc = new Crc64();
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + 1 + random.below(30));
      crc.add(bytes, at, end);
      at = end;
    }
    expect(checksum(crc)).toBe(model(bytes));
  }
});
