/** The clients of Python and Ruby: one script each that uses all their main features. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { FrameworkServer } from "./framework-server.ts";
import { startServer } from "./framework-server.ts";

interface Language {
  readonly name: string;
  /** Where to look for it: Debian's own interpreter first, since Debian's packages belong to it. */
  readonly commands: readonly string[];
  readonly script: string;
  /** Ends with status 0 if the client's library is installed. */
  readonly probe: readonly string[];
  readonly debianPackage: string;
}

const LANGUAGES: Language[] = [
  {
    name: "Python",
    commands: ["/usr/bin/python3", "python3"],
    script: "smoke.py",
    probe: ["-c", "import redis"],
    debianPackage: "python3-redis",
  },
  {
    name: "Ruby",
    commands: ["/usr/bin/ruby", "ruby"],
    script: "smoke.rb",
    probe: ["-e", "require 'redis'"],
    debianPackage: "ruby-redis",
  },
];

/** The interpreter that has the library, or null. */
function interpreterOf({ commands, probe, debianPackage }: Language): string | null {
  for (const command of commands) {
    const path = Bun.which(command);
    if (path !== null && Bun.spawnSync([path, ...probe]).exitCode === 0) return path;
  }
  // Where tests are to prove something, what they skip they can't prove.
  if (process.env.CI === "true") throw new Error(`${debianPackage} is not installed`);
  return null;
}

let server: FrameworkServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

for (const language of LANGUAGES) {
  const interpreter = interpreterOf(language);
  test.if(interpreter !== null)(`${language.name}'s client does what it does with Redis`, () => {
    const script = new URL(language.script, import.meta.url).pathname;
    const { stdout, stderr } = Bun.spawnSync([interpreter!, script, `${server.port}`]);
    expect(stderr.toString()).toBe("");
    expect(stdout.toString()).toBe("ok\n");
  });
}
