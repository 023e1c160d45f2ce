/**
 * The tokens of Lua 5.1, cut from source text of one character a byte. Errors have Lua's words: they name the chunk, the
 * line, and the token as far as it was read.
 *
 * Format: www.lua.org/manual/5.1/manual.html#2.1
 */
import { parseNumber } from "./number-text.ts";

export type TokenKind =
  | "name"
  | "string"
  | "number"
  | "<eof>"
  /** A keyword or an operator: its own text. */
  | (string & {});

const KEYWORDS: ReadonlySet<string> = new Set(
  (
    "and break do else elseif end false for function if in local nil not or repeat return then true " +
    "until while"
  ).split(" "),
);

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** The text can't be a chunk of Lua. */
export class LuaSyntaxError extends Error {
  override name = "LuaSyntaxError";
}

export class Lexer {
  /** Of the current token. */
  kind: TokenKind = "<eof>";
  /** Name or content of the current token. */
  text = "";
  /** Value of a number. */
  value = 0;
  /** Line of the current token's end. */
  line = 1;
  /** Line of the token before it. */
  lastLine = 1;
  readonly chunkName: string;
  readonly #source: string;
  #pos = 0;
  /** The current token as error messages show it. */
  #shown: string | undefined = "";
  #ahead: {
    kind: TokenKind;
    text: string;
    value: number;
    line: number;
    shown: string | undefined;
  } | null = null;

  constructor(source: string, chunkName: string) {
    this.#source = source;
    this.chunkName = chunkName;
    // A first line that begins with "#" belongs to the shell; nothing of Lua begins so.
    this.next();
  }

  /** Goes on to the next token. */
  next(): void {
    this.lastLine = this.line;
    const ahead = this.#ahead;
    if (ahead !== null) {
      this.kind = ahead.kind;
      this.text = ahead.text;
      this.value = ahead.value;
      this.line = ahead.line;
      this.#shown = ahead.shown;
      this.#ahead = null;
      return;
    }
    this.#scan();
  }

  /** The kind of the token after the current one. */
  peek(): TokenKind {
    if (this.#ahead === null) {
      const { kind, text, value, line, lastLine } = this;
      const shown = this.#shown;
      this.#scan();
      this.#ahead = {
        kind: this.kind,
        text: this.text,
        value: this.value,
        line: this.line,
        shown: this.#shown,
      };
      this.kind = kind;
      this.text = text;
      this.value = value;
      this.line = line;
      this.lastLine = lastLine;
      this.#shown = shown;
    }
    return this.#ahead.kind;
  }

  /** Fails at the current token. */
  failHere(message: string): never {
    this.fail(message, this.#shown);
  }

  /** Fails in this line. @param near the token that the message shows; without, none */
  fail(message: string, near?: string): never {
    const place = `${this.chunkName}:${this.line}: ${message}`;
    // C's text ends at the first zero byte.
    const shown = near?.split("\0", 1)[0];
    throw new LuaSyntaxError(near === undefined ? place : `${place} near '${shown}'`);
  }

  // ---- inside ----

  #token(kind: TokenKind, shown: string | undefined): void {
    this.kind = kind;
    this.#shown = shown;
  }

  #scan(): void {
    const source = this.#source;
    for (;;) {
      const at = this.#pos;
      if (at >= source.length) return this.#token("<eof>", "<eof>");
      const char = source[at]!;
      switch (char) {
        case "\n":
        case "\r":
          this.#lineBreak();
          continue;
        case " ":
        case "\t":
        case "\v":
        case "\f":
          this.#pos++;
          continue;
        case "-":
          if (source[at + 1] !== "-") return this.#operator("-");
          this.#comment();
          continue;
        case "[": {
          const level = this.#longLevel(at);
          if (level >= 0) {
            this.#longString(level, true);
            return;
          }
          if (level === -1) return this.#operator("[");
          return this.fail("invalid long string delimiter", source.slice(at, this.#longEnd(at)));
        }
        case "=":
          return this.#operator(source[at + 1] === "=" ? "==" : "=");
        case "<":
          return this.#operator(source[at + 1] === "=" ? "<=" : "<");
        case ">":
          return this.#operator(source[at + 1] === "=" ? ">=" : ">");
        case "~":
          return this.#operator(source[at + 1] === "=" ? "~=" : "~");
        case '"':
        case "'":
          return this.#string(char);
        case ".":
          if (isDigit(source[at + 1])) return this.#number();
          if (source[at + 1] !== ".") return this.#operator(".");
          return this.#operator(source[at + 2] === "." ? "..." : "..");
        default:
          if (isDigit(char)) return this.#number();
          if (isLetter(char)) return this.#name();
          this.#pos++;
          // To Lua a token of number 0 is none.
          if (char === "\0") return this.#token(char, undefined);
          // It shows what is no letter as its number.
          if (char < " " || char === "\x7f")
            return this.#token(char, `char(${char.charCodeAt(0)})`);
          return this.#token(char, char);
      }
    }
  }

  #operator(text: string): void {
    this.#pos += text.length;
    this.#token(text, text);
  }

  /** A line end of one or two characters. */
  #lineBreak(): void {
    const first = this.#source[this.#pos++];
    const second = this.#source[this.#pos];
    if ((second === "\n" || second === "\r") && second !== first) this.#pos++;
    this.line++;
  }

  #comment(): void {
    this.#pos += 2;
    if (this.#source[this.#pos] === "[") {
      const level = this.#longLevel(this.#pos);
      if (level >= 0) {
        this.#longString(level, false);
        return;
      }
    }
    while (this.#pos < this.#source.length && !isLineEnd(this.#source[this.#pos]!)) this.#pos++;
  }

  /** Number of "=" of the long bracket that opens at `at`; -1 if it is a mere "[", -2 if it is neither. */
  #longLevel(at: number): number {
    const end = this.#longEnd(at);
    if (this.#source[end] === "[") return end - at - 1;
    return end === at + 1 ? -1 : -2;
  }

  #longEnd(at: number): number {
    let end = at + 1;
    while (this.#source[end] === "=") end++;
    return end;
  }

  #longString(level: number, isToken: boolean): void {
    const source = this.#source;
    const open = source.slice(this.#pos, this.#pos + level + 2);
    const close = `]${"=".repeat(level)}]`;
    this.#pos += level + 2;
    if (isLineEnd(source[this.#pos] ?? "")) this.#lineBreak();
    const parts: string[] = [];
    let from = this.#pos;
    for (;;) {
      const char = source[this.#pos];
      if (char === undefined) {
        this.fail(isToken ? "unfinished long string" : "unfinished long comment", "<eof>");
      } else if (char === "]" && source.startsWith(close, this.#pos)) {
        break;
      } else if (char === "[" && level === 0 && source[this.#pos + 1] === "[") {
        this.fail("nesting of [[...]] is deprecated", "[");
      } else if (isLineEnd(char)) {
        parts.push(source.slice(from, this.#pos), "\n");
        this.#lineBreak();
        from = this.#pos;
      } else {
        this.#pos++;
      }
    }
    parts.push(source.slice(from, this.#pos));
    this.#pos += level + 2;
    if (!isToken) return;
    this.text = parts.join("");
    this.#token("string", open + this.text + close);
  }

  #string(quote: string): void {
    const source = this.#source;
    this.#pos++;
    let text = "";
    for (;;) {
      const char = source[this.#pos];
      if (char === undefined) this.fail("unfinished string", "<eof>");
      if (char === quote) break;
      if (isLineEnd(char)) this.fail("unfinished string", quote + text);
      if (char !== "\\") {
        text += char;
        this.#pos++;
        continue;
      }
      const next = source[++this.#pos];
      // The end of the text is found by the next round.
      if (next === undefined) continue;
      if (isLineEnd(next)) {
        text += "\n";
        this.#lineBreak();
      } else if (isDigit(next)) {
        let code = 0;
        for (let i = 0; i < 3 && isDigit(source[this.#pos]); i++) {
          code = code * 10 + Number(source[this.#pos++]);
        }
        if (code > 255) this.fail("escape sequence too large", quote + text);
        text += String.fromCharCode(code);
      } else {
        text += ESCAPES[next] ?? next;
        this.#pos++;
      }
    }
    this.#pos++;
    this.text = text;
    this.#token("string", quote + text + quote);
  }

  #number(): void {
    const source = this.#source;
    const from = this.#pos;
    let at = from;
    while (isDigit(source[at]) || source[at] === ".") at++;
    if (source[at] === "e" || source[at] === "E") {
      at++;
      if (source[at] === "+" || source[at] === "-") at++;
    }
    while (isDigit(source[at]) || isLetter(source[at] ?? "")) at++;
    this.#pos = at;
    const text = source.slice(from, at);
    const value = parseNumber(text);
    if (value === undefined) this.fail("malformed number", text);
    this.value = value;
    this.#token("number", text);
  }

  #name(): void {
    const source = this.#source;
    const from = this.#pos;
    let at = from + 1;
    while (isLetter(source[at] ?? "") || isDigit(source[at])) at++;
    this.#pos = at;
    const text = source.slice(from, at);
    this.text = text;
    this.#token(KEYWORDS.has(text) ? text : "name", text);
  }
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= "0" && char <= "9";
}

/** A letter or an underscore. */
function isLetter(char: string): boolean {
  return (char >= "a" && char <= "z") || (char >= "A" && char <= "Z") || char === "_";
}

function isLineEnd(char: string): boolean {
  return char === "\n" || char === "\r";
}
