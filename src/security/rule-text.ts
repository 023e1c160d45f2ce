/** Rules of users as words: how those between parentheses are put together, and the lines of a file of users. */
import { DUPLICATE_USER, UNKNOWN_COMMAND } from "./rule-errors.ts";
import { hasSpaces } from "./selector.ts";
import type { User } from "./user.ts";
import type { Users } from "./users.ts";

/** Rules, one selector in parentheses a rule; or the word that opens a parenthesis which nothing closes. */
export type JoinedRules = { readonly rules: readonly string[] } | { readonly unmatched: string };

/** Joins what stands between "(" and ")" in several words. */
export function joinSelectors(words: readonly string[]): JoinedRules {
  const rules: string[] = [];
  let open: string | null = null;
  let opener = "";
  for (const word of words) {
    if (open === null && word.startsWith("(") && !word.endsWith(")")) {
      open = word;
      opener = word;
    } else if (open === null) {
      rules.push(word);
    } else {
      open += ` ${word}`;
      if (!word.endsWith(")")) continue;
      rules.push(open);
      open = null;
    }
  }
  return open === null ? { rules } : { unmatched: opener };
}

/**
 * Reads a file of users: lines "user <name> <rules>", and empty ones.
 * @param text one character a byte @param path as messages name it
 * @returns the users, or all that is wrong with the file as one text
 */
export function readUsers(
  text: string,
  path: string,
  users: Users,
): { readonly users: readonly User[] } | { readonly errors: string } {
  const found = new Map<string, User>();
  let errors = "";
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.replace(/^[ \t\r]+|[ \t\r]+$/g, "");
    if (line === "") continue;
    const at = `${path}:${index + 1}`;
    const [keyword, name, ...words] = line.split(" ");
    if (keyword !== "user" || name === undefined) {
      errors += `${at} should start with user keyword followed by the username. `;
    } else if (hasSpaces(name)) {
      errors += `'${at}: username '${name}' contains invalid characters. `;
    } else if (found.has(name)) {
      errors += `WARNING: Duplicate user '${name}' found on line ${index + 1}. `;
    } else {
      const user = users.draft(name);
      found.set(name, user);
      errors += applyLine(user, words, at);
    }
  }
  if (errors === "") return { users: [...found.values()] };
  const end =
    "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";
  return { errors: errors + end };
}

/** Applies the rules of one line. Returns what is wrong with them, or "". */
function applyLine(user: User, words: readonly string[], at: string): string {
  const joined = joinSelectors(words);
  if ("unmatched" in joined) return `${at}: Unmatched parenthesis in selector definition.`;
  let errors = "";
  let shown = false;
  for (const word of joined.rules) {
    const rule = word.replace(/^[\t\r]+|[\t\r]+$/g, "");
    const error = user.apply(rule);
    if (error === UNKNOWN_COMMAND) {
      errors += `${at}: Error in applying operation '${rule}': ${error}. `;
    } else if (error !== null && !shown) {
      // Later ones may follow from the first, and a rule may hold a password.
      errors += `${at}: ${error}. `;
      shown = true;
    }
  }
  return errors;
}

/** A "user" line of a config file. */
export interface UserLine {
  readonly name: string;
  readonly rules: readonly string[];
}

/**
 * The users of a config file.
 * @returns the users, or what is wrong with the first line that can't be
 */
export function usersOfLines(
  lines: readonly UserLine[],
  users: Users,
): { readonly users: readonly User[] } | { readonly error: string } {
  const found = new Map<string, User>();
  for (const { name, rules } of lines) {
    if (hasSpaces(name)) return { error: "Spaces not allowed in ACL usernames" };
    if (found.has(name)) return { error: `Error in user declaration '${name}': ${DUPLICATE_USER}` };
    const user = users.draft(name);
    found.set(name, user);
    const joined = joinSelectors(rules);
    if ("unmatched" in joined) {
      return { error: `Error in user declaration '${joined.unmatched}': Wrong format` };
    }
    for (const rule of joined.rules) {
      const error = user.apply(rule);
      if (error === null) continue;
      return { error: `Error loading ACL rule '${rule}' for the user named '${name}': ${error}` };
    }
  }
  return { users: [...found.values()] };
}
