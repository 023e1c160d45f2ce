/**
 * The code generator: a syntax tree of Lua becomes the source of one JavaScript function.
 *
 * Local variables become JavaScript's, closures and blocks likewise. The code names nothing of JavaScript but what is
 * handed in under names that begin with "$", so that a script can't reach anything else:
 *
 *   $         operations, of `runtime.ts`    $k   functions of the libraries that the script names
 *   $globals  the table of globals           $m   the meter
 *   $inputs   KEYS and ARGV
 *
 * Types are followed as far as they are plain (literals, results of arithmetic on numbers, variables that keep their first value):
 * what is known to be a number is added without asking.
 */
import type { Code, KnownType } from "./code.ts";
import { atLine, FunctionState, isMultiple, LEAVE, localName, NIL, quote } from "./code.ts";
import { ExpressionGenerator } from "./expression-generator.ts";
import type { Environment } from "./environment.ts";
import type {
  CallExpression,
  Expression,
  FunctionBody,
  Local,
  Statement,
  Target,
} from "./syntax.ts";
import type { LuaValue } from "./values.ts";

export interface GeneratedCode {
  readonly source: string;
  readonly constants: readonly LuaValue[];
}

/** @param coroutines makes generators of all functions, so that they can be left in the middle */
export function generate(
  body: FunctionBody,
  environment: Environment,
  coroutines: boolean,
): GeneratedCode {
  const generator = new Generator(environment, coroutines);
  const main = generator.main(body);
  const { constants } = generator;
  const header = constants.map((_, i) => `const $k${i}=$k[${i}];`).join("");
  return { source: `"use strict";${header}return ${main};`, constants };
}

class Generator extends ExpressionGenerator {
  #names = 0;

  main(body: FunctionBody): string {
    return this.functionCode(body);
  }

  override functionCode(body: FunctionBody): string {
    const state = new FunctionState(body, this.state);
    const outer = this.state;
    this.state = state;
    let js = this.block(body.body);
    const ends = endsWithReturn(body.body);
    const { frame, mayRecurse } = state;
    if (!ends) js += `${LEAVE}return $.NONE;`;
    // Now that all of the body is known, so is what its frame takes, and whether that need be counted.
    js = js.replaceAll(LEAVE, mayRecurse ? `$m.stack+=${frame};` : "");
    this.state = outer;
    const parameters = body.parameters.map(localName);
    if (body.isVararg) parameters.push("...$va");
    const line = body.line;
    let head = atLine(line, "if(--$m.steps<0)$m.look();");
    if (mayRecurse) head += `if(($m.stack-=${frame})<0)$m.overflow(${frame});`;
    if (state.temporaries > 0) {
      head += `let ${Array.from({ length: state.temporaries }, (_, i) => `$t${i}`).join()};`;
    }
    if (body.argTable !== null) {
      const table = body.usesDots ? "undefined" : "$.argTable($va)";
      head += `let ${localName(body.argTable)}=${table};`;
    }
    return `function${this.coroutines ? "*" : ""}(${parameters.join()}){${head}${js}}`;
  }

  block(statements: readonly Statement[]): string {
    return statements.map((statement) => this.#statement(statement)).join("");
  }

  #statement(statement: Statement): string {
    switch (statement.kind) {
      case "local":
        return this.#local(statement.locals, statement.values);
      case "assign":
        return statement.targets.length === 1
          ? this.#assignOne(statement.targets[0]!, statement.values, statement.line)
          : this.#assign(statement.targets, statement.values, statement.line);
      case "call":
        return `${this.multiple(statement.call)};`;
      case "do":
        return `{${this.block(statement.body)}}`;
      case "while":
        return `while(${this.condition(statement.condition)}){${TURN}${this.block(statement.body)}}`;
      case "repeat": {
        const body = this.block(statement.body);
        const ends = endsWithReturn(statement.body) || statement.body.at(-1)?.kind === "break";
        const check = ends ? "" : `if(${this.condition(statement.condition)})break;`;
        return `for(;;){${TURN}${body}${check}}`;
      }
      case "if": {
        const branches = statement.branches.map(
          ({ condition, body }) => `if(${this.condition(condition)}){${this.block(body)}}`,
        );
        const otherwise = statement.otherwise;
        const last = otherwise === null ? "" : `else{${this.block(otherwise)}}`;
        return branches.join("else ") + last;
      }
      case "numeric-for":
        return this.#numericFor(statement);
      case "generic-for":
        return this.#genericFor(statement);
      case "local-function": {
        const { local, body } = statement;
        this.#declare(local, "any");
        return `let ${localName(local)};${localName(local)}=${this.functionCode(body)};`;
      }
      case "return":
        return this.#return(statement.values);
      case "break":
        return "break;";
    }
  }

  #declare(local: Local, type: KnownType): void {
    this.state!.locals++;
    if (!local.assigned) this.types.set(local, type);
  }

  #fresh(word: string): string {
    return `$${word}${this.#names++}`;
  }

  #local(locals: readonly Local[], values: readonly Expression[]): string {
    const only = locals[0]!;
    if (locals.length === 1 && values.length <= 1) {
      const code: Code = values.length === 0 ? NIL : this.value(values[0]!);
      this.#declare(only, code.type);
      return `let ${localName(only)}=${code.js};`;
    }
    const mark = this.state!.mark();
    const { before, codes } = this.#spread(values, locals.length);
    this.state!.release(mark);
    for (const [i, local] of locals.entries()) this.#declare(local, codes[i]!.type);
    return `${before}let ${locals.map((local, i) => `${localName(local)}=${codes[i]!.js}`).join()};`;
  }

  /** Code that evaluates a list of expressions, and expressions for its first `count` values. */
  #spread(values: readonly Expression[], count: number): { before: string; codes: Code[] } {
    const { state } = this;
    let before = "";
    const codes: Code[] = [];
    for (const [i, expression] of values.entries()) {
      const isLast = i === values.length - 1;
      if (isLast && isMultiple(expression) && count > values.length) {
        const name = state!.temporary();
        before += `${name}=$.all(${this.multiple(expression)});`;
        for (let at = 0; codes.length < count; at++) {
          codes.push({ js: `${name}[${at}]`, type: "any" });
        }
      } else if (i < count) {
        const code = this.value(expression);
        const name = state!.temporary();
        before += `${name}=${code.js};`;
        codes.push({ js: name, type: code.type });
      } else {
        before += `${this.multiple(expression)};`;
      }
    }
    while (codes.length < count) codes.push(NIL);
    return { before, codes };
  }

  #assignOne(target: Target, values: readonly Expression[], line: number): string {
    if (values.length !== 1) return this.#assign([target], values, line);
    const [expression] = values;
    if (target.kind !== "index")
      return this.#store(target, "", "", this.value(expression!).js, line);
    const { state } = this;
    const mark = state!.mark();
    const js = this.#storeIndex(
      target,
      this.value(target.object).js,
      this.value(target.key).js,
      this.value(expression!).js,
      line,
    );
    state!.release(mark);
    return js;
  }

  #assign(targets: readonly Target[], values: readonly Expression[], line: number): string {
    const { state } = this;
    const mark = state!.mark();
    let js = "";
    const places = targets.map((target) => {
      if (target.kind !== "index") return ["", ""] as const;
      const object = state!.temporary();
      js += `${object}=${this.value(target.object).js};`;
      const key = state!.temporary();
      js += `${key}=${this.value(target.key).js};`;
      return [object, key] as const;
    });
    const { before, codes } = this.#spread(values, targets.length);
    js += before;
    // Lua stores from the last to the first.
    for (let i = targets.length - 1; i >= 0; i--) {
      js += this.#store(targets[i]!, places[i]![0], places[i]![1], codes[i]!.js, line);
    }
    state!.release(mark);
    return js;
  }

  #store(target: Target, object: string, key: string, value: string, line: number): string {
    if (target.kind === "local") return `${localName(target.local)}=${value};`;
    if (target.kind === "index") return this.#storeIndex(target, object, key, value, line);
    return `${atLine(line, "$.setIndex(")}$globals,${quote(target.name)},${value},"");`;
  }

  #storeIndex(target: Target, object: string, key: string, value: string, line: number): string {
    const { object: of } = target as Extract<Target, { kind: "index" }>;
    return `${atLine(line, "$.setIndex(")}${object},${key},${value},${this.nameOf(of)});`;
  }

  #numericFor(statement: Extract<Statement, { kind: "numeric-for" }>): string {
    const { variable, line, step } = statement;
    const bound = (expression: Expression, what: string): [string, string] => {
      const name = this.#fresh("n");
      const code = this.value(expression);
      return [name, code.type === "number" ? code.js : `$.loopNumber(${code.js},"${what}")`];
    };
    const [index, from] = bound(statement.from, "initial value");
    const [limit, to] = bound(statement.to, "limit");
    let advance = `${index}++`;
    let condition = `${index}<=${limit}`;
    let declaration = `let ${index}=${from},${limit}=${to}`;
    if (step !== null) {
      const [by, value] = bound(step, "step");
      declaration += `,${by}=${value}`;
      advance = `${index}+=${by}`;
      condition = `${by}>0?${index}<=${limit}:${index}>=${limit}`;
      const constant = constantStep(step);
      if (constant !== null) condition = `${index}${constant > 0 ? "<=" : ">="}${limit}`;
    }
    this.#declare(variable, "number");
    const body = this.block(statement.body);
    const head = `${atLine(line, "for(")}${declaration};${condition};${advance})`;
    return `${head}{${TURN}let ${localName(variable)}=${index};${body}}`;
  }

  #genericFor(statement: Extract<Statement, { kind: "generic-for" }>): string {
    const { variables, values, line } = statement;
    const { state } = this;
    const mark = state!.mark();
    const { before, codes } = this.#spread(values, 3);
    state!.release(mark);
    const names = ["f", "s", "c"].map((word) => this.#fresh(word));
    const [iterator, held, control] = names;
    const cursor = this.#fresh("i");
    const result = this.#fresh("r");
    let js = `{${before}let ${names.map((name, i) => `${name}=${codes[i]!.js}`).join()};`;
    js += `const ${cursor}=$.cursor(${iterator},${held},${control});`;
    for (const variable of variables) this.#declare(variable, "any");
    const declared = variables.map(localName);
    const [key, value, ...more] = declared;
    js += `for(;;){${TURN}let ${declared.join()};`;
    js += `if(${cursor}!==null){if(!${cursor}.advance())break;${key}=${cursor}.key;`;
    if (value !== undefined) js += `${value}=${cursor}.value;`;
    state!.mayRecurse = true;
    const call = atLine(line, `$.iterate(${iterator},${held},${control})`);
    js += `}else{const ${result}=${this.settled(call)};if(Array.isArray(${result})){`;
    js += [key, value, ...more]
      .filter((name) => name !== undefined)
      .map((name, i) => `${name}=${result}[${i}];`)
      .join("");
    js += `}else ${key}=${result};if(${key}===undefined)break;${control}=${key};}`;
    return `${js}${this.block(statement.body)}}}`;
  }

  #return(values: readonly Expression[]): string {
    const only = values[0];
    if (values.length === 1 && only!.kind === "call") return this.tailCall(only as CallExpression);
    if (values.length === 0) return `${LEAVE}return $.NONE;`;
    if (values.length > 1) return `{const $r=[${this.list(values)}];${LEAVE}return $r;}`;
    if (only!.kind === "dots") return `${LEAVE}return $va;`;
    return `{const $r=${this.value(only!).js};${LEAVE}return $r;}`;
  }
}

/** At every turn of a loop. */
const TURN = "if(--$m.steps<0)$m.look();";

function endsWithReturn(statements: readonly Statement[]): boolean {
  return statements.at(-1)?.kind === "return";
}

/** The value of a step that is a literal other than zero. */
function constantStep(step: Expression): number | null {
  if (step.kind === "number") return step.value === 0 ? null : step.value;
  if (step.kind !== "unary" || step.operator !== "-" || step.operand.kind !== "number") return null;
  return step.operand.value === 0 ? null : -step.operand.value;
}
