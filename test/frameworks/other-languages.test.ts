/** Clients, queues and workers of other languages: one script each that uses all their main features. */
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

const PYTHON = ["/usr/bin/python3", "python3"];
const RUBY = ["/usr/bin/ruby", "ruby"];
const PHP = ["/usr/bin/php", "php"];

const LANGUAGES: Language[] = [
  {
    name: "Python's client",
    commands: PYTHON,
    script: "smoke.py",
    probe: ["-c", "import redis"],
    debianPackage: "python3-redis",
  },
  {
    name: "RQ",
    commands: PYTHON,
    script: "rq_jobs.py",
    probe: ["-c", "import rq"],
    debianPackage: "python3-rq",
  },
  {
    name: "Celery",
    commands: PYTHON,
    script: "celery_jobs.py",
    probe: ["-c", "import celery"],
    debianPackage: "python3-celery",
  },
  {
    name: "Ruby's client",
    commands: RUBY,
    script: "smoke.rb",
    probe: ["-e", "require 'redis'"],
    debianPackage: "ruby-redis",
  },
  {
    name: "Sidekiq",
    commands: RUBY,
    script: "sidekiq_jobs.rb",
    probe: ["-e", "require 'sidekiq'"],
    debianPackage: "ruby-sidekiq",
  },
  {
    name: "phpredis, with sessions,",
    commands: PHP,
    script: "phpredis.php",
    probe: ["-r", "exit(class_exists('Redis') ? 0 : 1);"],
    debianPackage: "php-redis",
  },
  {
    name: "Predis",
    commands: PHP,
    script: "predis.php",
    probe: ["-r", "exit(@include('Predis/autoload.php') ? 0 : 1);"],
    debianPackage: "php-predis",
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
  test.if(interpreter !== null)(
    `${language.name} does what it does with Redis`,
    async () => {
      const script = new URL(`workers/${language.script}`, import.meta.url).pathname;
      const child = Bun.spawn([interpreter!, script, `${server.port}`], {
        stdout: "pipe",
        stderr: "pipe",
      });
      const [out, error] = await Promise.all([child.stdout.text(), child.stderr.text()]);
      expect(error).toBe("");
      expect(out).toBe("ok\n");
    },
    60_000,
  );
}
