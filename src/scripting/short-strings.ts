/**
 * Short strings that were made lately, to be given again: what commands answer to scripts is often the same few words, names and
 * numbers, and to make a string of bytes costs more than the whole lookup of a key. As in Lua itself, which keeps every string once.
 *
 *   slot    from the length and three bytes; a string takes the place of the one before it
 *   #bytes  SIZE_MAX bytes a slot, those of its string, which are quicker to compare than characters
 */
import { latin1Text } from "../base/bytes.ts";

const SLOTS = 256;
/** Longer strings are made anew each time: to compare them takes as long. */
const SIZE_MAX = 20;

export class ShortStrings {
  readonly #texts: string[] = new Array<string>(SLOTS).fill("");
  readonly #bytes: Uint8Array = new Uint8Array(SLOTS * SIZE_MAX);

  /** The string of bytes[start, end), one character a byte. */
  text(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length === 0) return "";
    if (length > SIZE_MAX) return latin1Text(bytes, start, end);
    const mixed =
      length + bytes[start]! * 7 + bytes[start + (length >>> 1)]! * 31 + bytes[end - 1]! * 131;
    const slot = mixed & (SLOTS - 1);
    const text = this.#texts[slot]!;
    if (text.length === length) {
      const own = this.#bytes;
      let at = slot * SIZE_MAX;
      let from = start;
      while (from < end && own[at] === bytes[from]) {
        at++;
        from++;
      }
      if (from === end) return text;
    }
    return this.#make(slot, bytes, start, end);
  }

  #make(slot: number, bytes: Buffer, start: number, end: number): string {
    const own = this.#bytes;
    for (let at = slot * SIZE_MAX, from = start; from < end; at++, from++) own[at] = bytes[from]!;
    const text = latin1Text(bytes, start, end);
    this.#texts[slot] = text;
    return text;
  }
}
