/**
 * Waiting by an engine's clock.
 *
 * @module
 */
import type { Clock } from "./ports/clock.ts";

/** Resolves after so long, ms. A clock that is stopped never resolves it. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((done) => void clock.setTimer(ms, done));
}
