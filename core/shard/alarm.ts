/**
 * One timer for many times: it stands for the earliest that was asked for.
 *
 * @module
 */
import type { Clock } from "../ports/clock.ts";

/** Rings once for the earliest time that it was set to; then it has to be set again. */
export interface Alarm {
  /** At the latest then (wall time, ms; what is past: at once, in a task of its own). */
  set(at: number): void;
  clear(): void;
}

/**
 * Makes one.
 *
 * @param grain so much earlier than what it is set to is no reason to set it anew, ms
 */
export function createAlarm(clock: Clock, ring: () => void, grain: number = 0): Alarm {
  let armed: { readonly at: number; readonly cancel: () => void } | undefined;
  return {
    set(at) {
      if (armed !== undefined && armed.at <= at + grain) return;
      armed?.cancel();
      const cancel = clock.setTimer(Math.max(0, at - clock.now()), () => {
        armed = undefined;
        ring();
      });
      armed = { at, cancel };
    },
    clear() {
      armed?.cancel();
      armed = undefined;
    },
  };
}
