/**
 * A user: a name, passwords, and what it may do as selectors. Rules change it one after another; written down, they are the
 * line that makes the same user again.
 */
import type { Catalogue } from "./catalogue.ts";
import type { Inquiry } from "./inquiry.ts";
import { ALLOWED, DENIED_COMMAND, READS_AND_WRITES } from "./inquiry.ts";
import type { Password } from "./password.ts";
import { matchesPassword, passwordOf, passwordOfHash } from "./password.ts";
import { BAD_HASH, BAD_SYNTAX, NO_SUCH_PASSWORD } from "./rule-errors.ts";
import { Selector } from "./selector.ts";

/** What new users are made with. */
export interface UserContext {
  readonly catalogue: Catalogue;
  /** The option acl-pubsub-default is allchannels. */
  readonly allChannels: boolean;
}

export class User {
  readonly name: string;
  /** May log in. */
  enabled = false;
  /** Any password will do. */
  noPassword = false;
  passwords: readonly Password[] = [];
  /** Nothing is denied: no question need be asked. */
  unrestricted = false;
  /** Index of the argument that the last `check` found denied; 0 if it was the command. */
  deniedAt = 0;
  readonly #context: UserContext;
  #skipsSanitizing = false;
  #selectors: Selector[];

  /** A user that may do nothing. @param name one character a byte */
  constructor(name: string, context: UserContext) {
    this.name = name;
    this.#context = context;
    this.#selectors = [new Selector(context.catalogue, context.allChannels)];
  }

  /** Makes this user the same as another one, but for the name. */
  copyFrom(other: User): void {
    this.enabled = other.enabled;
    this.noPassword = other.noPassword;
    this.passwords = other.passwords;
    this.#skipsSanitizing = other.#skipsSanitizing;
    this.#selectors = other.#selectors.map((selector) => selector.copy());
    this.unrestricted = other.unrestricted;
  }

  /** The first is the one that rules without parentheses are about. */
  get selectors(): readonly Selector[] {
    return this.#selectors;
  }

  // ---- rules ----

  /** Applies a rule. What an error leaves is not whole: try on a copy. @returns an error text, or null */
  apply(rule: string): string | null {
    if (rule === "") return null;
    const error = this.#apply(rule);
    this.unrestricted = this.#selectors.some((selector) => selector.unrestricted);
    return error;
  }

  #apply(rule: string): string | null {
    switch (rule.toLowerCase()) {
      case "on":
        this.enabled = true;
        return null;
      case "off":
        this.enabled = false;
        return null;
      case "skip-sanitize-payload":
        this.#skipsSanitizing = true;
        return null;
      case "sanitize-payload":
        this.#skipsSanitizing = false;
        return null;
      case "nopass":
        this.noPassword = true;
        this.passwords = [];
        return null;
      case "resetpass":
        this.noPassword = false;
        this.passwords = [];
        return null;
      case "clearselectors":
        this.#selectors.length = 1;
        return null;
      case "reset":
        this.copyFrom(new User(this.name, this.#context));
        return null;
    }
    switch (rule[0]) {
      case ">":
        return this.#addPassword(passwordOf(rule.slice(1)));
      case "#":
        return this.#addPassword(passwordOfHash(rule.slice(1)));
      case "<":
        return this.#removePassword(passwordOf(rule.slice(1)));
      case "!":
        return this.#removePassword(passwordOfHash(rule.slice(1)));
      case "(":
        if (rule.endsWith(")")) return this.#addSelector(rule.slice(1, -1));
    }
    return this.#selectors[0]!.apply(rule);
  }

  #addPassword(password: Password | null): string | null {
    if (password === null) return BAD_HASH;
    if (!this.passwords.some(({ hex }) => hex === password.hex)) {
      this.passwords = [...this.passwords, password];
    }
    this.noPassword = false;
    return null;
  }

  #removePassword(password: Password | null): string | null {
    if (password === null) return BAD_HASH;
    const left = this.passwords.filter(({ hex }) => hex !== password.hex);
    if (left.length === this.passwords.length) return NO_SUCH_PASSWORD;
    this.passwords = left;
    return null;
  }

  #addSelector(rules: string): string | null {
    const selector = new Selector(this.#context.catalogue, this.#context.allChannels);
    for (const rule of rules.split(" ")) {
      // Unlike in Redis no rule ends like a selector: written down, it could not be read back.
      const error = rule.endsWith(")") ? BAD_SYNTAX : rule === "" ? null : selector.apply(rule);
      if (error !== null) return error;
    }
    this.#selectors.push(selector);
    return null;
  }

  // ---- what the rules are ----

  /** Words for what is no permission: "on", "nopass", ... */
  flags(): string[] {
    const flags = [this.enabled ? "on" : "off"];
    if (this.noPassword) flags.push("nopass");
    flags.push(this.#skipsSanitizing ? "skip-sanitize-payload" : "sanitize-payload");
    return flags;
  }

  /** The line of a config file that makes this user, from "user" on. */
  describe(): string {
    const [root, ...others] = this.#selectors;
    return [
      `user ${this.name}`,
      ...this.flags(),
      ...this.passwords.map(({ hex }) => `#${hex}`),
      root!.describe(),
      ...others.map((selector) => `(${selector.describe()})`),
    ].join(" ");
  }

  // ---- questions ----

  /** Whether the password lets somebody log in as this user. */
  accepts(password: Uint8Array): boolean {
    const matches = matchesPassword(password, this.passwords);
    return this.enabled && (this.noPassword || matches);
  }

  /** Whether a selector allows a command and all that it could do with its one key, bytes[start, end). */
  allowsFully(commandId: number, bytes: Buffer, start: number, end: number): boolean {
    const selectors = this.#selectors;
    for (let i = 0; i < selectors.length; i++) {
      const selector = selectors[i]!;
      if (!selector.commands.allows(commandId)) continue;
      if (selector.allowsKey(bytes, start, end, READS_AND_WRITES)) return true;
    }
    return false;
  }

  /**
   * Whether a command line is allowed: ALLOWED, or what is denied. If that is a key or a channel, `deniedAt` is the index of the
   * argument.
   */
  check(inquiry: Inquiry): number {
    let worst = DENIED_COMMAND;
    let deniedAt = 0;
    for (const selector of this.#selectors) {
      const answer = selector.check(inquiry);
      if (answer === ALLOWED) return ALLOWED;
      // The one that came nearest says what is missing.
      if (answer > worst || (answer === worst && selector.deniedAt > deniedAt)) {
        worst = answer;
        deniedAt = selector.deniedAt;
      }
    }
    this.deniedAt = deniedAt;
    return worst;
  }

  /** Whether a selector allows the command line and besides all keys that there are. @param access READS, WRITES or both */
  checkWithEveryKey(inquiry: Inquiry, access: number): boolean {
    return this.#selectors.some(
      (selector) => selector.check(inquiry) === ALLOWED && selector.allowsEveryKey(access),
    );
  }

  /** Whether bytes[start, end) may be used as a key by any command. @param access READS, WRITES, both or neither */
  allowsKey(bytes: Buffer, start: number, end: number, access: number): boolean {
    return this.#selectors.some((selector) => selector.allowsKey(bytes, start, end, access));
  }
}
