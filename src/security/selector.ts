/**
 * A selector: commands, keys and channels that may be used together. A user has a first one, which rules without parentheses are about,
 * and may have more; a command line is allowed if one of them allows all of it.
 */
import type { Catalogue } from "./catalogue.ts";
import { CommandSet } from "./command-set.ts";
import type { Inquiry, KeyUses, Line } from "./inquiry.ts";
import {
  ALLOWED,
  DENIED_CHANNEL,
  DENIED_COMMAND,
  DENIED_KEY,
  READS,
  READS_AND_WRITES,
  WRITES,
} from "./inquiry.ts";
import { Pattern } from "./pattern.ts";
import {
  BAD_SYNTAX,
  CHANNELS_AFTER_ALL,
  FIRST_ARGUMENT_OF_SUBCOMMAND,
  KEYS_AFTER_ALL,
  UNKNOWN_COMMAND,
} from "./rule-errors.ts";

/** What patterns and names of users must not hold, so that a line of rules can be taken apart at its spaces. */
const SPACES = /[\0\t-\r ]/;

export function hasSpaces(text: string): boolean {
  return SPACES.test(text);
}

/** Keys that may be used, and for what: READS, WRITES or both. */
interface KeyPattern {
  readonly pattern: Pattern;
  access: number;
}

export class Selector {
  readonly commands: CommandSet = new CommandSet();
  /** Index of the argument that the last `check` found denied; 0 if it was the command. */
  deniedAt = 0;
  readonly #catalogue: Catalogue;
  #allKeys = false;
  #keys: KeyPattern[] = [];
  #allChannels: boolean;
  #channels: Pattern[] = [];

  /** One that allows nothing but, if so, all channels. */
  constructor(catalogue: Catalogue, allChannels: boolean) {
    this.#catalogue = catalogue;
    this.#allChannels = allChannels;
  }

  /** A selector of its own that allows the same. */
  copy(): Selector {
    const copy = new Selector(this.#catalogue, this.#allChannels);
    copy.commands.copyFrom(this.commands);
    copy.#allKeys = this.#allKeys;
    copy.#keys = this.#keys.map((key) => ({ ...key }));
    copy.#channels = [...this.#channels];
    return copy;
  }

  /** Nothing is denied. */
  get unrestricted(): boolean {
    return this.commands.all && this.#allKeys && this.#allChannels;
  }

  get allChannels(): boolean {
    return this.#allChannels;
  }

  get channels(): readonly Pattern[] {
    return this.#channels;
  }

  // ---- rules ----

  /** Applies a rule: one of `RuleText`'s about commands, keys or channels. @returns an error text, or null */
  apply(rule: string): string | null {
    switch (rule.toLowerCase()) {
      case "allkeys":
      case "~*":
        return this.#setAllKeys(true);
      case "resetkeys":
        return this.#setAllKeys(false);
      case "allchannels":
      case "&*":
        return this.#setAllChannels(true);
      case "resetchannels":
        return this.#setAllChannels(false);
      case "allcommands":
      case "+@all":
        this.commands.setAll(true);
        return null;
      case "nocommands":
      case "-@all":
        this.commands.setAll(false);
        return null;
    }
    switch (rule[0]) {
      case "~":
      case "%":
        return this.#addKeys(rule);
      case "&":
        return this.#addChannels(rule.slice(1));
      case "+":
      case "-": {
        const allow = rule[0] === "+";
        if (rule[1] === "@") return this.#setCategory(rule.slice(2), allow);
        return allow && rule.includes("|")
          ? this.#allowPart(rule.slice(1))
          : this.#set(rule, allow);
      }
      default:
        return BAD_SYNTAX;
    }
  }

  #setAllKeys(all: boolean): null {
    this.#allKeys = all;
    this.#keys = [];
    return null;
  }

  #setAllChannels(all: boolean): null {
    this.#allChannels = all;
    this.#channels = [];
    return null;
  }

  /** "~pattern", or with what may be done, as "%R~pattern". */
  #addKeys(rule: string): string | null {
    if (this.#allKeys) return KEYS_AFTER_ALL;
    let access = READS_AND_WRITES;
    let text = rule.slice(1);
    if (rule[0] === "%") {
      const letters = /^(r|w|rw|wr)(~|$)/i.exec(text);
      if (letters === null) return BAD_SYNTAX;
      access = (/r/i.test(letters[1]!) ? READS : 0) | (/w/i.test(letters[1]!) ? WRITES : 0);
      text = text.slice(letters[0].length);
    }
    if (hasSpaces(text)) return BAD_SYNTAX;
    const same = this.#keys.find(({ pattern }) => pattern.text === text);
    if (same === undefined) this.#keys.push({ pattern: new Pattern(text), access });
    else same.access |= access;
    return null;
  }

  #addChannels(text: string): string | null {
    if (this.#allChannels) return CHANNELS_AFTER_ALL;
    if (hasSpaces(text)) return BAD_SYNTAX;
    if (!this.#channels.some((pattern) => pattern.text === text)) {
      this.#channels.push(new Pattern(text));
    }
    return null;
  }

  #set(rule: string, allow: boolean): string | null {
    const command = this.#catalogue.find(rule.slice(1));
    if (command === null) return UNKNOWN_COMMAND;
    this.commands.set(command, allow);
    return null;
  }

  #setCategory(name: string, allow: boolean): string | null {
    const lower = name.toLowerCase();
    const index = this.#catalogue.categories.indexOf(lower);
    if (index === -1) return UNKNOWN_COMMAND;
    this.commands.setCategory(lower, 1 << index, this.#catalogue.commands, allow);
    return null;
  }

  /** A subcommand, or a command with one first argument: "config|get", "select|0". */
  #allowPart(text: string): string | null {
    const at = text.lastIndexOf("|");
    const command = this.#catalogue.find(text.slice(0, at));
    if (command === null) return UNKNOWN_COMMAND;
    if (command.parent !== null) return FIRST_ARGUMENT_OF_SUBCOMMAND;
    const part = text.slice(at + 1);
    // Redis takes a blank here, and can't read the file again that it then saves: who may change one user could add others to it.
    if (part === "" || hasSpaces(part)) return BAD_SYNTAX;
    if (command.children.length === 0) {
      this.commands.allowFirstArgument(command, part);
      return null;
    }
    return this.#set(`+${text}`, true);
  }

  // ---- what the rules are ----

  describeKeys(): string {
    if (this.#allKeys) return "~*";
    return this.#keys.map(describeKey).join(" ");
  }

  describeChannels(): string {
    if (this.#allChannels) return "&*";
    return this.#channels.map(({ text }) => `&${text}`).join(" ");
  }

  /** The rules that make this selector of a new one. */
  describe(): string {
    const parts = [this.describeKeys()];
    if (!this.#allChannels) parts.push("resetchannels");
    parts.push(this.describeChannels(), this.commands.describe());
    return parts.filter((part) => part !== "").join(" ");
  }

  // ---- questions ----

  /** Whether a command line is allowed: ALLOWED, or what is denied; `deniedAt` says which argument it is. */
  check(inquiry: Inquiry): number {
    this.deniedAt = 0;
    const { commands } = this;
    if (!commands.all && !inquiry.isFree && !commands.allows(inquiry.commandId)) {
      if (!this.#allowsFirstArgument(inquiry)) return DENIED_COMMAND;
    }
    if (!this.#allKeys) {
      const uses = inquiry.keys();
      if (uses !== null && !this.#allowsKeys(uses, inquiry.line)) return DENIED_KEY;
    }
    if (!this.#allChannels && !this.#allowsChannels(inquiry)) return DENIED_CHANNEL;
    return ALLOWED;
  }

  /** Whether all keys that there are may be used so. @param access READS, WRITES or both */
  allowsEveryKey(access: number): boolean {
    if (this.#allKeys) return true;
    return this.#keys.some((key) => (key.access & access) === access && key.pattern.text === "*");
  }

  /** Whether bytes[start, end) may be used as a key. @param access READS, WRITES, both or neither */
  allowsKey(bytes: Buffer, start: number, end: number, access: number): boolean {
    if (this.#allKeys) return true;
    const keys = this.#keys;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      if ((key.access & access) === access && key.pattern.matches(bytes, start, end)) return true;
    }
    return false;
  }

  #allowsFirstArgument({ commandId, firstArgument, line }: Inquiry): boolean {
    if (!this.commands.asksForFirstArgument(commandId) || line.count <= firstArgument) return false;
    const start = line.start(firstArgument);
    const word = line.bytes.toString("latin1", start, line.end(firstArgument));
    return this.commands.allowsWith(commandId, word);
  }

  #allowsKeys({ count, positions, access }: KeyUses, line: Line): boolean {
    for (let i = 0; i < count; i++) {
      const at = positions[i]!;
      if (this.allowsKey(line.bytes, line.start(at), line.end(at), access[i]!)) continue;
      this.deniedAt = at;
      return false;
    }
    return true;
  }

  #allowsChannels(inquiry: Inquiry): boolean {
    const uses = inquiry.channels();
    if (uses === null) return true;
    const { line } = inquiry;
    for (let at = uses.first; at < uses.end; at++) {
      const start = line.start(at);
      if (allowsChannel(this.#channels, line.bytes, start, line.end(at), uses.patterns)) continue;
      this.deniedAt = at;
      return false;
    }
    return true;
  }
}

/** Whether one of the patterns allows a channel. A pattern of channels is allowed only if it is itself among them. */
export function allowsChannel(
  allowed: readonly Pattern[],
  bytes: Buffer,
  start: number,
  end: number,
  isPattern: boolean,
): boolean {
  return allowed.some((pattern) =>
    isPattern ? pattern.is(bytes, start, end) : pattern.matches(bytes, start, end),
  );
}

function describeKey({ pattern, access }: KeyPattern): string {
  if (access === READS_AND_WRITES) return `~${pattern.text}`;
  return `${access === READS ? "%R~" : "%W~"}${pattern.text}`;
}
