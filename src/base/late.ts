/**
 * Parts of the program that a server does not need to serve its first client.
 *
 * Loading takes most of the time from the start of the process to the first answer, so what only some clients ask for is loaded
 * later: when it is first asked for, or else by `loadNext`, one part at a time, while there is nothing to do soon after the start. Nothing is left
 * unloaded for good: a server runs for months, and an update may replace its files meanwhile.
 *
 * A part is named where it is used, with `require`, since it has to be there at once, and with the path in full, which `bun build` wants:
 *
 *   import type { Scripts } from "./script-run.ts";
 *   const scripting = late<{ Scripts: typeof Scripts }>(() => require("./script-run.ts"));
 *   new (scripting().Scripts)(engine);
 *
 * What is loaded belongs to the process, not to a server: two servers in one process share it. A part should be small enough to be
 * loaded within a few milliseconds, since everybody waits for it.
 */

const waiting: (() => unknown)[] = [];

/** A part, loaded when it is asked for the first time. Parts are loaded ahead in the order in which they were named. */
export function late<Part>(load: () => Part): () => Part {
  let part: Part | undefined;
  const get = (): Part => (part ??= load());
  waiting.push(get);
  return get;
}

/**
 * Loads a part that nobody has asked for yet. One that can't be read now, since the process may open no further file, is put off to
 * the end. Returns false if all are loaded.
 */
export function loadNext(): boolean {
  const load = waiting.shift();
  try {
    load?.();
  } catch {
    waiting.push(load!);
  }
  return waiting.length > 0;
}
