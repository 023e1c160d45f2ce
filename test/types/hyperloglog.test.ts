/** HyperLogLog below the commands: its hash, both forms of its registers, damage, and how good its estimates are. */
import { describe, expect, test } from "bun:test";
import { int64 } from "../../src/base/numbers.ts";
import {
  countDense,
  getDense,
  mergeDense,
  packDense,
  raiseDense,
} from "../../src/types/hyperloglog-dense.ts";
import { estimate } from "../../src/types/hyperloglog-estimator.ts";
import { locateElement, place, REGISTER_COUNT } from "../../src/types/hyperloglog-hash.ts";
import {
  countSparse,
  describeSparse,
  mergeSparse,
  SPARSE_CHANGED,
  SPARSE_DAMAGED,
  SPARSE_FULL,
  SPARSE_SAME,
  SparseEditor,
} from "../../src/types/hyperloglog-sparse.ts";
import {
  HEADER_SIZE,
  isDense,
  isHyperLogLog,
  writeDense,
  writeEmpty,
} from "../../src/types/hyperloglog.ts";
import { pick, seeded } from "../support/seed.ts";

const SEED = 0xadc83b19n;

function emptyEditor(): SparseEditor {
  const editor = new SparseEditor(HEADER_SIZE);
  editor.begin(writeEmpty(editor.bytes));
  return editor;
}

test("an element's place is that of MurmurHash64A, whatever its length and bytes", () => {
  const random = seeded("hyperloglog");
  const lengths = Array.from({ length: 200 }, (_, length) => length);
  // Longer than what is hashed at once, by whole words and other than these, and in between short again.
  lengths.push(32_760, 32_767, 32_768, 5, 32_769, 32_776, 65_536, 100_003, 0);
  for (const length of lengths) {
    const bytes = Buffer.from(Array.from({ length: length + 3 }, () => random.below(256)));
    const hash = Bun.hash.murmur64v2(bytes.subarray(3), SEED);
    locateElement(bytes, 3, bytes.length);
    expect(place.register).toBe(Number(hash & 16383n));
    const rest = (hash >> 14n) | (1n << 50n);
    expect(place.count).toBe(rest.toString(2).length - rest.toString(2).lastIndexOf("1"));
  }
});

describe("dense registers", () => {
  test("are raised one by one and leave the others alone", () => {
    const random = seeded("hyperloglog");
    const model = new Uint8Array(REGISTER_COUNT);
    const bytes = Buffer.alloc(12288 + 10, 0);
    bytes.fill(0xee, 12288 + 5);
    for (let i = 0; i < 40_000; i++) {
      const register = random.below(REGISTER_COUNT);
      const count = random.below(64);
      expect(raiseDense(bytes, 5, register, count)).toBe(count > model[register]!);
      model[register] = Math.max(model[register]!, count);
    }
    for (let i = 0; i < REGISTER_COUNT; i++) {
      if (getDense(bytes, 5, i) !== model[i]) throw new Error(`register ${i}`);
    }
    expect([...bytes.subarray(12293)]).toEqual([0xee, 0xee, 0xee, 0xee, 0xee]);

    const packed = Buffer.alloc(12288);
    packDense(model, packed, 0);
    expect(packed.equals(bytes.subarray(5, 12293))).toBe(true);
    const merged = new Uint8Array(REGISTER_COUNT).fill(9);
    mergeDense(merged, packed, 0);
    expect(merged).toEqual(model.map((count) => Math.max(count, 9)));
    const histogram = new Int32Array(64);
    countDense(histogram, packed, 0);
    expect([...histogram]).toEqual(
      Array.from({ length: 64 }, (_, value) => model.filter((count) => count === value).length),
    );
  });
});

describe("sparse registers", () => {
  /** Registers of the value as text says them. */
  function decode(editor: SparseEditor): number[] {
    const text = describeSparse(editor.bytes, HEADER_SIZE, editor.length);
    return text.split(" ").flatMap((run) => {
      const [kind, numbers] = run.split(":") as [string, string];
      const [a, b] = numbers.split(",").map(Number);
      return kind === "v" ? Array<number>(b!).fill(a!) : Array<number>(a!).fill(0);
    });
  }

  test("hold what they were raised to, in any order, in one edit or in many", () => {
    const random = seeded("hyperloglog");
    for (let round = 0; round < 30; round++) {
      const model = new Uint8Array(REGISTER_COUNT);
      const editor = emptyEditor();
      const spread = pick(random, [10, 300, REGISTER_COUNT]);
      const valueMax = pick(random, [1, 3, 32]);
      let register = 0;
      for (let i = 0; i < 400; i++) {
        const upwards = round % 2 === 0;
        register = upwards ? register + random.below(spread / 5) : random.below(spread);
        if (register >= REGISTER_COUNT) break;
        const count = 1 + random.below(valueMax);
        const changed = count > model[register]!;
        expect(editor.raise(register, count, 20_000)).toBe(changed ? SPARSE_CHANGED : SPARSE_SAME);
        if (changed) model[register] = count;
        if (random.below(20) === 0) editor.begin(editor.length);
      }
      expect(decode(editor)).toEqual([...model]);
      const merged = new Uint8Array(REGISTER_COUNT);
      expect(mergeSparse(merged, editor.bytes, HEADER_SIZE, editor.length)).toBe(true);
      expect(merged).toEqual(model);
      const histogram = new Int32Array(64);
      expect(countSparse(histogram, editor.bytes, HEADER_SIZE, editor.length)).toBe(true);
      expect(histogram[0]).toBe(model.filter((count) => count === 0).length);
    }
  });

  test("give the same bytes whether the search begins at a hint or at the start", () => {
    const random = seeded("hyperloglog");
    for (let round = 0; round < 20; round++) {
      const [hinted, plain] = [emptyEditor(), emptyEditor()];
      for (let register = random.below(9); register < 3000; register += 1 + random.below(4)) {
        const count = 1 + random.below(2);
        hinted.raise(register, count, 20_000);
        plain.begin(plain.length);
        plain.raise(register, count, 20_000);
      }
      expect(hinted.length).toBe(plain.length);
      expect(hinted.bytes.equals(plain.bytes)).toBe(true);
    }
  });

  test("are full at the size limit and at values above 32, and stay as they were", () => {
    const editor = emptyEditor();
    expect(editor.raise(5, 33, 3000)).toBe(SPARSE_FULL);
    expect(editor.raise(5, 1, 19)).toBe(SPARSE_FULL);
    expect(editor.raise(100, 1, 20)).toBe(SPARSE_FULL);
    expect(describeSparse(editor.bytes, HEADER_SIZE, editor.length)).toBe("Z:16384");
    expect(editor.raise(100, 1, 21)).toBe(SPARSE_CHANGED);
    expect(describeSparse(editor.bytes, HEADER_SIZE, editor.length)).toBe("Z:100 v:1,1 Z:16283");
  });

  test("of any bytes whatever are refused or changed, but nothing beyond them is read or written", () => {
    const random = seeded("hyperloglog");
    const editor = new SparseEditor(HEADER_SIZE);
    const sizeMax = editor.bytes.length;
    let damaged = 0;
    for (let round = 0; round < 2000; round++) {
      const long = round % 50 === 0;
      const length = long ? 32768 - random.below(4) : random.below(300);
      const runs = Array.from({ length }, () => pick(random, [0, 63, 64, 65, 127, 128, 131, 255]));
      const value = Buffer.from([...Array<number>(HEADER_SIZE).fill(0), ...runs]);
      editor.load(value, 0, value.length);
      for (let i = 0; i < 20; i++) {
        const result = editor.raise(random.below(REGISTER_COUNT), 1 + random.below(32), Infinity);
        if (result === SPARSE_DAMAGED) damaged++;
        expect(editor.length).toBeLessThanOrEqual(sizeMax);
      }
      const registers = new Uint8Array(REGISTER_COUNT);
      const valid = mergeSparse(registers, editor.bytes, HEADER_SIZE, editor.length);
      const histogram = new Int32Array(64);
      expect(countSparse(histogram, editor.bytes, HEADER_SIZE, editor.length)).toBe(valid);
      describeSparse(editor.bytes, HEADER_SIZE, editor.length);
    }
    expect(damaged).toBeGreaterThan(100);
  });
});

test("a value is told by its magic, its encoding and the length of a dense one", () => {
  const editor = emptyEditor();
  expect(isHyperLogLog(editor.bytes, 0, editor.length)).toBe(true);
  expect(isDense(editor.bytes, 0)).toBe(false);
  expect(isHyperLogLog(editor.bytes, 0, 15)).toBe(false);
  const dense = Buffer.alloc(12304);
  writeDense(dense, 0, new Uint8Array(REGISTER_COUNT), editor.bytes, 0);
  expect(isDense(dense, 0)).toBe(true);
  expect(isHyperLogLog(dense, 0, 12304)).toBe(true);
  expect(isHyperLogLog(dense, 0, 12303)).toBe(false);
  dense[4] = 2;
  expect(isHyperLogLog(dense, 0, 12304)).toBe(false);
});

test("estimates stay within five standard errors from one element to a million", () => {
  const random = seeded("hyperloglog");
  const element = Buffer.alloc(8);
  element.writeInt32LE(random.int32(), 4);
  const registers = new Uint8Array(REGISTER_COUNT);
  const histogram = new Int32Array(64);
  let next = 1;
  for (let i = 1; i <= 1_000_000; i++) {
    element.writeInt32LE(i, 0);
    locateElement(element, 0, 8);
    if (place.count > registers[place.register]!) registers[place.register] = place.count;
    if (i !== next) continue;
    next *= 10;
    histogram.fill(0);
    for (const count of registers) histogram[count]!++;
    estimate(histogram);
    expect(int64.high).toBe(0);
    expect(Math.abs(int64.low - i)).toBeLessThanOrEqual(Math.ceil(5 * 0.0081 * i));
  }
});
