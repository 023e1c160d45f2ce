/** What stops the start: a message for standard error; the exit status is 1. */
import { REDIS_VERSION } from "../base/version.ts";

export class StartError extends Error {
  override name = "StartError";
}

/** A setting that can't be taken, with the line it stands in. */
export interface BadSetting {
  /** As it was written, one character a byte. */
  readonly line: string;
  readonly reason: string;
}

const TITLE = `*** FATAL CONFIG FILE ERROR (Redis ${REDIS_VERSION}) ***`;

/** The block that Redis prints for a line of its config file. */
export function fileError(number: number, { line, reason }: BadSetting): StartError {
  return new StartError(
    `\n${TITLE}\nReading the configuration file, at line ${number}\n>>> '${line}'\n${reason}`,
  );
}

/** The same for a setting from elsewhere, in one line. @param source as "On the command line" */
export function settingError(source: string, { line, reason }: BadSetting): StartError {
  return new StartError(`${TITLE} ${source}: >>> '${line}' ${reason}`);
}

/** For a file that is wrong as a whole. */
export function configError(reason: string): StartError {
  return new StartError(`\n${TITLE}\n${reason}`);
}
