/**
 * The sparse form of a HyperLogLog's registers: runs of equal values, one opcode a run.
 *
 *   00llllll             ZERO   l + 1 registers of 0          1 to 64
 *   01llllll llllllll    XZERO  l + 1 registers of 0          1 to 16,384
 *   1vvvvvll             VAL    l + 1 registers of v + 1      1 to 4 registers of 1 to 32
 *
 * A change splits the run it falls into and then joins equal neighbours, near the place of the change only. Which of them
 * are joined is a part of the format here: the same elements in the same order give the same bytes as in Redis.
 *
 * Values come from clients, so a run may reach beyond the last register or the last byte may be half an XZERO; functions say
 * so and read nothing beyond the end.
 */
import { REGISTER_COUNT } from "./hyperloglog-hash.ts";

const XZERO = 0x40;
const VAL = 0x80;
const KIND_ZERO_MAX = 0x3f;

const ZERO_LENGTH_MAX = 64;
const VAL_LENGTH_MAX = 4;
/** Larger values need the dense form. */
const VALUE_MAX = 32;

/** Opcodes that are looked at for neighbours to join, from the one before the change on. */
const JOIN_SCAN = 5;

/** No valid runs are longer: one XZERO for each register. */
export const SPARSE_BYTES_MAX: number = 2 * REGISTER_COUNT;
/** Bytes that one change writes beyond the end at most, where the last opcode is half an XZERO. */
const SLACK = 8;

/** What a change came to. */
export const SPARSE_SAME = 0;
export const SPARSE_CHANGED = 1;
/** The change does not fit this form; nothing was done. */
export const SPARSE_FULL = 2;
export const SPARSE_DAMAGED = 3;

/** A sparse value, header included, that is being changed. */
export class SparseEditor {
  readonly bytes: Buffer;
  length = 0;
  readonly #headerSize: number;
  readonly #sizeMax: number;
  /**
   * An opcode at or before which nothing has changed since it was noted, and its first register: where the search for a
   * register at or behind `#hintUpTo` may begin. It stands two opcodes before a change, since joining begins one before it.
   */
  #hintAt = 0;
  #hintFirst = 0;
  #hintUpTo = Infinity;

  constructor(headerSize: number) {
    this.#headerSize = headerSize;
    this.#sizeMax = headerSize + SPARSE_BYTES_MAX;
    this.bytes = Buffer.alloc(headerSize + SPARSE_BYTES_MAX + SLACK);
  }

  /** Begins with a copy of source[start, end), at most as long as a valid value. */
  load(source: Buffer, start: number, end: number): void {
    source.copy(this.bytes, 0, start, end);
    this.begin(end - start);
  }

  /** Begins with what stands in `bytes`. */
  begin(length: number): void {
    this.length = length;
    this.#hintUpTo = Infinity;
  }

  /**
   * Raises one register to `count`.
   * @param sizeMax a value that would have to grow beyond this is full
   */
  raise(register: number, count: number, sizeMax: number): number {
    if (count > VALUE_MAX) return SPARSE_FULL;
    const { bytes, length } = this;
    const useHint = register >= this.#hintUpTo;
    let at = useHint ? this.#hintAt : this.#headerSize;
    let first = useHint ? this.#hintFirst : 0;
    let before = at;
    let beforeFirst = first;
    let twoBefore = at;
    let twoBeforeFirst = first;
    let span = 0;
    while (at < length) {
      span = runLength(bytes, at, length);
      if (register < first + span) break;
      twoBefore = before;
      twoBeforeFirst = beforeFirst;
      before = at;
      beforeFirst = first;
      at += bytes[at]! >>> 6 === 1 ? 2 : 1;
      first += span;
    }
    if (span === 0 || at >= length) return SPARSE_DAMAGED;
    this.#hintAt = twoBefore;
    this.#hintFirst = twoBeforeFirst;
    this.#hintUpTo = register;

    const opcode = bytes[at]!;
    const isVal = opcode >= VAL;
    if (isVal && valueOf(opcode) >= count) return SPARSE_SAME;
    if (span === 1 && (isVal || opcode <= KIND_ZERO_MAX)) bytes[at] = valOpcode(count, 1);
    else if (!this.#split(at, register - first, span, count, sizeMax)) return SPARSE_FULL;
    this.#join(before);
    return SPARSE_CHANGED;
  }

  /** Puts a value into the middle of the run at `at`. Returns false if that would take more room than there may be. */
  #split(at: number, before: number, span: number, count: number, sizeMax: number): boolean {
    const { bytes, length } = this;
    const opcode = bytes[at]!;
    const value = opcode >= VAL ? valueOf(opcode) : 0;
    const behind = span - before - 1;
    const oldSize = opcode >>> 6 === 1 ? 2 : 1;
    const newSize = sizeOfRun(value, before) + 1 + sizeOfRun(value, behind);
    const growth = newSize - oldSize;
    if (growth > 0 && length + growth > Math.min(sizeMax, this.#sizeMax)) return false;
    // An XZERO of which only the first half is there has nothing behind it to move.
    if (growth !== 0 && at + oldSize < length) {
      bytes.copyWithin(at + newSize, at + oldSize, length);
    }
    let pos = writeRun(bytes, at, value, before);
    bytes[pos++] = valOpcode(count, 1);
    writeRun(bytes, pos, value, behind);
    this.length = length + growth;
    return true;
  }

  /** Joins runs of the same value that stand side by side, from the opcode at `from` on. */
  #join(from: number): void {
    const { bytes } = this;
    let at = from;
    for (let left = JOIN_SCAN; left > 0 && at < this.length; left--) {
      const opcode = bytes[at]!;
      if (opcode < VAL) {
        at += opcode < XZERO ? 1 : 2;
        continue;
      }
      const next = at + 1 < this.length ? bytes[at + 1]! : 0;
      if (next >= VAL && valueOf(next) === valueOf(opcode)) {
        const joined = (opcode & 3) + (next & 3) + 2;
        if (joined <= VAL_LENGTH_MAX) {
          bytes[at + 1] = valOpcode(valueOf(opcode), joined);
          bytes.copyWithin(at, at + 1, this.length);
          this.length--;
          continue;
        }
      }
      at++;
    }
  }
}

/** Raises each of `registers` to the value in bytes[start, end), if that is larger. Returns false if that is damaged. */
export function mergeSparse(
  registers: Uint8Array,
  bytes: Buffer,
  start: number,
  end: number,
): boolean {
  let register = 0;
  for (let at = start; at < end;) {
    const opcode = bytes[at]!;
    const span = runLength(bytes, at, end);
    if (register + span > REGISTER_COUNT) return false;
    if (opcode >= VAL) {
      const value = valueOf(opcode);
      for (let i = register; i < register + span; i++) {
        if (value > registers[i]!) registers[i] = value;
      }
    }
    register += span;
    at += opcode >>> 6 === 1 ? 2 : 1;
  }
  return register === REGISTER_COUNT;
}

/** Adds how often each value occurs to `histogram`. Returns false if the value is damaged. */
export function countSparse(
  histogram: Int32Array,
  bytes: Buffer,
  start: number,
  end: number,
): boolean {
  let register = 0;
  for (let at = start; at < end;) {
    const opcode = bytes[at]!;
    const span = runLength(bytes, at, end);
    if (register + span > REGISTER_COUNT) return false;
    histogram[opcode >= VAL ? valueOf(opcode) : 0]! += span;
    register += span;
    at += opcode >>> 6 === 1 ? 2 : 1;
  }
  return register === REGISTER_COUNT;
}

/** The runs as text: "z:5 v:3,1 Z:16378", ZERO, VAL (value, registers) and XZERO. */
export function describeSparse(bytes: Buffer, start: number, end: number): string {
  const runs: string[] = [];
  for (let at = start; at < end;) {
    const opcode = bytes[at]!;
    const span = runLength(bytes, at, end);
    if (opcode >= VAL) runs.push(`v:${valueOf(opcode)},${span}`);
    else runs.push(`${opcode < XZERO ? "z" : "Z"}:${span}`);
    at += opcode >>> 6 === 1 ? 2 : 1;
  }
  return runs.join(" ");
}

/** Registers of the run whose opcode stands at bytes[at]. The second half of an XZERO that is missing counts as zero. */
function runLength(bytes: Buffer, at: number, end: number): number {
  const opcode = bytes[at]!;
  if (opcode >= VAL) return (opcode & 3) + 1;
  if (opcode < XZERO) return opcode + 1;
  return (((opcode & KIND_ZERO_MAX) << 8) | (at + 1 < end ? bytes[at + 1]! : 0)) + 1;
}

/** The value of a VAL. */
function valueOf(opcode: number): number {
  return ((opcode >>> 2) & 31) + 1;
}

function valOpcode(value: number, registers: number): number {
  return VAL | ((value - 1) << 2) | (registers - 1);
}

/** Bytes of a run of `registers`, which may be none. @param value 0 for a run of zeros */
function sizeOfRun(value: number, registers: number): number {
  if (registers === 0) return 0;
  return value === 0 && registers > ZERO_LENGTH_MAX ? 2 : 1;
}

/** Writes a run at `pos` and returns the position after it. */
function writeRun(bytes: Buffer, pos: number, value: number, registers: number): number {
  if (registers === 0) return pos;
  if (value !== 0) {
    bytes[pos] = valOpcode(value, registers);
    return pos + 1;
  }
  if (registers <= ZERO_LENGTH_MAX) {
    bytes[pos] = registers - 1;
    return pos + 1;
  }
  bytes[pos] = XZERO | ((registers - 1) >>> 8);
  bytes[pos + 1] = (registers - 1) & 0xff;
  return pos + 2;
}
