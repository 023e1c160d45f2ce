import { describe, expect, test } from "bun:test";
import { allRows } from "../../src/all-rows.ts";
import type { CommandRow } from "../../src/commands/row.ts";
import type { ArgumentDoc } from "../../src/commands/syntax.ts";
import { parseSyntax } from "../../src/commands/syntax.ts";

const PLAIN: ArgumentDoc = {
  name: "",
  type: "",
  display: null,
  keySpec: -1,
  token: null,
  since: null,
  deprecatedSince: null,
  optional: false,
  multiple: false,
  multipleToken: false,
  children: [],
};

function item(fields: Partial<ArgumentDoc>): ArgumentDoc {
  const display = fields.children === undefined ? fields.name! : null;
  return { ...PLAIN, display, ...fields };
}

describe("the notation of arguments", () => {
  const examples: readonly (readonly [string, readonly ArgumentDoc[]])[] = [
    ["", []],
    ["key:key", [item({ name: "key", type: "key", keySpec: 0 })]],
    ["newkey:key#1", [item({ name: "newkey", type: "key", keySpec: 1 })]],
    ["EX s:integer", [item({ name: "s", type: "integer", token: "EX" })]],
    ["nx:NX@2.6.12", [item({ name: "nx", type: "pure-token", token: "NX", since: "2.6.12" })]],
    ['none:""', [item({ name: "none", type: "pure-token", token: "" })]],
    ["id:*", [item({ name: "id", type: "pure-token", token: "*" })]],
    [
      "equal:= about:~",
      [
        item({ name: "equal", type: "pure-token", token: "=" }),
        item({ name: "about", type: "pure-token", token: "~" }),
      ],
    ],
    ["[a:string...]", [item({ name: "a", type: "string", optional: true, multiple: true })]],
    [
      "GET p:pattern+...",
      [item({ name: "p", type: "pattern", token: "GET", multiple: true, multipleToken: true })],
    ],
    [
      "a:string/ip:port~2.8.12",
      [item({ name: "a", type: "string", display: "ip:port", deprecatedSince: "2.8.12" })],
    ],
    [
      "c:<a:A|B b:unix-time>@7.0.0",
      [
        item({
          name: "c",
          type: "oneof",
          since: "7.0.0",
          children: [
            item({ name: "a", type: "pure-token", token: "A" }),
            item({ name: "b", type: "unix-time", token: "B" }),
          ],
        }),
      ],
    ],
    [
      "LIMIT l:(o:integer [c:double])...",
      [
        item({
          name: "l",
          type: "block",
          token: "LIMIT",
          multiple: true,
          children: [
            item({ name: "o", type: "integer" }),
            item({ name: "c", type: "double", optional: true }),
          ],
        }),
      ],
    ],
  ];

  for (const [text, items] of examples) {
    test(`reads ${JSON.stringify(text)}`, () => {
      expect(parseSyntax(text)).toEqual([...items]);
    });
  }

  test("is refused where it makes no sense", () => {
    for (const text of ["a", "a:", "[a:key b:key]", "a:key)", "a:<b:key", ":key", "a:key b"]) {
      expect(() => parseSyntax(text)).toThrow();
    }
  });
});

/** Arguments that every call has, and whether there is no other number of them. */
function leastArguments(items: readonly ArgumentDoc[]): { count: number; exact: boolean } {
  let count = 0;
  let exact = true;
  for (const one of items) {
    if (one.optional || one.multiple) exact = false;
    if (one.optional) continue;
    if (one.token !== null) count++;
    if (one.type === "pure-token") continue;
    if (one.type === "oneof") {
      const choices = one.children.map((child) => leastArguments([{ ...child, optional: false }]));
      const least = Math.min(...choices.map((choice) => choice.count));
      if (choices.some((choice) => !choice.exact || choice.count !== least)) exact = false;
      if (one.children.some((child) => child.optional)) exact = false;
      count += least;
    } else if (one.type === "block") {
      const inside = leastArguments(one.children);
      count += inside.count;
      if (!inside.exact) exact = false;
    } else {
      count++;
    }
  }
  return { count, exact };
}

/** Commands whose arity is Redis's, though their arguments say something else. */
const OTHER_ARITY: Readonly<Record<string, number>> = {
  // Whatever follows QUIT, it is obeyed.
  quit: -1,
};

describe("the rows of the command table", () => {
  function each(
    rows: readonly CommandRow[],
    words: number,
    check: (row: CommandRow, words: number) => void,
  ): void {
    for (const row of rows) {
      check(row, words);
      each(row.subcommands ?? [], words + 1, check);
    }
  }

  test("have arguments that agree with their arity", () => {
    const wrong: string[] = [];
    each(allRows(), 1, (row, words) => {
      // A container, or a command whose words are not told.
      if (row.subcommands !== undefined || row.systemCommand) return;
      const least = leastArguments(parseSyntax(row.syntax ?? ""));
      const arity = (least.count + words) * (least.exact ? 1 : -1);
      if (row.arity !== (OTHER_ARITY[row.name] ?? arity)) wrong.push(`${row.name} ${row.arity}`);
    });
    expect(wrong).toEqual([]);
  });

  test("have a key specification for every key", () => {
    const specs = (items: readonly ArgumentDoc[]): number[] =>
      items.flatMap((one) => [
        ...(one.type === "key" || one.keySpec !== -1 ? [one.keySpec] : []),
        ...specs(one.children),
      ]);
    each(allRows(), 1, (row) => {
      const named = new Set(specs(parseSyntax(row.syntax ?? "")));
      // The name of a shard channel is found like a key, and is none.
      const keys = (row.keys ?? []).filter(({ flags }) => flags !== "not_key");
      const known = new Set(keys.keys());
      expect(`${row.name} ${[...named]}`).toBe(`${row.name} ${[...known]}`);
    });
  });
});
