/**
 * Text from outside as the options keep it, one character a byte, and lines of a config file as words.
 */
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

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\\", "\\\\"],
  ['"', '\\"'],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\x07", "\\a"],
  ["\b", "\\b"],
]);

/** A word in double quotes that `splitWords` reads back as it was, whatever bytes it has. */
export function quote(word: string): string {
  const escaped = word.replace(/[^ !#-[\]-~]/g, (character) => {
    const hex = character.charCodeAt(0).toString(16).padStart(2, "0");
    return ESCAPES.get(character) ?? `\\x${hex}`;
  });
  return `"${escaped}"`;
}

/** A word as it is where that is safe, else in quotes. */
export function quoteIfNeeded(word: string): string {
  return /^[\w.:*/%+@=,-]+$/.test(word) ? word : quote(word);
}
