/** The code generator's part for expressions; `generator.ts` says what the code looks like. */
import { unreachable } from "../base/assert.ts";
import type { Code, FunctionState, KnownType } from "./code.ts";
import {
  atLine,
  isMultiple,
  isSimple,
  LEAVE,
  localName,
  NIL,
  numberCode,
  operandName,
  quote,
  typeOf,
} from "./code.ts";
import type { Environment } from "./environment.ts";
import { givesOne } from "./environment.ts";
import type { CallExpression, Expression, FunctionBody, IndexExpression, Local } from "./syntax.ts";
import { LuaTable } from "./table.ts";
import type { LuaFunction, LuaValue } from "./values.ts";

type Binary = Extract<Expression, { kind: "binary" }>;
type Unary = Extract<Expression, { kind: "unary" }>;
type Table = Extract<Expression, { kind: "table" }>;

const EVENTS: Readonly<Record<string, string>> = {
  "+": "__add",
  "-": "__sub",
  "*": "__mul",
  "/": "__div",
  "%": "__mod",
  "^": "__pow",
};

export abstract class ExpressionGenerator {
  readonly constants: LuaValue[] = [];
  /** Types of local variables that keep their first value. */
  readonly types: Map<Local, KnownType> = new Map();
  readonly coroutines: boolean;
  state: FunctionState | null = null;
  readonly #environment: Environment;
  readonly #constantPlaces: Map<LuaValue, number> = new Map();

  constructor(environment: Environment, coroutines: boolean) {
    this.#environment = environment;
    this.coroutines = coroutines;
  }

  abstract functionCode(body: FunctionBody): string;

  /** One value. */
  value(expression: Expression): Code {
    switch (expression.kind) {
      case "nil":
        return NIL;
      case "boolean":
        return { js: String(expression.value), type: "boolean" };
      case "number":
        return { js: numberCode(expression.value), type: "number" };
      case "string":
        return { js: quote(expression.value), type: "string" };
      case "dots":
        return any("$va[0]");
      case "local": {
        const { local } = expression;
        return { js: localName(local), type: this.types.get(local) ?? "any" };
      }
      case "global":
        return this.#global(expression.name, expression.line);
      case "index":
        return this.#index(expression);
      case "call": {
        const js = this.multiple(expression);
        const known = this.#libraryFunction(expression);
        return any(known !== null && givesOne(known) ? js : `$.first(${js})`);
      }
      case "function":
        return any(`(${this.functionCode(expression.body)})`);
      case "table":
        return this.#table(expression);
      case "binary":
        return this.#binary(expression);
      case "unary":
        return this.#unary(expression);
      case "parentheses":
        return this.value(expression.inner);
    }
  }

  /** Whether the value is true for Lua, as a boolean of JavaScript. */
  condition(expression: Expression): string {
    if (expression.kind === "parentheses") return this.condition(expression.inner);
    if (expression.kind === "unary" && expression.operator === "not") {
      return `!${this.condition(expression.operand)}`;
    }
    if (expression.kind === "binary") {
      const { operator, left, right } = expression;
      if (operator === "and") return `(${this.condition(left)}&&${this.condition(right)})`;
      if (operator === "or") return `(${this.condition(left)}||${this.condition(right)})`;
    }
    const { state } = this;
    const mark = state!.mark();
    const code = this.value(expression);
    state!.release(mark);
    if (code.type === "boolean") return `(${code.js})`;
    if (code.type === "nil") return "false";
    if (code.type !== "any") return `(${code.js},true)`;
    if (isSimple(expression)) return `(${code.js}!==undefined&&${code.js}!==false)`;
    const name = state!.temporary();
    state!.release(mark);
    return `((${name}=${code.js})!==undefined&&${name}!==false)`;
  }

  /** All values of an expression that may have any number, as a result of a call. */
  multiple(expression: Expression): string {
    if (expression.kind === "dots") return "$va";
    return expression.kind === "call" ? this.#call(expression) : this.value(expression).js;
  }

  /** A list of expressions as arguments, the last one with all its values. */
  list(expressions: readonly Expression[]): string {
    return expressions
      .map((expression, i) => {
        if (i < expressions.length - 1 || !isMultiple(expression)) return this.value(expression).js;
        return expression.kind === "dots" ? "...$va" : `...$.all(${this.multiple(expression)})`;
      })
      .join();
  }

  /** A call's values where the call may have begun a generator. */
  settled(call: string): string {
    return this.coroutines ? `(yield*$.run(${call}))` : call;
  }

  nameOf(expression: Expression): string {
    return operandName(expression);
  }

  // ---- names and fields ----

  #global(name: string, line: number): Code {
    if (name === "KEYS" || name === "ARGV") {
      if (this.#environment.inputs !== null) return any(`$inputs.${name}`);
    }
    const known = this.#environment.constant(name);
    if (known !== undefined) return this.#constant(known);
    return any(`${atLine(line, "$.indexText(")}$globals,${quote(name)},"")`);
  }

  #constant(value: LuaValue): Code {
    const type = typeOf(value);
    if (type === "number") return { js: numberCode(value as number), type };
    if (type === "string") return { js: quote(value as string), type };
    if (type === "boolean") return { js: String(value), type };
    let place = this.#constantPlaces.get(value);
    if (place === undefined) {
      place = this.constants.push(value) - 1;
      this.#constantPlaces.set(value, place);
    }
    return any(`$k${place}`);
  }

  /** The value of an expression that names a global or a field of a library, or undefined. */
  #known(expression: Expression): LuaValue {
    if (expression.kind === "global") return this.#environment.constant(expression.name);
    if (expression.kind !== "index" || expression.key.kind !== "string") return undefined;
    const { object, key } = expression;
    if (object.kind !== "global") return undefined;
    const table = this.#environment.constant(object.name);
    if (!(table instanceof LuaTable) || !table.readonly) return undefined;
    return table.getKeyed(key.value);
  }

  #libraryFunction(call: CallExpression): LuaFunction | null {
    if (call.method !== null) return null;
    const known = this.#known(call.callee);
    return typeof known === "function" ? known : null;
  }

  #index(expression: IndexExpression): Code {
    const known = this.#known(expression);
    if (known !== undefined) return this.#constant(known);
    const { object, key, line } = expression;
    const of = this.value(object).js;
    const helper = atLine(line, key.kind === "string" ? "$.indexText(" : "$.index(");
    return any(`${helper}${of},${this.value(key).js},${this.nameOf(object)})`);
  }

  // ---- calls ----

  #call(call: CallExpression): string {
    const { line, parameters } = call;
    const known = this.#libraryFunction(call);
    if (known !== null) {
      const callee = atLine(line, this.#constant(known).js);
      return this.settled(`${callee}(${this.list(parameters)})`);
    }
    const { state } = this;
    state!.mayRecurse = true;
    const mark = state!.mark();
    let js: string;
    if (call.method === null) {
      const callee = this.value(call.callee).js;
      js = `$.callable(${callee},${atLine(line, this.nameOf(call.callee))})(${this.list(parameters)})`;
    } else {
      const object = state!.temporary();
      const of = this.value(call.callee).js;
      const method = `${atLine(line, "$.indexText(")}${object},${quote(call.method)},${this.nameOf(call.callee)})`;
      const name = atLine(-line, quote(`method '${call.method}'`));
      const rest = parameters.length === 0 ? "" : `,${this.list(parameters)}`;
      js = `(${object}=${of},$.callable(${method},${name})(${object}${rest}))`;
    }
    state!.release(mark);
    return this.settled(js);
  }

  /** `return f(...)`: the function's own frame is gone when the call begins. */
  tailCall(call: CallExpression): string {
    const isKnown = this.#libraryFunction(call) !== null;
    // A function of a library asks the stack trace who called it.
    if (this.coroutines || isKnown || call.method !== null) {
      return `{const $r=${this.#call(call)};${LEAVE}return $r;}`;
    }
    const { state } = this;
    state!.mayRecurse = true;
    const mark = state!.mark();
    const callee = state!.temporary();
    let js = `${callee}=${this.value(call.callee).js};`;
    const parameters = call.parameters.map((parameter, i) => {
      const isLast = i === call.parameters.length - 1;
      const name = state!.temporary();
      if (isLast && isMultiple(parameter)) {
        js += `${name}=$.all(${this.multiple(parameter)});`;
        return `...${name}`;
      }
      js += `${name}=${this.value(parameter).js};`;
      return name;
    });
    state!.release(mark);
    const list = parameters.join();
    const slow = `$.callable(${callee},${atLine(call.line, this.nameOf(call.callee))})(${list})`;
    js += `if(typeof ${callee}==="function"){${LEAVE}return ${callee}(${list});}`;
    return `{${js}const $r=${slow};${LEAVE}return $r;}`;
  }

  // ---- operators ----

  /**
   * The code of two operands, each of which may be written several times after `before` was.
   * Lua reads a local variable when the operation is done, not when its operand is.
   */
  #operands(left: Expression, right: Expression): { before: string; a: Code; b: Code } {
    const { state } = this;
    let before = "";
    const held = (expression: Expression): Code => {
      const code = this.value(expression);
      if (isSimple(expression)) return code;
      const name = state!.temporary();
      before += `${name}=${code.js},`;
      return { js: name, type: code.type };
    };
    const a = held(left);
    const b = held(right);
    return { before, a, b };
  }

  #binary(expression: Binary): Code {
    const { operator, left, right } = expression;
    const { state } = this;
    const mark = state!.mark();
    const code = this.#operation(operator, left, right, expression.line);
    state!.release(mark);
    return code;
  }

  #operation(operator: string, left: Expression, right: Expression, line: number): Code {
    switch (operator) {
      case "and":
      case "or":
        return this.#logical(operator, left, right);
      case "==":
      case "~=":
        return this.#equality(operator === "==", left, right);
      case "<":
      case "<=":
      case ">":
      case ">=":
        return this.#comparison(operator, left, right, line);
      case "..":
        return this.#concat(left, right, line);
      default:
        return this.#arithmetic(operator, left, right, line);
    }
  }

  #arithmetic(operator: string, left: Expression, right: Expression, line: number): Code {
    const { before, a, b } = this.#operands(left, right);
    const checks = [a, b]
      .filter(({ type }) => type !== "number")
      .map(({ js }) => `typeof ${js}==="number"`);
    const fast = arithmeticCode(operator, a.js, b.js);
    if (checks.length === 0) return { js: `(${before}${fast})`, type: "number" };
    const event = EVENTS[operator] ?? unreachable(`no operator ${operator}`);
    const names = `${this.nameOf(left)},${this.nameOf(right)}`;
    const slow = `${atLine(line, "$.arithmetic(")}"${event}",${a.js},${b.js},${names})`;
    return any(`(${before}${checks.join("&&")}?${fast}:${slow})`);
  }

  #comparison(operator: string, left: Expression, right: Expression, line: number): Code {
    const { before, a, b } = this.#operands(left, right);
    const checks = [a, b]
      .filter(({ type }) => type !== "number")
      .map(({ js }) => `typeof ${js}==="number"`);
    const fast = `${a.js}${operator}${b.js}`;
    if (checks.length === 0) return { js: `(${before}${fast})`, type: "boolean" };
    const helper = atLine(line, operator.length === 1 ? "$.less(" : "$.lessOrEqual(");
    const swapped = operator.startsWith(">");
    const slow = `${helper}${swapped ? `${b.js},${a.js}` : `${a.js},${b.js}`})`;
    return { js: `(${before}${checks.join("&&")}?${fast}:${slow})`, type: "boolean" };
  }

  #equality(positive: boolean, left: Expression, right: Expression): Code {
    const a = this.value(left);
    const b = this.value(right);
    const sign = positive ? "===" : "!==";
    // What is no table on one side is equal to nothing but itself.
    if (a.type !== "any" || b.type !== "any")
      return { js: `(${a.js}${sign}${b.js})`, type: "boolean" };
    return { js: `${positive ? "" : "!"}$.equal(${a.js},${b.js})`, type: "boolean" };
  }

  #logical(operator: "and" | "or", left: Expression, right: Expression): Code {
    const { state } = this;
    const mark = state!.mark();
    const a = this.value(left);
    state!.release(mark);
    if (a.type === "boolean") {
      const b = this.value(right);
      return { js: `(${a.js}${operator === "and" ? "&&" : "||"}${b.js})`, type: common(a, b) };
    }
    let name = a.js;
    let test = a.js;
    if (!isSimple(left)) {
      name = state!.temporary();
      test = `(${name}=${a.js})`;
    }
    const b = this.value(right);
    const isFalse = `${test}===undefined||${name}===false`;
    const js = operator === "and" ? `(${isFalse}?${name}:${b.js})` : `(${isFalse}?${b.js}:${name})`;
    return { js, type: common(a, b) };
  }

  #concat(left: Expression, right: Expression, line: number): Code {
    const a = this.value(left);
    const b = this.value(right);
    const names = `${this.nameOf(left)},${this.nameOf(right)}`;
    const known = a.type !== "any" && b.type !== "any";
    const js = `${atLine(line, "$.concat(")}${a.js},${b.js},${names})`;
    return {
      js,
      type:
        known && (a.type === "string" || a.type === "number") && b.type === "string"
          ? "string"
          : "any",
    };
  }

  #unary(expression: Unary): Code {
    const { operator, operand, line } = expression;
    if (operator === "not") return { js: `!${this.condition(operand)}`, type: "boolean" };
    const { state } = this;
    const mark = state!.mark();
    const code = this.value(operand);
    state!.release(mark);
    const name = this.nameOf(operand);
    if (operator === "#") {
      return { js: `${atLine(line, "$.length(")}${code.js},${name})`, type: "number" };
    }
    if (operand.kind === "number") return { js: numberCode(-operand.value), type: "number" };
    if (code.type === "number") return { js: `(-${code.js})`, type: "number" };
    return any(`${atLine(line, "$.negate(")}${code.js},${name})`);
  }

  // ---- tables ----

  #table(expression: Table): Code {
    const { items } = expression;
    const isList = items.every(({ key }) => key === null);
    const only = items.map(({ value }) => value);
    if (isList) {
      return any(items.length === 0 ? "new $.LuaTable()" : `new $.LuaTable([${this.list(only)}])`);
    }
    const { state } = this;
    const mark = state!.mark();
    const name = state!.temporary();
    const list = state!.temporary();
    const parts = [`${name}=new $.LuaTable()`, `${list}=[]`];
    for (const [i, { key, value }] of items.entries()) {
      if (key === null) {
        const isLast = i === items.length - 1 && isMultiple(value);
        parts.push(
          isLast
            ? `${list}.push(...$.all(${this.multiple(value)}))`
            : `${list}.push(${this.value(value).js})`,
        );
      } else {
        const { js: at } = this.value(key);
        parts.push(`${atLine(expression.line, "$.rawSet(")}${name},${at},${this.value(value).js})`);
      }
    }
    state!.release(mark);
    if (only.length > items.filter(({ key }) => key !== null).length) {
      // Items without a key come last, whatever keys say.
      parts.push(`${name}.setList(${list})`);
    }
    return any(`(${parts.join()},${name})`);
  }
}

function any(js: string): Code {
  return { js, type: "any" };
}

function common(a: Code, b: Code): KnownType {
  return a.type === b.type ? a.type : "any";
}

function arithmeticCode(operator: string, a: string, b: string): string {
  if (operator === "%") return `${a}-Math.floor(${a}/${b})*${b}`;
  if (operator === "^") return `$.power(${a},${b})`;
  return `${a}${operator}${operator === "-" ? " " : ""}${b}`;
}
