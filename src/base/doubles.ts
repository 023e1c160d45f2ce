/** Floating point numbers as Redis writes them. */

/**
 * A double the way Redis 7 replies with it: the shortest decimal that reads back as the same number, in the form of
 * C's %.17g ("inf", "-inf", "nan"; exponents as "1e+20").
 */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  if (Object.is(value, -0)) return "-0";
  return String(value);
}
