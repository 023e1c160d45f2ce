/**
 * A compact notation for the arguments of a command, and its reader. Rows of the command table carry the notation; it is read
 * only when somebody asks for it (COMMAND DOCS), into the tree that Redis's clients know.
 *
 *   name:type           an argument: key, string, integer, double, pattern, unix-time
 *   name:WORD           a word that stands for itself (any other word in place of a type; "" is the empty one)
 *   WORD name:type      an argument that follows a word
 *   name:<a|b>          one of several arguments
 *   name:(a b)          several arguments, one after another
 *   [a]                 an argument that may be left out
 *   a...  a+...         any number of times; the word before it once, or again each time
 *   a@6.2.0  a~2.8.12   since, or deprecated since, a version
 *   a/text              shown as `text`, if not by its name
 *   key:key#1           the key specification that finds it, if not the first
 *
 * Example, of SET's last option: [expiration:<EX seconds:integer|PX milliseconds:integer|keepttl:KEEPTTL@6.0.0>]
 */
import { assert } from "../base/assert.ts";

export interface ArgumentDoc {
  readonly name: string;
  readonly type: string;
  /** What help texts show; null for arguments that consist of others. */
  display: string | null;
  /** Index of the key specification, -1 if this is no key. */
  keySpec: number;
  readonly token: string | null;
  since: string | null;
  deprecatedSince: string | null;
  optional: boolean;
  multiple: boolean;
  /** With `multiple`: the token comes again each time. */
  multipleToken: boolean;
  readonly children: readonly ArgumentDoc[];
}

const TYPES: ReadonlySet<string> = new Set([
  "key",
  "string",
  "integer",
  "double",
  "pattern",
  "unix-time",
]);

const SPACE = /\s*/y;
const NAME = /[^\s:[\]<>()|]+/y;
/** The first character of a word may be one that would end it further on. */
const WORD = /""|[^\s][^\s[\]<>()|@~/#.+]*/y;
const SUFFIX = /\+?\.\.\.|@[\d.]+|~[\d.]+|#\d+|\/[^\s[\]<>()|@~]+/y;

/** Reads the notation. It is part of the program, so a mistake in it is a bug of the program. */
export function parseSyntax(text: string): ArgumentDoc[] {
  const parser = new SyntaxParser(text);
  const items = parser.items("");
  assert(parser.atEnd, `not the notation of arguments: ${text}`);
  return items;
}

class SyntaxParser {
  readonly #text: string;
  #pos = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#pos === this.#text.length;
  }

  /** Items up to the character `close`, or to the end. @param between what separates them, beside white space */
  items(close: string, between = ""): ArgumentDoc[] {
    const items: ArgumentDoc[] = [];
    this.#match(SPACE);
    while (close === "" ? !this.atEnd : !this.#skip(close)) {
      items.push(this.#item());
      this.#match(SPACE);
      if (this.#skip(between)) this.#match(SPACE);
    }
    return items;
  }

  #item(): ArgumentDoc {
    if (this.#skip("[")) {
      const items = this.items("]");
      assert(items.length === 1, `one argument stands in brackets: ${this.#text}`);
      items[0]!.optional = true;
      return items[0]!;
    }
    let name = this.#match(NAME);
    let token: string | null = null;
    if (!this.#skip(":")) {
      token = name;
      this.#match(SPACE);
      name = this.#match(NAME);
      assert(this.#skip(":"), `an argument has a type: ${this.#text}`);
    }
    const item = this.#content(name, token);
    for (let suffix = this.#match(SUFFIX); suffix !== ""; suffix = this.#match(SUFFIX)) {
      applySuffix(item, suffix);
    }
    return item;
  }

  #content(name: string, token: string | null): ArgumentDoc {
    assert(name !== "", `an argument has a name: ${this.#text}`);
    if (this.#skip("<")) return argument(name, "oneof", token, this.items(">", "|"));
    if (this.#skip("(")) return argument(name, "block", token, this.items(")"));
    const word = this.#match(WORD);
    assert(word !== "", `an argument has a type: ${this.#text}`);
    if (TYPES.has(word)) return argument(name, word, token);
    return argument(name, "pure-token", word === '""' ? "" : word);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#pos;
    const matched = pattern.exec(this.#text)?.[0] ?? "";
    this.#pos += matched.length;
    return matched;
  }

  #skip(character: string): boolean {
    if (character === "" || this.#text[this.#pos] !== character) return false;
    this.#pos++;
    return true;
  }
}

function argument(
  name: string,
  type: string,
  token: string | null,
  children: readonly ArgumentDoc[] = [],
): ArgumentDoc {
  return {
    name,
    type,
    display: type === "oneof" || type === "block" ? null : name,
    keySpec: type === "key" ? 0 : -1,
    token,
    since: null,
    deprecatedSince: null,
    optional: false,
    multiple: false,
    multipleToken: false,
    children,
  };
}

function applySuffix(item: ArgumentDoc, suffix: string): void {
  const rest = suffix.slice(1);
  switch (suffix[0]) {
    case "@":
      item.since = rest;
      break;
    case "~":
      item.deprecatedSince = rest;
      break;
    case "#":
      item.keySpec = Number(rest);
      break;
    case "/":
      item.display = rest;
      break;
    default:
      item.multiple = true;
      item.multipleToken = suffix[0] === "+";
  }
}
