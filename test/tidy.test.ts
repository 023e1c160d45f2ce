/** The style of the code as a test: import ranks, banned calls, sizes, links, unused files. */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkImports, checkMirrors } from "./tidy/import-rules.ts";
import { checkNumbers } from "./tidy/number-rules.ts";
import type { SourceFile } from "./tidy/source.ts";
import { importsOf, readRepository } from "./tidy/source.ts";
import { checkLinks, checkSizes, checkTexts } from "./tidy/text-rules.ts";

const ROOT = join(import.meta.dir, "..");

/** Made-up files, none of which anybody has to import. */
function files(texts: Readonly<Record<string, string>>): SourceFile[] {
  return Object.entries(texts).map(([path, text]) => ({ path, text }));
}

describe("the repository", () => {
  const repository = readRepository(ROOT);

  test("imports point one way, and every file is imported", () => {
    expect(checkImports(repository)).toEqual([]);
  });

  test("every folder of src has tests", () => {
    expect(checkMirrors(repository)).toEqual([]);
  });

  test("no file holds what does not belong there", () => {
    expect(checkTexts(repository)).toEqual([]);
  });

  test("no file is too long", () => {
    expect(checkSizes(repository)).toEqual([]);
  });

  test("every number of test/README.md has its tests, and they say so", () => {
    expect(checkNumbers(repository)).toEqual([]);
  });

  test("links lead somewhere", () => {
    expect(checkLinks(repository, (path) => existsSync(join(ROOT, path)))).toEqual([]);
  });
});

describe("the import rules", () => {
  /** What the rules say of one import, apart from files being unused. */
  function verdict(from: string, to: string, statement = `import { a } from "PATH";`): string[] {
    const up = "../".repeat(from.split("/").length - 1);
    const text = statement.replace("PATH", `${up === "" ? "./" : up}${to}`);
    return checkImports(files({ [from]: text, [to]: "" })).filter(
      (line) => !line.includes("nobody imports"),
    );
  }

  const allowed = [
    ["src/memory/a.ts", "src/base/b.ts"],
    ["src/memory/a.ts", "src/memory/b.ts"],
    ["src/commands/a.ts", "src/protocol/b.ts"],
    ["src/protocol/a.ts", "src/base/b.ts"],
    ["src/client/a.ts", "src/protocol/b.ts"],
    ["src/commands/a.ts", "src/scripting/b.ts"],
    ["src/commands/a.ts", "src/security/b.ts"],
    ["src/index.ts", "src/client/b.ts"],
    ["src/index.ts", "src/instance.ts"],
    ["src/server.ts", "src/cli/b.ts"],
    ["test/a.test.ts", "src/net/b.ts"],
  ] as const;
  const refused = [
    ["src/base/a.ts", "src/memory/b.ts"],
    ["src/keyspace/a.ts", "src/commands/b.ts"],
    ["src/keyspace/a.ts", "src/protocol/b.ts"],
    ["src/protocol/a.ts", "src/memory/b.ts"],
    ["src/client/a.ts", "src/commands/b.ts"],
    ["src/scripting/a.ts", "src/protocol/b.ts"],
    ["src/keyspace/a.ts", "src/scripting/b.ts"],
    ["src/net/a.ts", "src/client/b.ts"],
    ["src/security/a.ts", "src/protocol/b.ts"],
    ["src/keyspace/a.ts", "src/security/b.ts"],
    ["src/net/a.ts", "src/instance.ts"],
    ["src/net/a.ts", "test/support/b.ts"],
    ["src/unheard-of/a.ts", "src/base/b.ts"],
    ["src/cli/a.ts", "src/unheard-of/b.ts"],
  ] as const;

  test("let a file import its own folder and lower ranks", () => {
    for (const [from, to] of allowed) expect(verdict(from, to)).toEqual([]);
  });

  test("refuse an import upward, sideways, or of an unknown folder", () => {
    for (const [from, to] of refused) {
      expect(verdict(from, to)).toEqual([expect.stringContaining(`${from}:1: imports ${to}: `)]);
    }
  });

  test("see every form of an import", () => {
    const statements = [
      `import type { A } from "PATH";`,
      `import {\n  a,\n  b,\n} from "PATH";`,
      `import "PATH";`,
      `export { a } from "PATH";`,
      `export * from "PATH";`,
      `const a = await import("PATH");`,
      `const a = late<A>(() => require("PATH"));`,
      `new Worker(new URL("PATH", import.meta.url));`,
    ];
    for (const statement of statements) {
      expect(verdict("src/base/a.ts", "src/net/b.ts", statement)).toHaveLength(1);
    }
    expect(verdict("src/base/a.ts", "src/net/b.ts", `// import "PATH";`)).toEqual([]);
    expect(verdict("src/base/a.ts", "src/net/b.ts", `const text = 'import "PATH";';`)).toEqual([]);
  });

  test("name the line of an import", () => {
    const text = `/** A file. */\nimport {\n  a,\n} from "../base/b.ts";\n`;
    expect(importsOf({ path: "src/memory/a.ts", text })).toEqual([
      { path: "src/base/b.ts", names: ["a"], line: 4 },
    ]);
  });

  test("find an import of a file that does not exist", () => {
    const found = checkImports(files({ "src/server.ts": `import "./nowhere.ts";` }));
    expect(found).toEqual([expect.stringContaining("does not exist")]);
  });

  test("find a file that nobody imports, or only its own test", () => {
    const lonely = files({
      "src/server.ts": "",
      "src/base/a.ts": "",
      "test/base/a.test.ts": `import { a } from "../../src/base/a.ts";`,
    });
    expect(checkImports(lonely)).toEqual([expect.stringContaining("src/base/a.ts: nobody")]);
    const run = files({ "package.json": `"a": "bun run test/a/b.ts --x"`, "test/a/b.ts": "" });
    expect(checkImports(run)).toEqual([]);
  });

  test("keep command families apart, but let their rows be put together", () => {
    const family = (text: string) =>
      checkImports(
        files({
          "src/commands/all-rows.ts": `import { aRows } from "./a.ts";\nimport { bRows } from "./b.ts";`,
          "src/commands/a.ts": `${text}\nexport const aRows = [];`,
          "src/commands/b.ts": "export const bRows = [];\nexport function help() {}",
          "src/server.ts": `import { ALL } from "./commands/all-rows.ts";`,
        }),
      );
    expect(family(`import { help } from "./b.ts";`)).toEqual([
      expect.stringContaining("families never import each other"),
    ]);
    expect(family(`import { bRows } from "./b.ts";`)).toEqual([]);
  });

  test("want a folder of tests for every folder of src", () => {
    const some = { "src/base/a.ts": "", "src/net/a.ts": "", "test/base/a.test.ts": "" };
    expect(checkMirrors(files(some))).toEqual([expect.stringContaining("test/net")]);
  });
});

describe("the text rules", () => {
  function verdict(path: string, text: string): string[] {
    return checkTexts(files({ [path]: text }));
  }

  const refused = [
    ["src/commands/a.ts", "const now = Date.now();"],
    ["src/commands/a.ts", "const now = performance.now();"],
    ["src/commands/a.ts", "const now = new Date();"],
    ["src/base/a.ts", "const chance = Math.random();"],
    ["test/a.test.ts", "const chance = Math.random();"],
    ["src/net/a.ts", `console.log("x");`],
    ["src/commands/a.ts", "Bun.listen({});"],
    ["src/structures/dict.ts", "const view = bytes.subarray(1);"],
    ["src/base/a.ts", "// TODO: more"],
    ["README.md", "FIXME"],
    ["bench/README.md", "see /work/main/x"],
    [".ci/run", "cd /home/me/x"],
    ["package-lock.json", `"resolved": "x"`],
    ["bunfig.toml", `registry = 1\nregistry=x`],
    ["test/a.test.ts", `test.only("x", () => {});`],
    ["test/a.test.ts", `describe.skip("x", () => {});`],
    ["src/base/a.ts", "export default 1;"],
    ["src/base/a.ts", "enum Color {\n}"],
  ] as const;
  const allowed = [
    ["src/base/clock.ts", "const now = Date.now();"],
    ["src/commands/a.ts", "// Not Date.now(): the clock is read once a turn."],
    ["src/commands/a.ts", "const day = new Date(nowMs);"],
    ["src/cli/a.ts", `console.log("x");`],
    ["src/server.ts", `console.error("x");`],
    ["src/net/listener.ts", "Bun.listen({});"],
    ["src/cli/a.ts", "const view = bytes.subarray(1);"],
    ["src/structures/dict.ts", "const copy = Buffer.from(this.bytes.subarray(1));"],
    ["test/a.test.ts", `test.skipIf(missing)("x", () => {});`],
  ] as const;

  test("refuse what does not belong into a file", () => {
    for (const [path, text] of refused) {
      expect({ path, text, found: verdict(path, text).length }).toEqual({ path, text, found: 1 });
    }
  });

  test("let pass what does", () => {
    for (const [path, text] of allowed) expect(verdict(path, text)).toEqual([]);
  });

  test("say where and what to use instead", () => {
    expect(verdict("src/net/a.ts", "\n\nlet t = Date.now();")).toEqual([
      expect.stringMatching(/^src\/net\/a\.ts:3: Date\.now\(.*engine\.clock\.nowMs/),
    ]);
  });

  test("find files of more than 600 lines", () => {
    expect(checkSizes(files({ "src/a.ts": "x\n".repeat(600) }))).toEqual([]);
    expect(checkSizes(files({ "src/a.ts": "x\n".repeat(601) }))).toHaveLength(1);
  });

  test("find links that lead nowhere", () => {
    const text =
      "# The walk\n[a](src/a.ts) [b](src/b.ts) [c](#the-walk) [d](#nowhere) [e](https://x.y)";
    const found = checkLinks(files({ "README.md": text }), (path) => path === "src/a.ts");
    expect(found).toEqual([
      expect.stringContaining("README.md:2: src/b.ts"),
      expect.stringContaining("#nowhere"),
    ]);
  });
});

test("the rules of numbers want a row for each, and files that name it", () => {
  const row = (numbers: string, tests: string): string => `| what | ${numbers} | ${tests} | |\n`;
  const complaints = checkNumbers(
    files({
      "test/README.md":
        row("D1, D2", "[a](a.test.ts)") + row("S1 to S3", "[a](a.test.ts), [b](b.test.ts) (S2)"),
      "test/a.test.ts": '// (D2)\ntest("a (D1, S1)", () => {});',
      "test/b.test.ts": 'test("b (S2)", () => {});',
    }),
  );
  expect(complaints.slice(0, 3)).toEqual([
    "test/a.test.ts does not say that it tests D2",
    "no file of its row names D2",
    "no file of its row names S3",
  ]);
  expect(complaints).toContain("test/README.md has no row for L1");
  expect(complaints).not.toContain("test/README.md has no row for S2");
});
