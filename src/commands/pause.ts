/**
 * Commands that are held back for a time, none lost: by CLIENT PAUSE, or for a key that has to catch up (overdue.ts). A command
 * that is held back has not run: its session is blocked and stands in `engine.held`, and whoever feeds the session runs the
 * same command again when it is let go.
 */
import { MAY_REPLICATE, WRITE } from "./command.ts";
import type { Engine } from "./engine.ts";
import type { Session } from "./session.ts";

/** What a pause holds back, as `engine.pauseMode`. */
export const PAUSE_NONE = 0;
export const PAUSE_WRITES = 1;
export const PAUSE_ALL = 2;
export type PauseMode = typeof PAUSE_NONE | typeof PAUSE_WRITES | typeof PAUSE_ALL;

/**
 * Begins a pause. One that is under way is only ever made stricter and longer.
 * @param untilMs Unix time in ms
 */
export function pauseClients(engine: Engine, untilMs: number, mode: PauseMode): void {
  endPauseIfDue(engine);
  if (untilMs <= engine.clock.nowMs) return;
  engine.pausedUntilMs = Math.max(engine.pausedUntilMs, untilMs);
  if (mode > engine.pauseMode) engine.pauseMode = mode;
}

/** Ends the pause, if there is one, and lets those go on that it held back. */
export function unpauseClients(engine: Engine): void {
  engine.pausedUntilMs = 0;
  engine.pauseMode = PAUSE_NONE;
  letGo(engine);
}

/** Holds a session's command back. */
export function hold(session: Session): void {
  session.blocked = true;
  session.engine.held.add(session);
}

/** Lets all go on whose commands are held back. What still has a reason to wait is held back again. */
export function letGo(engine: Engine): void {
  if (engine.held.size === 0) return;
  const sessions = [...engine.held];
  engine.held.clear();
  for (const session of sessions) session.blocked = false;
  // Not inside the command that lets them go: no command runs within another.
  queueMicrotask(() => {
    for (const session of sessions) session.peer?.resume();
  });
}

/** Ends a pause whose time is over. */
export function endPauseIfDue(engine: Engine): void {
  if (engine.pauseMode !== PAUSE_NONE && engine.clock.nowMs >= engine.pausedUntilMs) {
    unpauseClients(engine);
  }
}

/**
 * Holds a command back if there is a pause that is meant for it.
 * @param flags of the command
 * @returns whether it is held back
 */
export function holdIfPaused(session: Session, flags: number): boolean {
  const { engine } = session;
  endPauseIfDue(engine);
  if (engine.pauseMode === PAUSE_NONE) return false;
  if (engine.pauseMode === PAUSE_WRITES && (flags & (WRITE | MAY_REPLICATE)) === 0) {
    return false;
  }
  hold(session);
  return true;
}
