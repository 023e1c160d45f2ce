/** Which channels a user may still use after a change, when some of those of before are gone. */
import type { Pattern } from "./pattern.ts";
import type { User } from "./user.ts";

/**
 * The patterns of channels that the user may use now, if it could use others before; null if nothing was lost, and so no
 * subscription need be looked at.
 */
export function channelsAfterLoss(before: User, now: User): readonly Pattern[] | null {
  if (now.selectors.some(({ allChannels }) => allChannels)) return null;
  const left = now.selectors.flatMap(({ channels }) => channels);
  const texts = new Set(left.map(({ text }) => text));
  const isKept = before.selectors.every(
    ({ allChannels, channels }) => !allChannels && channels.every(({ text }) => texts.has(text)),
  );
  return isKept ? null : left;
}
