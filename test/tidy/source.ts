/** The files of the repository as the tidiness rules see them: a path, a text, the text without comments, the imports. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, posix } from "node:path";

export interface SourceFile {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  /** The imported file, relative to the root; packages are left out. */
  readonly path: string;
  /** What is imported by name. */
  readonly names: readonly string[];
  readonly line: number;
}

const FOLDERS = ["src", "test", "bench"];
const ROOT_FILES = [
  ...["package.json", "package-lock.json", "tsconfig.json", "bunfig.toml", "knip.json"],
  ...[".oxlintrc.json", ".gitignore", ".ci/run", "README.md"],
];
const TEXT = /\.(?:ts|md|json|toml|tsv|txt|conf)$/;

/** Every text file that belongs to the repository, below `root`. */
export function readRepository(root: string): SourceFile[] {
  const paths = ROOT_FILES.filter((path) => existsSync(join(root, path)));
  for (const folder of FOLDERS) {
    for (const entry of readdirSync(join(root, folder), { recursive: true }) as string[]) {
      const path = posix.join(folder, entry.replaceAll("\\", "/"));
      if (TEXT.test(path) && statSync(join(root, path)).isFile()) paths.push(path);
    }
  }
  return paths.map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

const STRING_OR_COMMENT =
  /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;

/** The text with comments blanked out; lines keep their numbers. */
export function withoutComments(text: string): string {
  return text.replace(STRING_OR_COMMENT, (match, string: string | undefined) =>
    string === undefined ? match.replace(/[^\n]/g, " ") : match,
  );
}

const IMPORT =
  /^[ \t]*(?:import|export)\b([^;"'`]*?)(?:\bfrom\s*)?["'](\.{1,2}\/[^"']+)["']|\b(?:import|require)\(\s*["'](\.{1,2}\/[^"']+)["']|\bnew URL\(\s*["'](\.{1,2}\/[^"']+\.ts)["']/gm;

/** The files of ours that a file imports: static, type, dynamic, late, re-exported, or named by `new URL` for a process or worker. */
export function importsOf(file: SourceFile): Import[] {
  const text = withoutComments(file.text);
  const imports: Import[] = [];
  for (const match of text.matchAll(IMPORT)) {
    const target = match[2] ?? match[3] ?? match[4]!;
    imports.push({
      path: posix.join(posix.dirname(file.path), target),
      names: match[1]?.match(/\w+/g)?.filter((word) => word !== "type" && word !== "as") ?? [],
      line: lineOf(text, match.index + match[0].indexOf(target)),
    });
  }
  return imports;
}

/** Number of the line, from 1, that the position lies in. */
export function lineOf(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < position; at = text.indexOf("\n", at + 1))
    line++;
  return line;
}
