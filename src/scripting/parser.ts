/**
 * The parser of Lua 5.1: source text becomes a syntax tree with its names resolved. Precedences, limits and the words of errors are
 * Lua's.
 *
 * Format: www.lua.org/manual/5.1/manual.html#8
 */
import { Lexer } from "./lexer.ts";
import type {
  BinaryOperator,
  CallExpression,
  Expression,
  FunctionBody,
  Local,
  NameExpression,
  Statement,
  TableItem,
  Target,
} from "./syntax.ts";

/** Local variables that a function may have at one place. */
const LOCALS_MAX = 200;
/** Statements and expressions inside one another, as Lua's C stack allows. */
const LEVELS_MAX = 200;

/** Precedences to the left and to the right; the right one is lower where an operator associates to the right. */
const PRECEDENCE: Readonly<Record<string, readonly [left: number, right: number]>> = {
  or: [1, 1],
  and: [2, 2],
  "<": [3, 3],
  ">": [3, 3],
  "<=": [3, 3],
  ">=": [3, 3],
  "~=": [3, 3],
  "==": [3, 3],
  "..": [5, 4],
  "+": [6, 6],
  "-": [6, 6],
  "*": [7, 7],
  "/": [7, 7],
  "%": [7, 7],
  "^": [10, 9],
};
const UNARY_PRECEDENCE = 8;

/** A function while it is read. */
interface Frame {
  readonly body: FunctionBody;
  readonly parent: Frame | null;
  /** Local variables in sight, innermost last. */
  readonly scope: Local[];
  /** Loops around the current statement. */
  loops: number;
}

/**
 * Parses a chunk.
 * @param source one character a byte
 * @param chunkName how errors name the chunk
 * @throws {LuaSyntaxError}
 */
export function parse(source: string, chunkName: string): FunctionBody {
  return new Parser(new Lexer(source, chunkName)).chunk();
}

class Parser {
  readonly #lexer: Lexer;
  #frame: Frame;
  #levels = 0;
  #nextId = 0;

  constructor(lexer: Lexer) {
    this.#lexer = lexer;
    const body = emptyBody(null, 0);
    // The main chunk takes "...", but has no table `arg`.
    body.isVararg = true;
    body.usesDots = true;
    this.#frame = { body, parent: null, scope: [], loops: 0 };
  }

  chunk(): FunctionBody {
    const { body } = this.#frame;
    body.body = this.#block();
    if (this.#lexer.kind !== "<eof>") this.#expected("<eof>");
    return body;
  }

  // ---- tokens ----

  #is(kind: string): boolean {
    return this.#lexer.kind === kind;
  }

  /** Skips the token if it is there. */
  #accept(kind: string): boolean {
    if (this.#lexer.kind !== kind) return false;
    this.#lexer.next();
    return true;
  }

  #expect(kind: string): void {
    if (!this.#accept(kind)) this.#expected(kind);
  }

  #expected(kind: string): never {
    this.#lexer.failHere(`'${kind}' expected`);
  }

  /** Skips what closes a construct. @param open what began it @param line the line that did */
  #close(kind: string, open: string, line: number): void {
    if (this.#accept(kind)) return;
    if (line === this.#lexer.line) this.#expected(kind);
    this.#lexer.failHere(`'${kind}' expected (to close '${open}' at line ${line})`);
  }

  #name(): string {
    if (!this.#is("name")) this.#lexer.failHere("'<name>' expected");
    const { text } = this.#lexer;
    this.#lexer.next();
    return text;
  }

  #enter(): void {
    if (++this.#levels > LEVELS_MAX) this.#lexer.fail("chunk has too many syntax levels");
  }

  #leave(): void {
    this.#levels--;
  }

  // ---- names ----

  #declare(name: string): Local {
    const { body, scope } = this.#frame;
    if (scope.length >= LOCALS_MAX) {
      const where = body.line === 0 ? "main function" : `function at line ${body.line}`;
      this.#lexer.failHere(`${where} has more than ${LOCALS_MAX} local variables`);
    }
    return { name, id: this.#nextId++, owner: body, assigned: false };
  }

  #show(local: Local): void {
    this.#frame.scope.push(local);
  }

  #resolve(name: string, line: number): NameExpression {
    for (let frame: Frame | null = this.#frame; frame !== null; frame = frame.parent) {
      const upvalue = frame !== this.#frame;
      const local = frame.scope.findLast((candidate) => candidate.name === name);
      if (local !== undefined) return { kind: "local", local, upvalue };
      const { body } = frame;
      if (name === "arg" && body.isVararg && body.parent !== null) {
        body.argTable ??= { name, id: this.#nextId++, owner: body, assigned: true };
        return { kind: "local", local: body.argTable, upvalue };
      }
    }
    return { kind: "global", name, line };
  }

  // ---- statements ----

  #block(): Statement[] {
    const { scope } = this.#frame;
    const visible = scope.length;
    const statements = this.#statements();
    scope.length = visible;
    return statements;
  }

  #statements(): Statement[] {
    const statements: Statement[] = [];
    this.#enter();
    while (!isBlockEnd(this.#lexer.kind)) {
      const isLast = this.#is("return") || this.#is("break");
      statements.push(this.#statement());
      this.#accept(";");
      if (isLast) break;
    }
    this.#leave();
    return statements;
  }

  #statement(): Statement {
    const lexer = this.#lexer;
    const { line } = lexer;
    switch (lexer.kind) {
      case "if":
        return this.#if(line);
      case "while": {
        lexer.next();
        const condition = this.#expression();
        this.#expect("do");
        const body = this.#loop();
        this.#close("end", "while", line);
        return { kind: "while", condition, body };
      }
      case "do": {
        lexer.next();
        const body = this.#block();
        this.#close("end", "do", line);
        return { kind: "do", body };
      }
      case "for":
        return this.#for(line);
      case "repeat":
        return this.#repeat(line);
      case "function":
        return this.#functionStatement(line);
      case "local":
        lexer.next();
        return this.#accept("function") ? this.#localFunction(line) : this.#local();
      case "return":
        return this.#return();
      case "break":
        lexer.next();
        if (this.#frame.loops === 0) lexer.failHere("no loop to break");
        return { kind: "break" };
      default:
        return this.#expressionStatement();
    }
  }

  #if(line: number): Statement {
    const branches: { condition: Expression; body: Statement[] }[] = [];
    do {
      this.#lexer.next();
      const condition = this.#expression();
      this.#expect("then");
      branches.push({ condition, body: this.#block() });
    } while (this.#is("elseif"));
    const otherwise = this.#accept("else") ? this.#block() : null;
    this.#close("end", "if", line);
    return { kind: "if", branches, otherwise };
  }

  /** The body of a loop. */
  #loop(): Statement[] {
    this.#frame.loops++;
    const body = this.#block();
    this.#frame.loops--;
    return body;
  }

  #repeat(line: number): Statement {
    const { scope } = this.#frame;
    const visible = scope.length;
    this.#lexer.next();
    this.#frame.loops++;
    const body = this.#statements();
    this.#frame.loops--;
    this.#close("until", "repeat", line);
    // The condition sees the body's local variables.
    const condition = this.#expression();
    scope.length = visible;
    return { kind: "repeat", body, condition };
  }

  #for(line: number): Statement {
    const lexer = this.#lexer;
    lexer.next();
    const first = this.#name();
    const { scope } = this.#frame;
    const visible = scope.length;
    if (this.#accept("=")) {
      const from = this.#expression();
      this.#expect(",");
      const to = this.#expression();
      const step = this.#accept(",") ? this.#expression() : null;
      const variable = this.#declare(first);
      this.#show(variable);
      const body = this.#forBody(line);
      scope.length = visible;
      return { kind: "numeric-for", variable, from, to, step, body, line };
    }
    if (!this.#is(",") && !this.#is("in")) lexer.failHere("'=' or 'in' expected");
    const names = [first];
    while (this.#accept(",")) names.push(this.#name());
    this.#expect("in");
    const values = this.#expressions();
    const variables = names.map((name) => this.#declare(name));
    for (const variable of variables) this.#show(variable);
    const body = this.#forBody(line);
    scope.length = visible;
    return { kind: "generic-for", variables, values, body, line };
  }

  #forBody(line: number): Statement[] {
    this.#expect("do");
    const body = this.#loop();
    this.#close("end", "for", line);
    return body;
  }

  #functionStatement(line: number): Statement {
    this.#lexer.next();
    const name = this.#name();
    let target: Target = this.#resolve(name, line);
    let shown = name;
    let isMethod = false;
    while (this.#is(".") || this.#is(":")) {
      isMethod = this.#is(":");
      this.#lexer.next();
      const value = this.#name();
      shown += `.${value}`;
      target = { kind: "index", object: target, key: { kind: "string", value }, line };
      if (isMethod) break;
    }
    const body = this.#functionBody(line, isMethod);
    this.#markAssigned(target);
    const values: Expression[] = [{ kind: "function", body, name: shown }];
    return { kind: "assign", targets: [target], values, line };
  }

  #localFunction(line: number): Statement {
    const local = this.#declare(this.#name());
    this.#show(local);
    return { kind: "local-function", local, body: this.#functionBody(line, false) };
  }

  #local(): Statement {
    const names = [this.#name()];
    while (this.#accept(",")) names.push(this.#name());
    const values = this.#accept("=") ? this.#expressions() : [];
    const locals = names.map((name) => this.#declare(name));
    for (const local of locals) this.#show(local);
    return { kind: "local", locals, values };
  }

  #return(): Statement {
    this.#lexer.next();
    const isBare = isBlockEnd(this.#lexer.kind) || this.#is(";");
    return { kind: "return", values: isBare ? [] : this.#expressions() };
  }

  #expressionStatement(): Statement {
    const lexer = this.#lexer;
    const first = this.#suffixed();
    if (first.kind === "call") return { kind: "call", call: first };
    const targets: Target[] = [];
    let next: Expression = first;
    for (;;) {
      if (next.kind !== "local" && next.kind !== "global" && next.kind !== "index") {
        return lexer.failHere("syntax error");
      }
      targets.push(next);
      if (!this.#accept(",")) break;
      next = this.#suffixed();
    }
    this.#expect("=");
    const values = this.#expressions();
    for (const target of targets) this.#markAssigned(target);
    return { kind: "assign", targets, values, line: lexer.lastLine };
  }

  #markAssigned(target: Target): void {
    if (target.kind === "local") target.local.assigned = true;
  }

  // ---- expressions ----

  #expressions(): Expression[] {
    const list = [this.#expression()];
    while (this.#accept(",")) list.push(this.#expression());
    return list;
  }

  /** @param limit operators that bind weaker than this are left to the caller */
  #expression(limit = 0): Expression {
    const lexer = this.#lexer;
    this.#enter();
    let left: Expression;
    if (this.#is("not") || this.#is("-") || this.#is("#")) {
      const operator = lexer.kind as "not" | "-" | "#";
      lexer.next();
      const operand = this.#expression(UNARY_PRECEDENCE);
      left = { kind: "unary", operator, operand, line: lexer.lastLine };
    } else {
      left = this.#simple();
    }
    for (;;) {
      const operator = lexer.kind;
      const precedence = Object.hasOwn(PRECEDENCE, operator) ? PRECEDENCE[operator]! : null;
      if (precedence === null || precedence[0] <= limit) break;
      lexer.next();
      const right = this.#expression(precedence[1]);
      const { lastLine: line } = lexer;
      left = { kind: "binary", operator: operator as BinaryOperator, left, right, line };
    }
    this.#leave();
    return left;
  }

  #simple(): Expression {
    const lexer = this.#lexer;
    switch (lexer.kind) {
      case "number": {
        const { value } = lexer;
        lexer.next();
        return { kind: "number", value };
      }
      case "string": {
        const { text } = lexer;
        lexer.next();
        return { kind: "string", value: text };
      }
      case "nil":
        lexer.next();
        return { kind: "nil" };
      case "true":
      case "false": {
        const value = this.#is("true");
        lexer.next();
        return { kind: "boolean", value };
      }
      case "...":
        if (!this.#frame.body.isVararg) {
          lexer.failHere("cannot use '...' outside a vararg function");
        }
        this.#frame.body.usesDots = true;
        lexer.next();
        return { kind: "dots" };
      case "{":
        return this.#table();
      case "function": {
        const { line } = lexer;
        lexer.next();
        return { kind: "function", body: this.#functionBody(line, false), name: "" };
      }
      default:
        return this.#suffixed();
    }
  }

  /** A name or an expression in parentheses, and what is indexed and called of it. */
  #suffixed(): Expression {
    const lexer = this.#lexer;
    let value: Expression;
    const { line } = lexer;
    if (this.#accept("(")) {
      const inner = this.#expression();
      this.#close(")", "(", line);
      value = { kind: "parentheses", inner };
    } else if (this.#is("name")) {
      value = this.#resolve(this.#name(), line);
    } else {
      return lexer.failHere("unexpected symbol");
    }
    for (;;) {
      switch (lexer.kind) {
        case ".": {
          lexer.next();
          const key: Expression = { kind: "string", value: this.#name() };
          value = { kind: "index", object: value, key, line: lexer.lastLine };
          break;
        }
        case "[": {
          lexer.next();
          const key = this.#expression();
          this.#expect("]");
          value = { kind: "index", object: value, key, line: lexer.lastLine };
          break;
        }
        case ":":
          lexer.next();
          value = this.#call(value, this.#name());
          break;
        case "(":
        case "string":
        case "{":
          value = this.#call(value, null);
          break;
        default:
          return value;
      }
    }
  }

  #call(callee: Expression, method: string | null): CallExpression {
    const lexer = this.#lexer;
    const { line } = lexer;
    let parameters: Expression[] = [];
    if (this.#is("string")) {
      parameters = [{ kind: "string", value: lexer.text }];
      lexer.next();
    } else if (this.#is("{")) {
      parameters = [this.#table()];
    } else if (this.#is("(")) {
      if (line !== lexer.lastLine) {
        lexer.failHere("ambiguous syntax (function call x new statement)");
      }
      lexer.next();
      if (!this.#is(")")) parameters = this.#expressions();
      this.#close(")", "(", line);
    } else {
      lexer.failHere("function arguments expected");
    }
    return { kind: "call", callee, method, parameters, line };
  }

  #table(): Expression {
    const lexer = this.#lexer;
    const { line } = lexer;
    const items: TableItem[] = [];
    lexer.next();
    while (!this.#is("}")) {
      items.push(this.#tableItem());
      if (!this.#accept(",") && !this.#accept(";")) break;
    }
    this.#close("}", "{", line);
    return { kind: "table", items, line };
  }

  #tableItem(): TableItem {
    const lexer = this.#lexer;
    let key: Expression | null = null;
    if (this.#is("name") && lexer.peek() === "=") {
      key = { kind: "string", value: this.#name() };
      this.#expect("=");
    } else if (this.#accept("[")) {
      key = this.#expression();
      this.#expect("]");
      this.#expect("=");
    }
    return { key, value: this.#expression() };
  }

  #functionBody(line: number, isMethod: boolean): FunctionBody {
    const body = emptyBody(this.#frame.body, line);
    const frame: Frame = { body, parent: this.#frame, scope: [], loops: 0 };
    this.#frame = frame;
    this.#enter();
    if (isMethod) this.#parameter("self");
    this.#expect("(");
    if (!this.#is(")")) {
      do {
        if (this.#accept("...")) {
          body.isVararg = true;
          break;
        }
        if (!this.#is("name")) this.#lexer.failHere("<name> or '...' expected");
        this.#parameter(this.#name());
      } while (this.#accept(","));
    }
    this.#expect(")");
    body.body = this.#block();
    this.#close("end", "function", line);
    this.#leave();
    this.#frame = frame.parent!;
    return body;
  }

  #parameter(name: string): void {
    const local = this.#declare(name);
    // The caller's value stands in it from the start.
    local.assigned = true;
    this.#show(local);
    this.#frame.body.parameters.push(local);
  }
}

function emptyBody(parent: FunctionBody | null, line: number): FunctionBody {
  return {
    parent,
    parameters: [],
    isVararg: false,
    usesDots: false,
    argTable: null,
    body: [],
    line,
  };
}

function isBlockEnd(kind: string): boolean {
  return (
    kind === "<eof>" || kind === "end" || kind === "else" || kind === "elseif" || kind === "until"
  );
}
