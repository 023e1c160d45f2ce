/**
 * The syntax tree of a Lua chunk, with names resolved: a name is a local variable of a known function, or a global.
 * The parser makes it, the code generator reads it. Every node that may fail carries the line that an error names.
 */

/** A local variable. One object stands for all its uses. */
export interface Local {
  readonly name: string;
  /** Unique within the chunk. */
  readonly id: number;
  readonly owner: FunctionBody;
  /** Gets another value after its declaration. */
  assigned: boolean;
}

export interface FunctionBody {
  readonly parent: FunctionBody | null;
  readonly parameters: Local[];
  /** Takes "...". */
  isVararg: boolean;
  /** Uses "...": then there is no table `arg`. */
  usesDots: boolean;
  /** The table `arg` of Lua 5.0, where a vararg function that does not use "..." names it. */
  argTable: Local | null;
  body: readonly Statement[];
  readonly line: number;
}

export type BinaryOperator =
  "+" | "-" | "*" | "/" | "%" | "^" | ".." | "==" | "~=" | "<" | "<=" | ">" | ">=" | "and" | "or";

export type UnaryOperator = "-" | "not" | "#";

export type NameExpression =
  | { readonly kind: "local"; readonly local: Local; readonly upvalue: boolean }
  | { readonly kind: "global"; readonly name: string; readonly line: number };

export interface IndexExpression {
  readonly kind: "index";
  readonly object: Expression;
  readonly key: Expression;
  readonly line: number;
}

export interface CallExpression {
  readonly kind: "call";
  readonly callee: Expression;
  /** The method's name in `object:method()`, whose object is `callee`. */
  readonly method: string | null;
  readonly parameters: readonly Expression[];
  readonly line: number;
}

/** An item of a table constructor: at the next position, or under a key. */
export interface TableItem {
  readonly key: Expression | null;
  readonly value: Expression;
}

export type Expression =
  | { readonly kind: "nil" }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "dots" }
  | NameExpression
  | IndexExpression
  | CallExpression
  | { readonly kind: "function"; readonly body: FunctionBody; readonly name: string }
  | { readonly kind: "table"; readonly items: readonly TableItem[]; readonly line: number }
  | {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
      readonly line: number;
    }
  | {
      readonly kind: "unary";
      readonly operator: UnaryOperator;
      readonly operand: Expression;
      readonly line: number;
    }
  /** In parentheses, a call or "..." gives one value. */
  | { readonly kind: "parentheses"; readonly inner: Expression };

export type Target = NameExpression | IndexExpression;

export type Statement =
  | {
      readonly kind: "local";
      readonly locals: readonly Local[];
      readonly values: readonly Expression[];
    }
  | {
      readonly kind: "assign";
      readonly targets: readonly Target[];
      readonly values: readonly Expression[];
      readonly line: number;
    }
  | { readonly kind: "call"; readonly call: CallExpression }
  | { readonly kind: "do"; readonly body: readonly Statement[] }
  | { readonly kind: "while"; readonly condition: Expression; readonly body: readonly Statement[] }
  | { readonly kind: "repeat"; readonly body: readonly Statement[]; readonly condition: Expression }
  | {
      readonly kind: "if";
      readonly branches: readonly {
        readonly condition: Expression;
        readonly body: readonly Statement[];
      }[];
      readonly otherwise: readonly Statement[] | null;
    }
  | {
      readonly kind: "numeric-for";
      readonly variable: Local;
      readonly from: Expression;
      readonly to: Expression;
      readonly step: Expression | null;
      readonly body: readonly Statement[];
      readonly line: number;
    }
  | {
      readonly kind: "generic-for";
      readonly variables: readonly Local[];
      readonly values: readonly Expression[];
      readonly body: readonly Statement[];
      readonly line: number;
    }
  /** `local function`: the function sees its own name. */
  | { readonly kind: "local-function"; readonly local: Local; readonly body: FunctionBody }
  | { readonly kind: "return"; readonly values: readonly Expression[] }
  | { readonly kind: "break" };
