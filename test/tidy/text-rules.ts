/** What may not stand in a file, each with what to write instead; and how long a file may be. */
import type { SourceFile } from "./source.ts";
import { lineOf, withoutComments } from "./source.ts";

interface BannedText {
  readonly pattern: RegExp;
  /** Paths that the rule is for. */
  readonly where: RegExp;
  /** Paths that it is not for. */
  readonly except?: RegExp;
  /** Looks at comments as well. */
  readonly comments?: boolean;
  readonly instead: string;
}

const LINES_MAX = 600;

/** Files on the walk of a command, where a view of a buffer costs more than the work it is made for. */
const HOT =
  /^src\/(?:protocol\/(?:resp-request|native|reply)|commands\/execute|structures\/dict|keyspace\/(?:database|entry)|base\/(?:hash|numbers))\.ts$/;

const BANNED: readonly BannedText[] = [
  {
    pattern: /\bDate\.now\(|\bperformance\.now\(|\bBun\.nanoseconds\(|\bnew Date\(\)/g,
    where: /^src\//,
    except: /^src\/base\//,
    instead:
      "the clock: engine.clock.nowMs or monotonicMs; nanoseconds() of base/clock.ts to measure",
  },
  {
    pattern: /\bMath\.random\(/g,
    where: /^(?:src|test|bench)\//,
    instead: "a seeded generator: engine.random, or test/support/seed.ts",
  },
  {
    pattern: /\bconsole\.\w+\(/g,
    where: /^src\//,
    except: /^src\/(?:cli\/|server\.ts$)/,
    instead: "engine.logger",
  },
  {
    pattern: /\bBun\.(?:listen|serve)\b/g,
    where: /^src\//,
    except: /^src\/net\//,
    instead: "a Listener of net/listener.ts",
  },
  {
    // A copy of some bytes starts with a view of them; its cost is the copy's.
    pattern: /(?<!\bBuffer\.from\([\w.]+)\.subarray\(/g,
    where: HOT,
    // Hands bytes over to somebody who keeps them.
    except: /^src\/protocol\/reply\.ts$/,
    instead: "start and end positions; a view costs about 60 ns",
  },
  {
    pattern: /\b(?:TODO|FIXME|XXX)\b/g,
    where: /./,
    comments: true,
    instead: "the finished thing, or nothing",
  },
  {
    pattern: /(?:^|["'`\s(=:])\/(?:work|root|home|Users)\//gm,
    where: /./,
    comments: true,
    instead: "a path relative to the repository, or import.meta.url",
  },
  {
    pattern: /"resolved":|\bregistry\.[a-z-]+\.[a-z]+|\bregistry=/g,
    where: /./,
    comments: true,
    instead: "no registry's address: npm knows its own",
  },
  {
    pattern: /\b(?:test|it|describe)(?:\.\w+)*\.(?:only|skip|todo)\b/g,
    where: /\.test\.ts$/,
    instead: "a test that runs; `skipIf` with a reason where something is not installed",
  },
  {
    pattern: /\bexport default\b/g,
    where: /\.ts$/,
    instead: "a named export",
  },
  {
    pattern: /\benum \w+ \{/g,
    where: /\.ts$/,
    instead: "a union of strings, or constants",
  },
];

/** The rules' own texts and examples. */
const EXEMPT = /^test\/(?:tidy\/|tidy\.test\.ts$)/;

export function checkTexts(files: readonly SourceFile[]): string[] {
  const found: string[] = [];
  for (const file of files) {
    if (EXEMPT.test(file.path)) continue;
    const code = file.path.endsWith(".ts") ? withoutComments(file.text) : file.text;
    for (const rule of BANNED) {
      if (!rule.where.test(file.path) || rule.except?.test(file.path)) continue;
      const text = rule.comments ? file.text : code;
      for (const match of text.matchAll(rule.pattern)) {
        const line = lineOf(text, match.index + 1);
        found.push(`${file.path}:${line}: ${match[0].trim()} is not for here; use ${rule.instead}`);
      }
    }
  }
  return found;
}

/** Files that are longer than a file about one thing gets. */
export function checkSizes(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => file.path.endsWith(".ts"))
    .map((file) => ({ path: file.path, lines: file.text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > LINES_MAX)
    .map(({ path, lines }) => `${path}: ${lines} lines, more than ${LINES_MAX}; split it by noun`);
}

/** Links of the Markdown files to files and headings that are not there. @param exists whether a path is in the repository */
export function checkLinks(
  files: readonly SourceFile[],
  exists: (path: string) => boolean,
): string[] {
  const found: string[] = [];
  for (const file of files) {
    if (!file.path.endsWith(".md")) continue;
    const folder = file.path.includes("/") ? file.path.replace(/\/[^/]*$/, "/") : "";
    for (const match of file.text.matchAll(/\]\(([^)\s]+)\)/g)) {
      const link = match[1]!;
      if (/^[a-z]+:/.test(link)) continue;
      const [path = "", heading] = link.split("#");
      const at = `${file.path}:${lineOf(file.text, match.index)}`;
      if (path !== "" && !exists(folder + path)) {
        found.push(`${at}: ${link} does not exist`);
      } else if (path === "" && heading !== undefined && !headings(file.text).has(heading)) {
        found.push(`${at}: no heading for ${link}`);
      }
    }
  }
  return found;
}

/** The anchors of a Markdown text's headings. */
function headings(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, title] of text.matchAll(/^#+ (.+)$/gm)) {
    const kept = title!.toLowerCase().replace(/[^\w\s-]/g, "");
    anchors.add(kept.trim().replace(/\s/g, "-"));
  }
  return anchors;
}
