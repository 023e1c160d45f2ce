/** Integers inside strings against the same with BigInt and a text of zeros and ones. */
import { expect, test } from "bun:test";
import { int64, setInt64, toBigInt } from "../../src/base/numbers.ts";
import {
  addToField,
  OVERFLOW_FAIL,
  OVERFLOW_SATURATE,
  OVERFLOW_WRAP,
  readField,
  writeField,
} from "../../src/types/bitfield.ts";
import { pick, seeded } from "../support/seed.ts";
import type { Random } from "../../src/base/random.ts";

const START = 3;
const LENGTH = 40;

function words(value: bigint): readonly [low: number, high: number] {
  setInt64(BigInt.asIntN(64, value));
  return [int64.low, int64.high];
}

function left(): bigint {
  return toBigInt(int64.low, int64.high);
}

function randomInt64(random: Random): bigint {
  const noise = toBigInt(random.int32(), random.int32());
  return noise >> BigInt(random.below(64));
}

test("fields of every width and position keep what is written and leave their neighbours alone", () => {
  const random = seeded("bitfield");
  const bytes = Buffer.alloc(START + LENGTH + 1);
  for (let round = 0; round < 3000; round++) {
    for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
    const signed = random.below(2) === 0;
    const bits = 1 + random.below(signed ? 64 : 63);
    const offset = random.below(LENGTH * 8 - bits + 1);
    const value = randomInt64(random);
    const before = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
    writeField(bytes, START, offset, bits, ...words(value));
    const at = START * 8 + offset;
    const inside = BigInt.asUintN(bits, value).toString(2).padStart(bits, "0");
    const after = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
    expect(after).toBe(before.slice(0, at) + inside + before.slice(at + bits));
    readField(bytes, START, START + LENGTH, offset, bits, signed);
    expect(left()).toBe(signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value));
  }
});

test("behind the end of a string a field is zero", () => {
  const bytes = Buffer.alloc(20, 0xff);
  readField(bytes, 0, 1, 4, 64, false);
  expect(left()).toBe(BigInt.asIntN(64, 0xf000000000000000n));
  readField(bytes, 0, 1, 8, 64, true);
  expect(left()).toBe(0n);
  readField(bytes, 0, 1, 2 ** 33, 17, true);
  expect(left()).toBe(0n);
});

test("sums wrap, saturate or fail at the limits of the field", () => {
  const random = seeded("bitfield");
  for (let round = 0; round < 20_000; round++) {
    const signed = random.below(2) === 0;
    const bits = 1 + random.below(signed ? 64 : 63);
    const max = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
    const min = signed ? -max - 1n : 0n;
    const anything = randomInt64(random);
    const value = signed ? BigInt.asIntN(bits, anything) : BigInt.asUintN(bits, anything);
    const near = pick(random, [max - value, min - value, 0n]) + BigInt(random.below(5) - 2);
    const increment = BigInt.asIntN(64, random.below(2) === 0 ? near : randomInt64(random));
    const sum = value + increment;
    const fits = sum >= min && sum <= max;
    for (const overflow of [OVERFLOW_WRAP, OVERFLOW_SATURATE, OVERFLOW_FAIL]) {
      const parts = [...words(value), ...words(increment)] as const;
      const result = addToField(...parts, bits, signed, overflow);
      expect([value, increment, bits, result]).toEqual([value, increment, bits, fits]);
      const wrapped = signed ? BigInt.asIntN(bits, sum) : BigInt.asUintN(bits, sum);
      if (fits) expect(left()).toBe(sum);
      else if (overflow === OVERFLOW_WRAP) expect(left()).toBe(wrapped);
      else if (overflow === OVERFLOW_SATURATE) expect(left()).toBe(sum > max ? max : min);
    }
  }
});
