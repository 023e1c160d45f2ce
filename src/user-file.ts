/**
 * Where users come from when a server starts: "user" lines of its config file or the file that the option `aclfile` names, never both;
 * and the way back into that file, for ACL LOAD and SAVE.
 */
import { readFileSync } from "node:fs";
import { replaceFile } from "./cli/replace-file.ts";
import { fromBytes } from "./cli/words.ts";
import type { Engine } from "./commands/engine.ts";
import { systemErrorText } from "./base/system-errors.ts";
import type { UserLine } from "./security/rule-text.ts";
import { readUsers, usersOfLines } from "./security/rule-text.ts";

/** The users that are configured can't be had. */
export class UserError extends Error {
  override name = "UserError";
}

/** Who is in it, and their passwords' digests, is nobody else's business. */
const MODE = 0o600;

const BOTH =
  "Configuring users in the config file and in a file of users (aclfile) at the same time is invalid: declare them in one or in " +
  "the other.";
const NOT_SAVED =
  "ERR There was an error trying to save the ACLs. Please check the server logs for more information";

/** Makes the users that are configured. Throws `UserError`. @param lines of the config file */
export function configureUsers(engine: Engine, lines: readonly UserLine[]): void {
  const { users } = engine.access;
  const path = engine.options.text("aclfile");
  if (path !== "") {
    if (lines.length > 0) throw new UserError(BOTH);
    const error = loadUsers(engine, path);
    if (error !== null) {
      throw new UserError(`Aborting startup because of ACL errors: ${error}`);
    }
    engine.hooks = {
      ...engine.hooks,
      loadUsers: () => {
        const failure = loadUsers(engine, path);
        return failure === null ? null : `ERR ${failure}`;
      },
      saveUsers: () => saveUsers(engine, path),
    };
    return;
  }
  if (lines.length === 0) return;
  const configured = usersOfLines(lines, users);
  if ("error" in configured) throw new UserError(configured.error);
  users.replace(configured.users);
  for (const { name, enabled } of users.all) {
    if (enabled) continue;
    engine.logger.notice(
      `The user '${name}' is disabled (there is no 'on' modifier in the user description). Make sure this is not a ` +
        "configuration error.",
    );
  }
}

/** @returns an error text, or null */
function loadUsers(engine: Engine, path: string): string | null {
  const { users } = engine.access;
  let text;
  try {
    text = readFileSync(fromBytes(path), "latin1");
  } catch (error) {
    return `Error loading ACLs, opening file '${path}': ${systemErrorText(error)}`;
  }
  const read = readUsers(text, path, users);
  if ("errors" in read) return read.errors;
  users.replace(read.users);
  return null;
}

/** @returns an error text, or null */
function saveUsers(engine: Engine, path: string): string | null {
  const text = engine.access.users.all.map((user) => `${user.describe()}\n`).join("");
  try {
    replaceFile(fromBytes(path), Buffer.from(text, "latin1"), MODE);
  } catch (error) {
    engine.logger.warning(`Writing ACL file for ACL SAVE: ${systemErrorText(error)}`);
    return NOT_SAVED;
  }
  return null;
}
