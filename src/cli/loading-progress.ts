/**
 * How far a server is with loading its data: a bar on the terminal that its log goes to, below the log's lines; else a line of the
 * log every few seconds.
 */
import type { Logger } from "../base/log.ts";
import type { Loading } from "../commands/engine.ts";
import type { ProgressPlace } from "./progress.ts";
import { Progress } from "./progress.ts";

const LOOK_MS = 100;

/** What is looked at. */
interface Loader {
  readonly loading: Loading | null;
}

/**
 * Shows it until the data is loaded.
 * @param loaded settles when that is so, or when it has failed
 * @param place where the log goes, if that is a terminal; else only its clock counts
 */
export function showLoading(
  engine: Loader,
  logger: Logger,
  loaded: Promise<void>,
  place: ProgressPlace,
): void {
  if (engine.loading === null) return;
  const { isTerminal } = place;
  const writeLine = logger.write;
  const write = (text: string): void => logger.notice(`Loading: ${text.trimEnd()}`);
  const progress = new Progress(isTerminal ? place : { ...place, write }, "bytes");
  if (isTerminal) logger.write = (line) => progress.line(line);
  const look = (): void => {
    const { loading } = engine;
    if (loading !== null) progress.update(loading.loadedBytes, loading.totalBytes);
  };
  look();
  const timer = setInterval(look, LOOK_MS);
  const end = (): void => {
    clearInterval(timer);
    progress.clear();
    logger.write = writeLine;
  };
  loaded.then(end, end);
}
