/** Fits `maxclients` to the number of files that the system lets the process open. */
import { readFileSync } from "node:fs";
import type { Logger } from "../base/log.ts";
import type { Options } from "../base/options.ts";

/** Files kept for the log, the data and the runtime itself, as in Redis. */
const RESERVED = 32;

/** The limit on open files, or Infinity where it is not known. */
function openFilesMax(): number {
  try {
    const match = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"));
    return match === null ? Infinity : Number(match[1]);
  } catch {
    return Infinity;
  }
}

/** Lowers `maxclients` if it promises more connections than there can be; at the limit accepting would spin. */
export function fitClients(options: Options, logger: Logger): void {
  const wanted = options.number("maxclients");
  const limit = openFilesMax();
  options.onApply(["maxclients"], () => {
    const most = Math.max(1, openFilesMax() - RESERVED);
    if (options.number("maxclients") <= most) return null;
    return `The operating system is not able to handle the specified number of clients, try with ${most}`;
  });
  if (wanted + RESERVED <= limit) return;
  const possible = Math.max(1, limit - RESERVED);
  logger.warning(
    `You requested maxclients of ${wanted} requiring at least ${wanted + RESERVED} max file descriptors.`,
  );
  logger.warning(
    `Current maximum open files is ${limit}. maxclients has been reduced to ${possible} to compensate for low ulimit. ` +
      `If you need higher maxclients increase 'ulimit -n'.`,
  );
  options.record("maxclients", String(possible));
}
