/** What a byte does to a checksum (`crc64.ts`) when 0 to 7 more bytes follow it, as two words of 32 bits. */

// The polynomial, its bits in reverse order.
const REVERSED_LOW = 0xac4bc9b5;
const REVERSED_HIGH = 0x95ac9329;

export const DISTANCES = 8;
/** What a byte does, by distance * 256 + byte. */
export const LOW: Int32Array = new Int32Array(DISTANCES * 256);
export const HIGH: Int32Array = new Int32Array(DISTANCES * 256);

fillTables();

function fillTables(): void {
  for (let byte = 0; byte < 256; byte++) {
    let low = byte;
    let high = 0;
    for (let bit = 0; bit < 8; bit++) {
      const odd = (low & 1) !== 0;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (!odd) continue;
      low ^= REVERSED_LOW;
      high ^= REVERSED_HIGH;
    }
    LOW[byte] = low;
    HIGH[byte] = high;
  }
  for (let index = 256; index < DISTANCES * 256; index++) {
    const low = LOW[index - 256]!;
    const high = HIGH[index - 256]!;
    const next = low & 255;
    LOW[index] = ((low >>> 8) | (high << 24)) ^ LOW[next]!;
    HIGH[index] = (high >>> 8) ^ HIGH[next]!;
  }
}
