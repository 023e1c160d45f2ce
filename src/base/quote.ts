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
