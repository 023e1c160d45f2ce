/** The README's examples do what their comments say. */
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");
const readme = readFileSync(join(ROOT, "README.md"), "utf8");
const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};

const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]!);

test.each(examples)(
  "an example of the README prints what its comments say: %#",
  async (example) => {
    const expected = [...example.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(
      (line) => line[1],
    );
    expect(expected.length).toBeGreaterThan(0);
    const folder = mkdtempSync(join(tmpdir(), "hutch-readme-"));
    try {
      const program = join(folder, "example.ts");
      await Bun.write(
        program,
        example.replace(`"hutch"`, JSON.stringify(join(ROOT, "src/index.ts"))),
      );
      const child = Bun.spawn([process.execPath, program], { stdout: "pipe", stderr: "inherit" });
      expect((await child.stdout.text()).trimEnd().split("\n")).toEqual(expected as string[]);
      expect(await child.exited).toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

test("every npm command of the README exists", () => {
  const named = [...readme.matchAll(/npm (?:run )?([\w:]+)/g)].map((match) => match[1]!);
  const commands = named.filter((name) => name !== "install" && name !== "and");
  expect(commands).toContain("test");
  for (const command of commands) expect(Object.keys(scripts)).toContain(command);
});
