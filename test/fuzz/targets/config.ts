/**
 * Config files: lines of real options, some damaged. A file is refused with the line that is wrong, or taken; then CONFIG REWRITE
 * makes a file that says the same, and which a second rewrite does not change.
 */
import type { Random } from "../../../src/base/random.ts";
import { OPTION_ROWS } from "../../../src/base/option-table.ts";
import { Options } from "../../../src/base/options.ts";
import { CommandNames } from "../../../src/cli/command-names.ts";
import { StartError } from "../../../src/cli/config-error.ts";
import { rewrittenConfig } from "../../../src/cli/config-rewrite.ts";
import { SettingSource } from "../../../src/cli/settings.ts";
import { damage } from "../../persistence/damage.ts";
import { pick } from "../../support/seed.ts";
import type { Run, Target } from "../target.ts";

const VALUES: readonly string[] = [
  ..."yes no 0 1 -1 10 64mb 1gb 100k 2147483648 9223372036854775807 18446744073709551616 1e3 0x10".split(
    " ",
  ),
  ..."everysec always allkeys-lru noeviction KEA local 127.0.0.1 ::1 * -::1 50% 0777 900".split(
    " ",
  ),
  '""',
  '"a b"',
  "'it\\'s'",
  '"\\x00\\xff\\n"',
  "900 1 300 10",
  "normal 1mb 2mb 3",
  "slave 0 0 0 pubsub 32mb 8mb 60",
  '"unbalanced',
  "__proto__",
];

/** Lines that are no options. */
const OTHER_LINES: readonly string[] = [
  ...[
    "# a comment",
    "",
    "   ",
    "save 900 1",
    'save ""',
    "user u on +@all ~*",
    "user",
    "loadmodule x",
  ],
  ...["rename-command NOSUCH x", "constructor 1", "__proto__ x", "sentinel x", "port"],
];

export const config: Target = {
  name: "config",
  what: "config files, right and damaged, and their rewriting (S19)",
  hangMs: 50,
  start: () => new ConfigRun(),
};

class ConfigRun implements Run {
  make(random: Random): Buffer {
    const lines = Array.from({ length: 1 + random.below(6) }, () => lineOf(random));
    const bytes = Buffer.from(lines.join("\n"), "latin1");
    return random.below(3) === 0 ? damage(random, bytes) : bytes;
  }

  check(bytes: Buffer): string {
    const text = bytes.toString("latin1");
    // Would read other files.
    if (/include/i.test(text)) return "left out";
    const options = optionsOf(text);
    if (options === null) return "refused";
    const rewritten = rewrittenConfig(text, options);
    const again = optionsOf(rewritten);
    if (again === null)
      throw new Error(`the rewritten file is refused: ${JSON.stringify(rewritten)}`);
    for (const name of options.rows.keys()) {
      const [before, after] = [options.text(name), again.text(name)];
      if (before === after) continue;
      throw new Error(`${name} was ${JSON.stringify(before)} and is ${JSON.stringify(after)}`);
    }
    const twice = rewrittenConfig(rewritten, again);
    if (twice !== rewritten)
      throw new Error(`a second rewrite changes ${JSON.stringify(rewritten)}`);
    return "taken";
  }
}

function lineOf(random: Random): string {
  if (random.below(5) === 0) return pick(random, OTHER_LINES);
  const row = pick(random, OPTION_ROWS);
  const name = pick(random, [row.name, row.name.toUpperCase(), ...(row.aliases ?? [])]);
  const value = random.below(2) === 0 ? valueOf(random, row) : pick(random, VALUES);
  return random.below(12) === 0 ? ` ${name}\t${value} ` : `${name} ${value}`;
}

/** A value that is likely to be right. */
function valueOf(random: Random, row: (typeof OPTION_ROWS)[number]): string {
  if (row.type === "flag") return pick(random, ["yes", "no"]);
  if (row.choices !== undefined) return pick(random, row.choices);
  if (row.type === "integer" || row.type === "memory") return `${random.below(100_000)}`;
  return row.default === "" ? '""' : row.default;
}

/** The options that a file sets, or null if it is refused. */
function optionsOf(text: string): Options | null {
  const options = new Options(OPTION_ROWS);
  try {
    new SettingSource(options, new CommandNames(() => []), []).applyLines(text);
  } catch (error) {
    if (error instanceof StartError) return null;
    throw error;
  }
  return options;
}
