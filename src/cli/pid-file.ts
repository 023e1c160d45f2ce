/** The file that holds the process id while the server runs. */
import { rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Logger } from "../base/log.ts";
import type { Options } from "../base/options.ts";
import { systemErrorText } from "../base/system-errors.ts";
import { fromBytes } from "./words.ts";

/** Writes it if the option `pidfile` names one. @returns what removes it */
export function writePidFile(options: Options, logger: Logger): () => void {
  const path = options.text("pidfile");
  if (path === "") return () => {};
  const file = resolve(fromBytes(path));
  try {
    writeFileSync(file, `${process.pid}\n`);
  } catch (error) {
    logger.warning(`Can't write the pid file ${path}: ${systemErrorText(error)}`);
    return () => {};
  }
  return () => {
    logger.notice("Removing the pid file.");
    rmSync(file, { force: true });
  };
}
