/** Command lines written close together: separated by a semicolon and a space, or by the end of the line. */
export function lines(text: string): string[] {
  return text
    .split(/; |\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
