/**
 * Takes LZF apart (`lzf-format.ts`) with WebAssembly, which copies eight bytes at once: 3 GB a second of a list of a million
 * "element:<n>" in nodes of 8 KB, 2 in JavaScript.
 *
 *   memory   | unused | source | target |
 *
 * What is copied in eights ends up to seven bytes behind what is asked for, where it is written over or nobody looks.
 */
import type { Code, WasmFunction } from "../base/wasm.ts";
import {
  add,
  and,
  assemble,
  block,
  constant,
  equal,
  get,
  giveBack,
  increase,
  isGreater,
  isLess,
  isZero,
  leave,
  leaveIf,
  load64,
  load8,
  loop,
  or,
  set,
  shiftLeft,
  shiftRight,
  store64,
  store8,
  subtract,
  when,
} from "../base/wasm.ts";
import { LITERALS_MAX, REFERENCE_LONG } from "./lzf-format.ts";

/** Largest source and target. */
export const UNPACKED_MAX: number = 64 * 1024;
/** Bytes that may be read or written behind what is asked for. */
const SLACK = 64;
const SOURCE = 64;
const TARGET: number = SOURCE + UNPACKED_MAX + SLACK;
const PAGES: number = Math.ceil((TARGET + UNPACKED_MAX + SLACK) / 65_536);

let unpacker: WasmFunction | null = null;

/**
 * Decompresses source[start, end) to target[at, limit), which it must fill exactly.
 * @returns whether the source is sound; if not, the target stays as it is
 */
export function unpack(
  source: Buffer,
  start: number,
  end: number,
  target: Buffer,
  at: number,
  limit: number,
): boolean {
  unpacker ??= assemble({
    pages: PAGES,
    parameters: 3,
    variables32: 5,
    variables64: 0,
    body: loopCode(),
  });
  const { memory, call } = unpacker;
  const wanted = TARGET + limit - at;
  source.copy(memory, SOURCE, start, end);
  if (call(SOURCE, SOURCE + end - start, wanted) !== wanted) return false;
  memory.copy(target, at, TARGET, wanted);
  return true;
}

/** Gives back where the target ends, or -1 if the source is damaged. */
function loopCode(): Code {
  // Parameters.
  const from = 0;
  /** End of the source, and where the target must end. */
  const end = 1;
  const limit = 2;
  // Variables.
  const to = 3;
  const control = 4;
  const length = 5;
  const ref = 6;
  /** Where the target ends with what is copied. */
  const next = 7;

  const refuse = giveBack(constant(-1));
  const eight = (offset: number): Code => store64(get(to), load64(get(from), offset), offset);
  /** The next byte of the source; at its end any, and what is wrong is found then. */
  const take = (variable: number): Code => [
    set(variable, load8(get(from))),
    increase(from, constant(1)),
  ];

  const literals: Code = [
    increase(control, constant(1)),
    set(next, add(get(to), get(control))),
    when(
      or(isGreater(add(get(from), get(control)), get(end)), isGreater(get(next), get(limit))),
      refuse,
    ),
    eight(0),
    when(isGreater(get(control), constant(8)), eight(8), eight(16), eight(24)),
    increase(from, get(control)),
    set(to, get(next)),
  ];

  const copyEights = loop(
    store64(get(to), load64(get(ref))),
    increase(to, constant(8)),
    increase(ref, constant(8)),
    leaveIf(isLess(get(to), get(next))),
  );
  const copyBytes = loop(
    store8(get(to), load8(get(ref))),
    increase(to, constant(1)),
    increase(ref, constant(1)),
    leaveIf(isLess(get(to), get(next))),
  );

  const reference: Code = [
    set(length, add(shiftRight(get(control), 5), constant(2))),
    when(equal(get(length), constant(REFERENCE_LONG)), [
      increase(length, load8(get(from))),
      increase(from, constant(1)),
    ]),
    set(ref, shiftLeft(and(get(control), constant(31)), 8)),
    take(control),
    set(ref, subtract(subtract(get(to), constant(1)), or(get(ref), get(control)))),
    set(next, add(get(to), get(length))),
    when(or(isLess(get(ref), constant(TARGET)), isGreater(get(next), get(limit))), refuse),
    block(
      when(isGreater(subtract(get(to), get(ref)), constant(7)), copyEights, leave(1)),
      // It reaches into what it writes itself.
      copyBytes,
    ),
    set(to, get(next)),
  ];

  return [
    set(to, constant(TARGET)),
    block(
      loop(
        leaveIf(isZero(isLess(get(from), get(end))), 1),
        take(control),
        when(isLess(get(control), constant(LITERALS_MAX)), literals, leave(1)),
        reference,
        leave(),
      ),
    ),
    when(isGreater(get(from), get(end)), refuse),
    get(to),
  ];
}
