/**
 * Who may import whom. Folders of src/ have ranks; a file imports its own folder or a lower rank, type imports included.
 * protocol/, effects/, scripting/ and security/ stand beside the ranks: they know base/ only, and everybody from commands/ up may use them. client/,
 * which knows base/ and protocol/, is for those who talk to other servers.
 */
import { posix } from "node:path";
import type { SourceFile } from "./source.ts";
import { importsOf } from "./source.ts";

const RANKS: Readonly<Record<string, number>> = {
  base: 0,
  memory: 1,
  structures: 2,
  types: 3,
  keyspace: 4,
  commands: 5,
  net: 6,
  persistence: 7,
  replication: 8,
  observe: 8,
  cli: 9,
  "": 9,
};
/** Folders without a rank, and what they may import beside themselves. */
const PURE: Readonly<Record<string, readonly string[]>> = {
  protocol: ["base"],
  effects: ["base"],
  scripting: ["base"],
  security: ["base"],
  client: ["base", "protocol"],
};
/** The lowest rank that may import a folder without a rank. */
const PURE_FROM_RANK: Readonly<Record<string, number>> = {
  protocol: 5,
  effects: 5,
  scripting: 5,
  security: 5,
  client: 7,
};

/** Files that are run, or found by listing their folder, and so imported by nobody. */
const LISTED = /\.test\.ts$|^bench\/[^/]+\.ts$|\.bench\.ts$|^test\/differential\/cases\//;

export function checkImports(files: readonly SourceFile[]): string[] {
  const paths = new Set(files.map((file) => file.path));
  const families = new Set(files.filter(isFamily).map((file) => file.path));
  const scripts = files.find((file) => file.path === "package.json")?.text ?? "";
  // The library, the program and what npm runs.
  const imported = new Set([
    "src/index.ts",
    "src/server.ts",
    ...(scripts.match(/[\w./-]+\.ts/g) ?? []),
  ]);
  const found: string[] = [];
  for (const file of files) {
    if (!file.path.endsWith(".ts")) continue;
    for (const { path, names, line } of importsOf(file)) {
      const at = `${file.path}:${line}`;
      // A file that only its own test knows is used by nobody.
      if (path !== file.path && (!path.startsWith("src/") || file.path.startsWith("src/"))) {
        imported.add(path);
      }
      if (!paths.has(path)) found.push(`${at}: imports ${path}, which does not exist`);
      if (!file.path.startsWith("src/")) continue;
      const reason = path.startsWith("src/")
        ? whyNot(folderOf(file.path), folderOf(path))
        : "src/ imports nothing outside of src/";
      if (reason !== null) found.push(`${at}: imports ${path}: ${reason}`);
      const rowsOnly = names.every((name) => /Rows?$/.test(name));
      if (families.has(file.path) && families.has(path) && !rowsOnly) {
        found.push(
          `${at}: imports ${path}: command families never import each other; move what both need to a shared file`,
        );
      }
    }
  }
  for (const { path } of files) {
    if (path.endsWith(".ts") && !LISTED.test(path) && !imported.has(path)) {
      found.push(`${path}: nobody imports this file; delete it or use it`);
    }
  }
  return found;
}

/** Every folder of src/ with files has a folder of tests of the same name. */
export function checkMirrors(files: readonly SourceFile[]): string[] {
  const tested = new Set(
    files.filter((file) => file.path.endsWith(".test.ts")).map((file) => posix.dirname(file.path)),
  );
  const folders = new Set(
    files.filter((file) => /^src\/.*\.ts$/.test(file.path)).map((file) => folderOf(file.path)),
  );
  return [...folders]
    .filter((folder) => !tested.has(posix.join("test", folder)))
    .map((folder) => `src/${folder}: has no tests in test/${folder}`);
}

/** Why a file of one folder may not import a file of another, or null if it may. */
function whyNot(from: string, to: string): string | null {
  if (from === to) return null;
  const allowed = PURE[from];
  if (allowed !== undefined) {
    return allowed.includes(to) ? null : `${from}/ may import ${allowed.join("/, ")}/ only`;
  }
  const rank = RANKS[from];
  if (rank === undefined)
    return `src/${from} has no rank; give it one in test/tidy/import-rules.ts`;
  if (to in PURE) {
    const lowest = PURE_FROM_RANK[to]!;
    return rank >= lowest ? null : `${to}/ is for rank ${lowest} and above, ${from}/ has ${rank}`;
  }
  const other = RANKS[to];
  if (other === undefined) return `src/${to} has no rank; give it one in test/tidy/import-rules.ts`;
  if (other < rank || (rank === 9 && other === 9)) return null;
  const name = (folder: string, value: number) =>
    `${folder === "" ? "src" : folder}/ (rank ${value})`;
  return `${name(from, rank)} may import lower ranks only, not ${name(to, other)}; hand the need in as a value`;
}

/** The folder below src/ that a file lies in; "" for files of src/ itself. */
function folderOf(path: string): string {
  const parts = path.split("/");
  return parts.length > 2 ? parts[1]! : "";
}

function isFamily(file: SourceFile): boolean {
  return file.path.startsWith("src/commands/") && /^export const \w+Rows\b/m.test(file.text);
}
