/** Numbers with a given count of decimals, as C's printf writes them. */

/** From here on `toFixed` writes an exponent. */
const TO_FIXED_MAX = 1e21;

/** The number with `decimals` digits, one at least, behind the point; one right between two of those becomes the even one. */
export function formatFixed(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (Math.abs(value) >= TO_FIXED_MAX) return `${BigInt(value)}.${"0".repeat(decimals)}`;
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const magnitude = Math.abs(value);
  // Only then one digit more says everything, and that digit is a five.
  if ((magnitude * 2 ** (decimals + 1)) % 2 === 1) {
    const lower = magnitude.toFixed(decimals + 1).slice(0, -1);
    if (Number(lower.at(-1)) % 2 === 0) return sign + lower;
  }
  return sign + magnitude.toFixed(decimals);
}

/** The same, without zeros at the end. */
export function formatTrimmed(value: number, decimals: number): string {
  const text = formatFixed(value, decimals).replace(/\.?0+$/, "");
  return text === "-0" || text === "" || text === "-" ? "0" : text;
}
