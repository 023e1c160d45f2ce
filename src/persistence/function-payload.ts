/** FUNCTION DUMP and RESTORE: all libraries as one payload, in the form of a value's (rdb-format.ts), one opcode a library. */
import { Slice } from "../base/slice.ts";
import type { Engine } from "../commands/engine.ts";
import { Crc64 } from "./crc64.ts";
import { dialectOrNull } from "./dump.ts";
import {
  FOOTER_SIZE,
  OPCODE_FUNCTION2,
  OPCODE_FUNCTION_PRE_GA,
  VERSION_WRITTEN,
} from "./rdb-format.ts";
import { RdbInput } from "./rdb-input.ts";
import { RdbOutput } from "./rdb-output.ts";

export function packLibraries(engine: Engine, codes: readonly Buffer[]): Buffer {
  const output = new RdbOutput(null);
  output.compresses = engine.options.flag("rdbcompression");
  for (const code of codes) {
    output.byte(OPCODE_FUNCTION2);
    output.string(code, 0, code.length);
  }
  output.byte(VERSION_WRITTEN);
  output.byte(0);
  const crc = new Crc64();
  crc.reset();
  crc.add(output.buffer, 0, output.pos);
  output.int64(crc.low, crc.high);
  return Buffer.from(output.buffer.subarray(0, output.pos));
}

/** @returns the texts of the libraries, or an error text */
export function unpackLibraries(bytes: Buffer, start: number, end: number): Buffer[] | string {
  if (dialectOrNull(bytes, start, end) === null) {
    return "ERR DUMP payload version or checksum are wrong";
  }
  const input = RdbInput.of(bytes, start, end - FOOTER_SIZE);
  const codes: Buffer[] = [];
  const code = new Slice();
  while (input.pos < end - FOOTER_SIZE) {
    const type = input.byte();
    if (type === OPCODE_FUNCTION_PRE_GA) return "ERR Pre-GA function format not supported";
    if (type !== OPCODE_FUNCTION2) return "ERR given type is not a function";
    input.string(code);
    if (input.failed) return "ERR Failed loading library code";
    codes.push(code.copy());
  }
  return codes;
}
