/**
 * The option `daemonize`: the server goes on without its terminal. There is no fork in Bun, so the program starts itself once more,
 * in a session of its own with nothing on its standard streams, and the first process ends.
 */
import type { Options } from "../base/options.ts";

/** Set for the second process, which must not start a third. */
const MARK = "HUTCH_IN_BACKGROUND";

/** Where the sources of an executable made by `bun build --compile` seem to lie. */
const EMBEDDED = "/$bunfs/";

/** The program and its arguments, as they were started. */
function commandLine(): { program: string; args: string[] } {
  const [, main = "", ...args] = process.argv;
  const embedded = main.startsWith(EMBEDDED);
  return { program: process.execPath, args: embedded ? args : [main, ...args] };
}

/**
 * Starts the server in the background if the options ask for it. A service manager that watches the process wants it in the
 * foreground, whatever `daemonize` says, as in Redis. @param folder where the program was started
 * @returns whether this process has nothing more to do
 */
export function goToBackground(options: Options, folder: string): boolean {
  if (process.env[MARK] !== undefined) {
    delete process.env[MARK];
    return false;
  }
  const supervised = options.text("supervised") !== "no" && process.env["NOTIFY_SOCKET"];
  if (!options.flag("daemonize") || supervised) return false;
  const { program, args } = commandLine();
  const env = { ...process.env, [MARK]: "1" };
  Bun.spawn([program, ...args], {
    cwd: folder,
    env,
    detached: true,
    stdio: ["ignore", "ignore", "ignore"],
  }).unref();
  return true;
}
