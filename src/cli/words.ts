/**
 * Text from outside as the options keep it, one character a byte, and lines of a config file as words.
 */
import { quote } from "../base/quote.ts";
import { Args } from "../protocol/args.ts";
import { splitInline } from "../protocol/inline.ts";

/** Text of the system (an argument, a path) as one character a byte. */
export function toBytes(text: string): string {
  return Buffer.from(text).toString("latin1");
}

/** Back to the system's text. */
export function fromBytes(text: string): string {
  return Buffer.from(text, "latin1").toString();
}

/** The words of a line, unquoted; null if quotes are not balanced or the line holds a zero byte. */
export function splitWords(line: string): string[] | null {
  const args = new Args();
  const bytes = Buffer.from(line, "latin1");
  if (splitInline(bytes, 0, bytes.length, args) !== null) return null;
  return Array.from({ length: args.count }, (_, index) => args.text(index));
}

/** A word as it is where that is safe, else in quotes. */
export function quoteIfNeeded(word: string): string {
  return /^[\w.:*/%+@=,-]+$/.test(word) ? word : quote(word);
}
