import { describe, expect, test } from "bun:test";
import { int64, setInt64, toBigInt } from "../../src/base/numbers.ts";
import { Slice } from "../../src/base/slice.ts";
import { Arena } from "../../src/memory/arena.ts";
import { Listpack } from "../../src/structures/listpack.ts";
import { rounds, seeded } from "../support/seed.ts";
import {
  INTEGERS,
  LENGTHS,
  LOOKALIKES,
  Model,
  change,
  packOf,
  randomItem,
} from "./listpack-model.ts";

describe("the bytes", () => {
  // The listpacks in what redis-server 7.0.15 answers to DUMP.
  const cases: [string, string[], string][] = [
    ["an empty listpack", [], "070000000000ff"],
    [
      "short strings and integers",
      ["hello", "", "0", "127", "128", "-1"],
      "1a00000006008568656c6c6f06800100017f01c08002dfff02ff",
    ],
    [
      "the bounds of 13, 16 and 24 bits",
      "4095 4096 -4096 -4097 32767 32768 -32768 -32769 8388607 8388608 -8388608 -8388609".split(
        " ",
      ),
      "3d0000000c00cfff02f1001003d00002f1ffef03f1ff7f03f200800004f1008003f2ff7fff04f2ffff7f04f3000080" +
        "0005f200008004f3ffff7fff05ff",
    ],
    [
      "the bounds of 32 and 64 bits",
      [
        ..."2147483647 2147483648 -2147483648 -2147483649 9223372036854775807".split(" "),
        ..."-9223372036854775808 9223372036854775808 -9223372036854775809".split(" "),
      ],
      "660000000800f3ffffff7f05f4000000800000000009f30000008005f4ffffff7fffffffff09f4ffffffffffffff7f" +
        "09f400000000000000800993393232333337323033363835343737353830381494" +
        "2d3932323333373230333638353437373538303915ff",
    ],
    [
      "what only looks like an integer",
      ["-0", "00", "+1", "1.0", " 1", "01", "-", "12345678901234567890123"],
      "3c0000000800822d300382303003822b310383312e30048220310382303103812d0297313233343536373839303132" +
        "333435363738393031323318ff",
    ],
    [
      "a small hash",
      ["name", "Ann", "age", "41", "balance", "-1250", "id", "1700000000000"],
      "330000000800846e616d650583416e6e04836167650429018762616c616e636508db1e0282696403f40068e5cf8b01" +
        "000009ff",
    ],
  ];
  for (const [name, items, hex] of cases) {
    test(`are Redis's: ${name}`, () => {
      expect(packOf(items).bytes().toString("hex")).toBe(hex);
    });
  }

  test("are Redis's around every bound of a string's length and of a backlen", () => {
    // From redis-server: the header, the head of x...x, its backlen, the entry "y" and the end.
    const long: [number, string, string][] = [
      [63, "4b0000000200bf", "40"],
      [64, "4d0000000200e040", "42"],
      [125, "8a0000000200e07d", "7f"],
      [126, "8c0000000200e07e", "0180"],
      [127, "8d0000000200e07f", "0181"],
      [4095, "0d1000000200efff", "2081"],
      [4096, "111000000200f000100000", "2085"],
      [16377, "0a4000000200f0f93f0000", "7ffe"],
      [16378, "0c4000000200f0fa3f0000", "00ffff"],
      [16379, "0d4000000200f0fb3f0000", "018080"],
      [20000, "324e00000200f0204e0000", "019ca5"],
    ];
    for (const [length, head, back] of long) {
      const bytes = packOf(["x".repeat(length), "y"]).bytes();
      const body = Buffer.alloc(length, "x").toString("hex");
      expect(bytes.toString("hex")).toBe(`${head}${body}${back}817902ff`);
    }
  });

  test("of integers given as words are those of integers given as text", () => {
    const model = new Model();
    const words = new Model();
    for (const text of INTEGERS) {
      const value = BigInt(text);
      if (value !== BigInt.asIntN(64, value)) continue;
      model.push(text);
      setInt64(value);
      words.ref = words.pack.appendInteger(words.ref, int64.low, int64.high);
    }
    expect(words.bytes()).toEqual(model.bytes());
    // And in the place of others, from the front: each gets the value of its mirror image.
    const mirrored = new Model();
    for (const item of model.items.toReversed()) mirrored.push(item);
    let pos = words.pack.first(words.ref);
    for (const item of model.items.toReversed()) {
      setInt64(BigInt(item.toString()));
      words.ref = words.pack.replaceInteger(words.ref, pos, int64.low, int64.high);
      pos = words.pack.next(words.ref, pos);
    }
    expect(words.bytes()).toEqual(mirrored.bytes());
  });
});

describe("reading", () => {
  test("gives back every integer as text and as words", () => {
    const model = packOf([...INTEGERS, ...LOOKALIKES]);
    model.check();
    let pos = model.pack.first(model.ref);
    for (const item of model.items) {
      const value = /^(0|-?[1-9]\d*)$/.test(item.toString()) ? BigInt(item.toString()) : null;
      const stored = value !== null && value === BigInt.asIntN(64, value);
      expect(model.pack.isInteger(model.ref, pos)).toBe(stored);
      expect(model.pack.readInteger(model.ref, pos)).toBe(stored);
      if (stored) expect(toBigInt(int64.low, int64.high)).toBe(value);
      pos = model.pack.next(model.ref, pos);
    }
    expect(pos).toBe(0);
  });

  test("gives back strings of every length class", () => {
    const model = packOf(LENGTHS.map((length) => Buffer.alloc(length, "abc")));
    model.check();
  });

  test("keeps four integers readable at a time", () => {
    const model = packOf(["1", "-22", "333", "4444"]);
    const outs = model.items.map(() => new Slice());
    outs.forEach((out, i) => model.pack.read(model.ref, model.pack.at(model.ref, i), out));
    expect(outs.map((out) => out.copy().toString())).toEqual(["1", "-22", "333", "4444"]);
  });

  test("takes forms that are longer than needed as what they say", () => {
    // The string "5", then 5 in 13, 16, 24, 32 and 64 bits, then strings with too long heads.
    const entries =
      "813502 c00502 f1050003 f205000004 f30500000005 f4050000000000000009 e0013503 f0010000003506";
    const body = Buffer.from(entries.replaceAll(" ", ""), "hex");
    const bytes = Buffer.concat([Buffer.alloc(6), body, Buffer.from([255])]);
    bytes.writeUInt32LE(bytes.length, 0);
    bytes.writeUInt16LE(8, 4);
    expect(Listpack.validate(bytes, 0, bytes.length)).toBe(true);
    const model = new Model();
    model.pack.free(model.ref);
    model.ref = model.pack.load(bytes, 0, bytes.length);
    const five = Buffer.from("5");
    model.items = new Array<Buffer>(8).fill(five);
    model.check();
    for (let pos = model.pack.first(model.ref); pos !== 0; pos = model.pack.next(model.ref, pos)) {
      expect(model.find(five, pos, 0)).toBe(pos);
      expect(model.pack.equals(model.ref, pos, five, 0, 1)).toBe(true);
    }
    while (model.items.length > 0) {
      model.ref = model.pack.remove(model.ref, model.pack.first(model.ref));
      model.items.pop();
      model.check();
    }
  });

  test("finds fields only, when it skips values", () => {
    const model = packOf(["a", "b", "b", "a", "7", "9", "9", "7"]);
    const first = model.pack.first(model.ref);
    const index = (item: string, skip: number, from = first): number => {
      const pos = model.find(Buffer.from(item), from, skip);
      for (let i = 0; i < 8; i++) if (model.pack.at(model.ref, i) === pos) return i;
      return -1;
    };
    expect([index("b", 1), index("a", 1), index("9", 1), index("7", 1)]).toEqual([2, 0, 6, 4]);
    expect([index("b", 0), index("9", 0), index("9", 2)]).toEqual([1, 5, 6]);
    expect(index("a", 1, model.pack.at(model.ref, 1))).toBe(3);
    expect([index("c", 0), index("8", 1), index("07", 0), index("", 0)]).toEqual([-1, -1, -1, -1]);
    expect(model.find(Buffer.from("a"), 0, 0)).toBe(0);
  });
});

describe("a listpack", () => {
  for (const target of [4, 30, 200]) {
    test(`agrees with an array of about ${target} elements through random changes`, () => {
      const random = seeded("listpack changes");
      const model = new Model();
      for (let round = 0; round < rounds * (target === 200 ? 2000 : 5000); round++) {
        change(model, random, target);
        model.check();
        const { pack, ref, items } = model;
        const index = random.below(2 * items.length + 4) - items.length - 2;
        const pos = pack.at(ref, index);
        const expected = items.at(index);
        expect(pos === 0).toBe(expected === undefined);
        if (expected !== undefined) {
          expect(model.text(ref, pos)).toEqual(expected);
          expect(pack.equals(ref, pos, expected, 0, expected.length)).toBe(true);
        }
        const wanted =
          random.below(3) > 0 && expected !== undefined ? expected : randomItem(random);
        if (pos !== 0) {
          expect(pack.equals(ref, pos, wanted, 0, wanted.length)).toBe(wanted.equals(expected!));
        }
        const from = random.below(items.length + 1);
        const skip = random.below(3);
        let found = -1;
        for (let i = items.length - 1; i >= from; i--) {
          if ((i - from) % (skip + 1) === 0 && items[i]!.equals(wanted)) found = i;
        }
        const at = model.find(wanted, pack.at(ref, from), skip);
        expect(at).toBe(found === -1 ? 0 : pack.at(ref, found));
      }
      model.pack.free(model.ref);
      expect(model.arena.blocks).toBe(0);
    });
  }

  test("can be split anywhere and put together again", () => {
    const random = seeded("listpack splits");
    const arena = new Arena(true);
    for (let round = 0; round < 1000 * rounds; round++) {
      const model = new Model(arena);
      const { pack } = model;
      const length = 1 + random.below(20);
      while (model.items.length < length) model.push(randomItem(random));
      const index = random.below(length + 1);
      const whole = model.bytes();
      const pos = index === length ? pack.byteLength(model.ref) - 1 : pack.at(model.ref, index);
      const other = pack.split(model.ref, pos);
      model.ref = pack.shrink(model.ref);
      expect(model.list()).toEqual(model.items.slice(0, index));
      expect(pack.count(model.ref)).toBe(index);
      expect(model.list(other)).toEqual(model.items.slice(index));
      expect(pack.count(other)).toBe(length - index);
      expect(arena.blocks).toBe(2);
      model.ref = pack.concat(model.ref, other);
      model.check();
      expect(model.bytes()).toEqual(whole);
      pack.free(model.ref);
    }
  });

  test("can be copied", () => {
    const model = packOf(["a", "1", "b".repeat(100)]);
    const copy = model.pack.duplicate(model.ref);
    model.push("c");
    expect(model.list(copy)).toEqual(model.items.slice(0, 3));
    model.pack.free(copy);
    model.check();
  });

  test("takes elements of another block of the same arena", () => {
    const model = packOf(["one", "two".repeat(30)]);
    const { pack } = model;
    const out = new Slice();
    let other = pack.create();
    for (let pos = pack.first(model.ref); pos !== 0; pos = pack.next(model.ref, pos)) {
      pack.read(model.ref, pos, out);
      other = pack.append(other, out.bytes, out.start, out.end);
    }
    expect(model.list(other)).toEqual(model.items);
  });

  test("refuses to copy an element within its block", () => {
    const model = packOf(["one", "two"]);
    const out = new Slice();
    model.pack.read(model.ref, model.pack.first(model.ref), out);
    expect(() => model.pack.append(model.ref, out.bytes, out.start, out.end)).toThrow("within");
  });

  test("does not move while its block has room", () => {
    const model = new Model();
    model.pack.free(model.ref);
    model.ref = model.pack.create(1000);
    const ref = model.ref;
    while (model.pack.byteLength(model.ref) + 12 <= 1000) model.push("ten bytes!");
    expect(model.ref).toBe(ref);
    model.check();
  });

  test("does not move while the room lasts that was reserved", () => {
    const model = packOf(["a", "1"]);
    model.ref = model.pack.reserve(model.ref, 1000);
    const ref = model.ref;
    model.check();
    for (let i = 0; i < 80; i++) model.push("ten bytes!");
    expect(model.ref).toBe(ref);
    expect(model.pack.reserve(ref, 0)).toBe(ref);
    model.check();
  });

  test("gives room back when more than half of its block is unused", () => {
    const model = packOf(new Array<string>(2000).fill("some element"));
    while (model.items.length > 0) {
      model.ref = model.pack.remove(model.ref, model.pack.last(model.ref));
      model.items.pop();
      const used = model.pack.byteLength(model.ref);
      expect(model.arena.usedBytes).toBeLessThanOrEqual(Math.max(2 * used, 16));
    }
    model.check();
  });

  test("moves rarely while it grows, however large", () => {
    const model = new Model();
    const element = Buffer.alloc(1000, "e");
    let moves = 0;
    for (let i = 0; i < 4000; i++) {
      const ref = model.pack.append(model.ref, element, 0, element.length);
      if (ref !== model.ref) moves++;
      model.ref = ref;
    }
    expect(moves).toBeLessThan(100);
    expect(model.pack.count(model.ref)).toBe(4000);
  });

  test("counts more elements than its header can", () => {
    const model = new Model();
    const { pack } = model;
    const header = (): number => model.bytes().readUInt16LE(4);
    for (let i = 0; i < 65534; i++) model.ref = pack.appendInteger(model.ref, i & 127, 0);
    expect(header()).toBe(65534);
    for (let i = 65534; i < 65540; i++) model.ref = pack.appendInteger(model.ref, i & 127, 0);
    expect(header()).toBe(65535);
    expect(pack.count(model.ref)).toBe(65540);
    expect(model.text(model.ref, pack.at(model.ref, 65539)).toString()).toBe(`${65539 & 127}`);
    expect(model.text(model.ref, pack.at(model.ref, -65540)).toString()).toBe("0");
    expect(pack.at(model.ref, 65540)).toBe(0);
    expect(pack.at(model.ref, -65541)).toBe(0);
    const bytes = model.bytes();
    expect(Listpack.validate(bytes, 0, bytes.length)).toBe(true);

    const other = pack.split(model.ref, pack.at(model.ref, 40000));
    expect(pack.count(other)).toBe(25540);
    expect(pack.count(model.ref)).toBe(40000);
    model.ref = pack.concat(model.ref, other);
    expect(header()).toBe(65535);
    model.ref = pack.removeRange(model.ref, pack.first(model.ref), 10);
    expect(header()).toBe(65535);
    // Few enough again: the header learns it from the first who asks.
    expect(pack.count(model.ref)).toBe(65530);
    expect(header()).toBe(65530);
    model.ref = pack.removeRange(model.ref, pack.first(model.ref), 1e9);
    expect(model.bytes().toString("hex")).toBe("070000000000ff");
  });
});
