/** What CLIENT SETNAME and the like take for a name: it is shown in the lines of CLIENT LIST, so it has no white space. */

export const INVALID_CLIENT_NAME =
  "ERR Client names cannot contain spaces, newlines or special characters.";

/** Whether all characters are printable ASCII and none is a space. The empty text is. */
export function isPrintable(text: string): boolean {
  return /^[!-~]*$/.test(text);
}
