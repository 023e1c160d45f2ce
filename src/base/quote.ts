/** Text in double quotes that shows any bytes on one line, as Redis prints them. */

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\\", "\\\\"],
  ['"', '\\"'],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\x07", "\\a"],
  ["\b", "\\b"],
]);

/** @param text one character a byte */
export function quote(text: string): string {
  const escaped = text.replace(/[^ !#-[\]-~]/g, (character) => {
    const hex = character.charCodeAt(0).toString(16).padStart(2, "0");
    return ESCAPES.get(character) ?? `\\x${hex}`;
  });
  return `"${escaped}"`;
}

/** Bytes that `writeQuoted` may write for `size` bytes. */
export function quotedSizeMax(size: number): number {
  return size * 4 + 2;
}

const QUOTE = 0x22;
/** What each byte becomes, if that is more than the byte itself. */
const WRITTEN: readonly (Buffer | null)[] = Array.from({ length: 256 }, (_, byte) => {
  const quoted = quote(String.fromCharCode(byte)).slice(1, -1);
  return quoted.length === 1 ? null : Buffer.from(quoted, "latin1");
});

/** Writes bytes[start, end) as `quote` does, at out[pos], where there is room. Returns the position behind it. */
export function writeQuoted(
  out: Buffer,
  pos: number,
  bytes: Buffer,
  start: number,
  end: number,
): number {
  let to = pos;
  out[to++] = QUOTE;
  for (let from = start; from < end; from++) {
    const byte = bytes[from]!;
    const written = WRITTEN[byte]!;
    if (written === null) {
      out[to++] = byte;
      continue;
    }
    for (let i = 0; i < written.length; i++) out[to++] = written[i]!;
  }
  out[to++] = QUOTE;
  return to;
}
