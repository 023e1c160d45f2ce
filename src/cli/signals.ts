/** Signals, and defects that nobody caught. */
import type { Logger } from "../base/log.ts";

/**
 * SIGTERM and SIGINT stop the server in order; a second one ends the process at once. SIGHUP does nothing, so that the
 * server outlives its terminal.
 */
export function handleSignals(logger: Logger, stop: () => void): void {
  let stopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (stopping) {
        logger.warning("You insist... exiting now.");
        process.exit(1);
      }
      stopping = true;
      logger.notice(`Received ${signal} scheduling shutdown...`);
      stop();
    });
  }
  process.on("SIGHUP", () => {});
}

/** An error that nobody caught leaves a state that nobody can vouch for: it is logged and ends the process. */
export function handleDefects(logger: Logger): void {
  const end = (error: unknown): void => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    for (const line of `Crashed: ${text}`.split("\n")) logger.warning(line);
    process.exit(1);
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}
