import { describe, expect, test } from "bun:test";
import type { Code } from "../../src/base/wasm.ts";
import {
  add,
  add64,
  and,
  assemble,
  block,
  choose,
  constant,
  constant64,
  countOnes64,
  equal,
  get,
  giveBack,
  increase,
  isGreater,
  isLess,
  isLessUnsigned,
  isZero,
  isZero64,
  leave,
  leaveIf,
  load32,
  load64,
  load8,
  loop,
  low32,
  multiply,
  multiply64,
  or,
  or64,
  set,
  shiftLeft,
  shiftLeft64By,
  shiftRight,
  shiftRight64,
  shiftRight64By,
  store32,
  store64,
  store8,
  subtract,
  trailingZeros64,
  when,
  widen,
  xor,
  xor64,
} from "../../src/base/wasm.ts";

/** A function of two parameters and a variable of each kind. */
function of(...body: Code[]): ReturnType<typeof assemble> {
  return assemble({ pages: 1, parameters: 2, variables32: 1, variables64: 1, body });
}

const a = get(0);
const b = get(1);
const NUMBERS = [0, 1, 2, 5, 31, 63, 64, 127, 128, 8191, 8192, 65_536, 2 ** 31 - 1, -1, -64, -65];

describe("the assembler of WebAssembly", () => {
  test("writes constants of any size", () => {
    for (const number of [...NUMBERS, -(2 ** 31), -8192, -8193]) {
      expect(of(constant(number)).call(0, 0)).toBe(number);
    }
  });

  const operations: readonly [string, Code, (x: number, y: number) => number][] = [
    ["add", add(a, b), (x, y) => (x + y) | 0],
    ["subtract", subtract(a, b), (x, y) => (x - y) | 0],
    ["multiply", multiply(a, b), (x, y) => Math.imul(x, y)],
    ["and", and(a, b), (x, y) => x & y],
    ["or", or(a, b), (x, y) => x | y],
    ["xor", xor(a, b), (x, y) => x ^ y],
    ["shiftLeft", shiftLeft(a, 5), (x) => x << 5],
    ["shiftRight", shiftRight(a, 5), (x) => x >>> 5],
    ["choose", choose(a, b, constant(-7)), (x, y) => (x === 0 ? -7 : y)],
    ["isZero", isZero(a), (x) => Number(x === 0)],
    ["equal", equal(a, b), (x, y) => Number(x === y)],
    ["isLess", isLess(a, b), (x, y) => Number(x < y)],
    ["isLessUnsigned", isLessUnsigned(a, b), (x, y) => Number(x >>> 0 < y >>> 0)],
    ["isGreater", isGreater(a, b), (x, y) => Number(x > y)],
  ];
  for (const [name, code, expected] of operations) {
    test(`${name} is what it is in JavaScript`, () => {
      const { call } = of(code);
      for (const x of NUMBERS) for (const y of NUMBERS) expect(call(x, y)).toBe(expected(x, y));
    });
  }

  test("loads and stores words of every width at any place", () => {
    const { memory, call } = of(
      store8(a, load8(b, 1), 100),
      store32(a, load32(b, 3), 200),
      store64(a, load64(b, 5), 300),
      constant(0),
    );
    for (let i = 0; i < 64; i++) memory[i] = 200 + i;
    call(7, 9);
    expect(memory[107]).toBe(210);
    expect([...memory.subarray(207, 212)]).toEqual([212, 213, 214, 215, 0]);
    expect([...memory.subarray(307, 316)]).toEqual([214, 215, 216, 217, 218, 219, 220, 221, 0]);
  });

  test("counts in words of 64 bits", () => {
    const { memory, call } = of(
      set(3, xor64(load64(a), load64(b))),
      when(isZero64(get(3)), giveBack(constant(-1))),
      low32(add64(countOnes64(get(3)), trailingZeros64(get(3)))),
    );
    expect(call(0, 8)).toBe(-1);
    memory[5] = 0b1010;
    expect(call(0, 8)).toBe(2 + 41);
    memory[7] = 0x80;
    const shifted = of(low32(shiftRight64(load64(a), 40)));
    memory.copy(shifted.memory, 0, 0, 8);
    expect(shifted.call(0, 0)).toBe(0x80000a);
  });

  test("multiplies and shifts words of 64 bits", () => {
    const { memory, call } = of(
      set(3, multiply64(load64(a), constant64(0xc6a4a7935bd1e995n))),
      set(3, or64(shiftRight64By(get(3), b), shiftLeft64By(widen(b), get(1)))),
      store64(a, get(3)),
      constant(0),
    );
    for (const word of [0n, 1n, 0x8000000000000001n, 0xfedcba9876543210n]) {
      for (const shift of [0, 1, 31, 32, 47, 63]) {
        memory.writeBigUInt64LE(word, 0);
        call(0, shift);
        const product = BigInt.asUintN(64, word * 0xc6a4a7935bd1e995n);
        const shifted = BigInt.asUintN(64, BigInt(shift) << BigInt(shift));
        expect(memory.readBigUInt64LE(0)).toBe((product >> BigInt(shift)) | shifted);
      }
    }
    expect(of(low32(constant64(-65n))).call(0, 0)).toBe(-65);
  });

  test("leaves blocks and goes round loops", () => {
    // The sum of the numbers from a down to 1, but of none below b.
    const { call } = of(
      block(
        loop(
          leaveIf(isZero(a), 1),
          leaveIf(isLess(a, b), 1),
          increase(2, a),
          set(0, subtract(a, constant(1))),
          leave(),
        ),
      ),
      get(2),
    );
    expect([call(4, 0), call(4, 3), call(0, 0)]).toEqual([10, 7, 0]);
  });
});
