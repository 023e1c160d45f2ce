/**
 * The users of a server, by name. The default one is always there; sessions that have not logged in are its.
 *
 * Users are changed as a whole or not at all: rules are tried on a copy. A user keeps its object for as long as there is a user
 * of its name, whatever its rules, so that sessions may hold it.
 */
import { secretHex } from "../base/random.ts";
import { joinSelectors } from "./rule-text.ts";
import type { UserContext } from "./user.ts";
import { User } from "./user.ts";

export const DEFAULT_USER = "default";

/** Of the password that nobody has. */
const SECRET_DIGITS = 64;

/** Told what becomes of users, after it has happened. */
export interface UserWatcher {
  /** @param before the user as it was */
  changed(user: User, before: User): void;
  deleted(user: User): void;
}

export class Users {
  readonly default: User;
  watcher: UserWatcher | null = null;
  readonly #context: UserContext;
  readonly #byName: Map<string, User> = new Map();
  /** Stands for a user that does not exist, so that looking at its password takes as long. */
  readonly #nobody: User;

  constructor(context: UserContext) {
    this.#context = context;
    this.default = this.#createDefault();
    this.#byName.set(DEFAULT_USER, this.default);
    this.#nobody = this.draft("");
    this.#nobody.apply("on");
    this.#nobody.apply(`>${secretHex(SECRET_DIGITS)}`);
  }

  /** In the order of their names' bytes. */
  get all(): User[] {
    return [...this.#byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  find(name: string): User | null {
    return this.#byName.get(name) ?? null;
  }

  /** A user that is none of these, to try rules on. */
  draft(name: string): User {
    return new User(name, this.#context);
  }

  /**
   * Whoever may log in by this name and password, or null. An unknown name takes as long as a wrong password.
   * @param name one character a byte
   */
  authenticate(name: string, password: Uint8Array): User | null {
    const user = this.find(name) ?? this.#nobody;
    return user.accepts(password) && user !== this.#nobody ? user : null;
  }

  /** `requirepass`: the one password of the default user. @param password one character a byte; empty for none */
  setDefaultPassword(password: string): void {
    this.#update(this.default, (user) => usePassword(user, password));
  }

  /**
   * ACL SETUSER: applies rules to a user, which is made if there is none.
   * @param rules one character a byte @returns an error text, or null
   */
  set(name: string, rules: readonly string[]): string | null {
    const joined = joinSelectors(rules);
    if ("unmatched" in joined) {
      return `Unmatched parenthesis in acl selector starting at '${joined.unmatched}'.`;
    }
    const user = this.find(name);
    const draft = this.draft(name);
    if (user !== null) draft.copyFrom(user);
    for (const rule of joined.rules) {
      const error = draft.apply(rule);
      if (error === null) continue;
      // C's text ends at the first zero byte.
      return `Error in ACL SETUSER modifier '${rule.split("\0", 1)[0]}': ${error}`;
    }
    if (user === null) this.#byName.set(name, draft);
    else this.#update(user, () => user.copyFrom(draft));
    return null;
  }

  /** Deletes a user. @returns false if there is none; the default one can't be deleted */
  delete(name: string): boolean {
    const user = this.find(name);
    if (user === null || user === this.default) return false;
    this.#byName.delete(name);
    this.watcher?.deleted(user);
    return true;
  }

  /** Puts these users in the place of all that there are. A default one that is not among them becomes what it is at first. */
  replace(users: readonly User[]): void {
    const byName = new Map(users.map((user) => [user.name, user]));
    if (!byName.has(DEFAULT_USER)) byName.set(DEFAULT_USER, this.#createDefault());
    for (const user of this.all) if (!byName.has(user.name)) this.delete(user.name);
    for (const [name, source] of byName) {
      const user = this.find(name);
      if (user === null) this.#byName.set(name, source);
      else this.#update(user, () => user.copyFrom(source));
    }
  }

  /** Whether the default user is what it is at first, with this password. @param password empty for none */
  isPlain(password: string): boolean {
    const user = this.#createDefault();
    usePassword(user, password);
    return user.describe() === this.default.describe();
  }

  #createDefault(): User {
    const user = this.draft(DEFAULT_USER);
    for (const rule of ["+@all", "~*", "&*", "on", "nopass"]) user.apply(rule);
    return user;
  }

  #update(user: User, change: (user: User) => void): void {
    const before = this.draft(user.name);
    before.copyFrom(user);
    change(user);
    this.watcher?.changed(user, before);
  }
}

/** Makes this the user's one password. @param password empty for none, and then any will do */
function usePassword(user: User, password: string): void {
  user.apply("resetpass");
  user.apply(password === "" ? "nopass" : `>${password}`);
}
