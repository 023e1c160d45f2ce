/**
 * A glob pattern that is matched again and again. What nearly all patterns of permissions are, a fixed beginning with a star
 * behind it, is compared byte by byte; the others go through the general search.
 */
import { matchesGlob } from "../base/glob.ts";

const SIGNS = /[*?[\\]/;

export class Pattern {
  /** One character a byte. */
  readonly text: string;
  readonly #bytes: Buffer;
  /** Bytes that the text has to begin with, or -1 if the pattern has another form. */
  readonly #prefix: number;
  /** Nothing may follow them. */
  readonly #isWhole: boolean;

  /** @param text one character a byte */
  constructor(text: string) {
    this.text = text;
    this.#bytes = Buffer.from(text, "latin1");
    const at = text.search(SIGNS);
    this.#isWhole = at === -1;
    const isPrefix = at !== -1 && /^\*+$/.test(text.slice(at));
    this.#prefix = this.#isWhole ? text.length : isPrefix ? at : -1;
  }

  /** Whether bytes[start, end) as a whole matches. */
  matches(bytes: Buffer, start: number, end: number): boolean {
    const own = this.#bytes;
    const prefix = this.#prefix;
    if (prefix < 0) return matchesGlob(own, 0, own.length, bytes, start, end);
    const length = end - start;
    if (length < prefix || (this.#isWhole && length !== prefix)) return false;
    // As in `matchesGlob`, stars alone do not match an empty text.
    if (length === 0) return this.#isWhole;
    for (let i = 0; i < prefix; i++) if (own[i] !== bytes[start + i]) return false;
    return true;
  }

  /** Whether bytes[start, end) is the pattern's own text. */
  is(bytes: Buffer, start: number, end: number): boolean {
    const own = this.#bytes;
    return own.length === end - start && own.compare(bytes, start, end) === 0;
  }
}
