/**
 * The checksum (`crc64.ts`) of many bytes, in WebAssembly: words of 64 bits, and two checksums side by side, of one stretch of bytes and of
 * the next, since the lookups of one step wait for those of the step before. What the first one becomes when the second stretch
 * follows is again a matter of eight lookups, in tables of their own.
 *
 *   memory   | checksum | tables of distances | tables of a stretch | bytes, a window of them |
 */
import type { Code, Variable, WasmFunction } from "../base/wasm.ts";
import {
  add,
  and,
  assemble,
  block,
  constant,
  get,
  increase,
  isLess,
  isZero,
  leave,
  leaveIf,
  load64,
  loop,
  low32,
  set,
  shiftLeft,
  shiftRight64,
  store64,
  subtract,
  xor64,
} from "../base/wasm.ts";
import { DISTANCES, HIGH, LOW } from "./crc64-tables.ts";

/** Bytes from which it takes less time than in JavaScript. */
export const LONG_SIZE = 1024;

/** Bytes of a stretch. */
const STRETCH = 1024;
const TABLE_SIZE: number = 256 * 8;
const TABLES_SIZE: number = DISTANCES * TABLE_SIZE;
const DISTANCE_TABLES = 64;
const STRETCH_TABLES: number = DISTANCE_TABLES + TABLES_SIZE;
const BYTES: number = STRETCH_TABLES + TABLES_SIZE;
const WINDOW: number = 64 * STRETCH;
const PAGES: number = Math.ceil((BYTES + WINDOW) / 65_536);

interface Checksum {
  low: number;
  high: number;
}

let summer: WasmFunction | null = null;
let words: Int32Array = new Int32Array(0);

/** Adds whole words of eight bytes of bytes[start, end) to a checksum. @returns where they end */
export function addLong(crc: Checksum, bytes: Buffer, start: number, end: number): number {
  summer ??= create();
  const { memory, call } = summer;
  words[0] = crc.low;
  words[1] = crc.high;
  let at = start;
  while (end - at >= 8) {
    const size = Math.min(end - at, WINDOW) & -8;
    bytes.copy(memory, BYTES, at, at + size);
    call(BYTES, BYTES + size);
    at += size;
  }
  crc.low = words[0]!;
  crc.high = words[1]!;
  return at;
}

function create(): WasmFunction {
  const made = assemble({
    pages: PAGES,
    parameters: 2,
    variables32: 1,
    variables64: 3,
    body: loopCode(),
  });
  words = new Int32Array(made.memory.buffer);
  for (let i = 0; i < DISTANCES * 256; i++) {
    words[DISTANCE_TABLES / 4 + 2 * i] = LOW[i]!;
    words[DISTANCE_TABLES / 4 + 2 * i + 1] = HIGH[i]!;
  }
  fillStretchTables();
  return made;
}

/** Table i says what a stretch of zeros makes of a checksum whose byte i alone is not zero. */
function fillStretchTables(): void {
  const crc: Checksum = { low: 0, high: 0 };
  for (let bit = 0; bit < 64; bit++) {
    crc.low = bit < 32 ? 1 << bit : 0;
    crc.high = bit < 32 ? 0 : 1 << (bit - 32);
    for (let size = 0; size < STRETCH; size += DISTANCES) addZeros(crc);
    const table = (STRETCH_TABLES + (bit >>> 3) * TABLE_SIZE) / 4;
    for (let byte = 0; byte < 256; byte++) {
      if ((byte & (1 << (bit & 7))) === 0) continue;
      words[table + 2 * byte]! ^= crc.low;
      words[table + 2 * byte + 1]! ^= crc.high;
    }
  }
}

/** Adds eight zeros. */
function addZeros(crc: Checksum): void {
  let low = 0;
  let high = 0;
  for (let i = 0; i < DISTANCES; i++) {
    const word = i < 4 ? crc.low : crc.high;
    const index = (DISTANCES - 1 - i) * 256 + ((word >>> (8 * (i & 3))) & 255);
    low ^= LOW[index]!;
    high ^= HIGH[index]!;
  }
  crc.low = low;
  crc.high = high;
}

/** Adds the bytes from `from` to `end`, whole words, to the checksum at the memory's beginning. */
function loopCode(): Code {
  // Parameters.
  const from = 0;
  const end = 1;
  // Variables.
  const stop = 2;
  const one = 3;
  const other = 4;
  const word = 5;

  /** The sum of what the tables have for each byte of the word. @param tableOf address of the table of byte i */
  const lookUp = (tableOf: (i: number) => number): Code =>
    Array.from({ length: DISTANCES }, (_, i) => {
      const shifted =
        i === 0 ? shiftLeft(low32(get(word)), 3) : low32(shiftRight64(get(word), 8 * i - 3));
      return load64(and(shifted, constant(255 * 8)), tableOf(i));
    }).reduce(xor64);
  const step = (crc: Variable, offset: number): Code => [
    set(word, xor64(get(crc), load64(get(from), offset))),
    set(
      crc,
      lookUp((i) => DISTANCE_TABLES + (DISTANCES - 1 - i) * TABLE_SIZE),
    ),
  ];
  const left = subtract(get(end), get(from));

  return [
    set(one, load64(constant(0))),
    block(
      loop(
        leaveIf(isLess(left, constant(2 * STRETCH)), 1),
        set(other, xor64(get(other), get(other))),
        set(stop, add(get(from), constant(STRETCH))),
        loop(
          step(one, 0),
          step(other, STRETCH),
          increase(from, constant(DISTANCES)),
          leaveIf(isLess(get(from), get(stop))),
        ),
        increase(from, constant(STRETCH)),
        set(word, get(one)),
        set(
          one,
          xor64(
            lookUp((i) => STRETCH_TABLES + i * TABLE_SIZE),
            get(other),
          ),
        ),
        leave(),
      ),
    ),
    block(
      loop(
        leaveIf(isZero(isLess(get(from), get(end))), 1),
        step(one, 0),
        increase(from, constant(DISTANCES)),
        leave(),
      ),
    ),
    store64(constant(0), get(one)),
    get(from),
  ];
}
