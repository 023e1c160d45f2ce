/**
 * `math`, with Redis's random numbers: those of the 48-bit linear congruential generator of POSIX's drand48, which go on from script
 * to script.
 */
import { addTable, numberFunction } from "./base-library.ts";
import { define } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { LuaError } from "./errors.ts";
import { power } from "./operations.ts";
import { badArgument, integerAt, numberAt } from "./parameters.ts";
import type { LuaResult, LuaValue } from "./values.ts";

const MULTIPLIER = 0x5deece66dn;
const INCREMENT = 0xbn;
const MASK = (1n << 48n) - 1n;
/** What the lower 16 bits are after seeding. */
const SEED_LOW = 0x330en;

/** Where the numbers go on; at first where POSIX lets them begin. */
let state = 0x1234abcd330en;
/** Where the numbers go on after a script that has chosen a seed; else null. */
let kept: bigint | null = null;

/** Where a script's numbers begin, to begin there again. */
export function randomState(): bigint {
  return state;
}

/** A script begins. @param from what `randomState` said when it began before */
export function beginRandom(from: bigint): void {
  state = from;
}

/** The script has ended: the seed that it chose is none of the next one's business. */
export function endRandom(): void {
  if (kept !== null) state = kept;
  kept = null;
}

/** 31 random bits. */
function random31(): number {
  state = (state * MULTIPLIER + INCREMENT) & MASK;
  return Number(state >> 17n);
}

const RANDOM_MAX = 2 ** 31 - 1;

function random(...parameters: LuaValue[]): LuaResult {
  const fraction = (random31() % RANDOM_MAX) / RANDOM_MAX;
  if (parameters.length === 0) return fraction;
  if (parameters.length > 2) throw LuaError.here("wrong number of arguments");
  const low = parameters.length === 1 ? 1 : integerAt(parameters, 1, "random");
  const high = integerAt(parameters, parameters.length, "random");
  if (low > high) throw badArgument(parameters.length, "random", "interval is empty");
  return Math.floor(fraction * (high - low + 1)) + low;
}

function randomSeed(...parameters: LuaValue[]): LuaResult {
  const seed = integerAt(parameters, 1, "randomseed");
  kept ??= state;
  state = (BigInt.asUintN(32, BigInt(seed)) << 16n) | SEED_LOW;
  return [];
}

/** A number as a fraction between 0.5 and 1 and a power of two. */
function fractionAndExponent(...parameters: LuaValue[]): LuaResult {
  const value = numberAt(parameters, 1, "frexp");
  if (value === 0 || !Number.isFinite(value)) return [value, 0];
  let exponent = Math.max(-1023, Math.floor(Math.log2(Math.abs(value))) + 1);
  let fraction = value * 2 ** -exponent;
  while (Math.abs(fraction) < 0.5) {
    fraction *= 2;
    exponent--;
  }
  while (Math.abs(fraction) >= 1) {
    fraction /= 2;
    exponent++;
  }
  return [fraction, exponent];
}

function scale(...parameters: LuaValue[]): LuaResult {
  let value = numberAt(parameters, 1, "ldexp");
  let exponent = Math.max(-4000, Math.min(4000, integerAt(parameters, 2, "ldexp")));
  // In steps, so that no power overflows or vanishes before the product does.
  for (; exponent > 1000; exponent -= 1000) value *= 2 ** 1000;
  for (; exponent < -1000; exponent += 1000) value *= 2 ** -1000;
  return value * 2 ** exponent;
}

function extreme(name: "max" | "min"): (...parameters: LuaValue[]) => LuaResult {
  return (...parameters) => {
    let best = numberAt(parameters, 1, name);
    for (let at = 2; at <= parameters.length; at++) {
      const value = numberAt(parameters, at, name);
      if (name === "max" ? value > best : value < best) best = value;
    }
    return best;
  };
}

function modulo(...parameters: LuaValue[]): LuaResult {
  return numberAt(parameters, 1, "fmod") % numberAt(parameters, 2, "fmod");
}

export function addMathLibrary(environment: Environment): void {
  const table = addTable(environment, "math");
  const plain = ["abs", "acos", "asin", "atan", "ceil", "cos", "cosh", "exp", "floor"] as const;
  const more = ["log", "log10", "sin", "sinh", "sqrt", "tan", "tanh"] as const;
  for (const name of [...plain, ...more]) {
    define(table, { [name]: numberFunction(name, (value) => Math[name](value)) }, true);
  }
  define(
    table,
    {
      atan2: (...p) => Math.atan2(numberAt(p, 1, "atan2"), numberAt(p, 2, "atan2")),
      deg: numberFunction("deg", (value) => value / (Math.PI / 180)),
      fmod: modulo,
      ldexp: scale,
      max: extreme("max"),
      min: extreme("min"),
      mod: modulo,
      pow: (...p) => power(numberAt(p, 1, "pow"), numberAt(p, 2, "pow")),
      rad: numberFunction("rad", (value) => value * (Math.PI / 180)),
      random,
    },
    true,
  );
  define(
    table,
    {
      frexp: fractionAndExponent,
      modf(...parameters) {
        const value = numberAt(parameters, 1, "modf");
        const whole = Math.trunc(value);
        return [whole, Number.isFinite(value) ? value - whole : Number.isNaN(value) ? value : 0];
      },
      randomseed: randomSeed,
    },
    false,
  );
  table.set("pi", Math.PI);
  table.set("huge", Infinity);
}
