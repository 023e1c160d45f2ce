/** Where the log goes: standard output, or a file that is opened for every line, so that it may be moved away meanwhile. */
import { appendFileSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import type { LogLevel } from "../base/log.ts";
import { Logger } from "../base/log.ts";
import type { Options } from "../base/options.ts";
import { fromBytes } from "./words.ts";

export function createLogger(options: Options): Logger {
  const logger = new Logger();
  const path = options.text("logfile");
  // The directory may change later; the log stays where it began.
  const file = path === "" ? null : resolve(fromBytes(path));
  logger.write = (line) => {
    const bytes = Buffer.from(`${line}\n`, "latin1");
    try {
      if (file === null) writeSync(1, bytes);
      else appendFileSync(file, bytes);
    } catch {
      // A log that can't be written must not stop the server.
    }
  };
  options.onChange("loglevel", (level) => (logger.level = level as LogLevel));
  return logger;
}
